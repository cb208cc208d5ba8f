import { createElement } from 'react'
import { renderToStaticMarkup } from 'react-dom/server'
import { describe, expect, it } from 'vitest'
import { Activities, activityParts } from '../src/data/activities'
import type { Envelope } from '../src/data/envelope'
import { safeLink } from '../src/data/link'
import { shapeOf } from '../src/data/shape'
import { Source } from '../src/data/source'
import { dayName, daysOf, groupsOf, initials } from '../src/panels/feed/groups'
import { Item } from '../src/panels/feed/Item'
import { markdown } from '../src/panels/text/markdown'
import { badAddresses, payloads } from './hostile.mjs'

const MINUTE = 60_000
const NOON = new Date(2026, 5, 10, 12).getTime()

function event(data: unknown, at = NOON): Envelope {
  return { stream: 'a.b', id: undefined, type: undefined, key: undefined, at, data, match: [] }
}

function activities(...entries: readonly [actor: string, verb: string, at: number][]): Activities {
  const all = new Activities()
  for (const [actor, verb, at] of entries)
    all.append(event({ actor, verb, object: `at ${at}` }, at))
  return all
}

describe('an activity', () => {
  it('is a shape of its own', () => {
    expect(shapeOf({ actor: 'ada', verb: 'ordered', object: 'tea' })).toBe('activity')
    expect(shapeOf({ type: 'Like', actor: { name: 'ada' }, object: 'https://x' })).toBe('activity')
    expect(shapeOf({ actor: 'ada', message: 'logged in' })).toBe('log')
    expect(shapeOf({ type: 'click', actor: 'ada' })).toBe('other')
  })

  it('shows itself as a feed, and as lines once something else comes', () => {
    const source = new Source('a.b', MINUTE)
    source.append(event({ actor: 'ada', verb: 'ordered' }))
    expect(source.content?.kind).toBe('activities')
    source.append(event({ total: 3 }))
    expect(source.content?.kind).toBe('other')
  })

  it('is read from a record, by pointers, and from ActivityStreams 2.0', () => {
    expect(
      activityParts({ actor: 'ada', verb: 'ordered', object: 'tea', link: '/o/1', icon: '🛒' }),
    ).toEqual({
      actor: 'ada',
      verb: 'ordered',
      object: 'tea',
      target: '',
      link: '/o/1',
      icon: '🛒',
    })
    expect(
      activityParts({ who: { id: 7 }, did: 'won' }, { actor: '/who/id', verb: '/did' }),
    ).toMatchObject({
      actor: '7',
      verb: 'won',
    })
    expect(
      activityParts({
        type: 'Create',
        actor: { type: 'Person', name: 'Sally' },
        object: { type: 'Note', name: 'A note', url: 'https://example.com/n' },
        target: { name: 'Blog' },
      }),
    ).toMatchObject({
      actor: 'Sally',
      verb: 'created',
      object: 'A note',
      target: 'Blog',
      link: 'https://example.com/n',
    })
  })

  it('has an icon if that is short or may be a name', () => {
    const icon = (icon: unknown) => activityParts({ icon }).icon
    expect([icon('👩‍💻'), icon('CI'), icon('deploy'), icon(''), icon(7)]).toEqual([
      '👩‍💻',
      'CI',
      'deploy',
      undefined,
      undefined,
    ])
  })
})

describe('a link', () => {
  it.each(badAddresses)('does not lead to %j', (address) => {
    const href = safeLink(address)
    if (href !== undefined) {
      expect(new URL(href, 'https://page.example/').protocol).toMatch(/^https?:$/)
    }
    expect(/^\s*(javascript|vbscript|data|blob|file|view-source):/i.test(href ?? '')).toBe(false)
  })

  it('leads to http, https and relative addresses; to mail if asked', () => {
    for (const good of ['https://a.b/c', 'http://a.b', '/x?y', 'x/y', '#z']) {
      expect(safeLink(good)).toBe(good)
    }
    expect(safeLink('mailto:a@b.c')).toBeUndefined()
    expect(safeLink('mailto:a@b.c', { mail: true })).toBe('mailto:a@b.c')
    expect(safeLink(undefined)).toBeUndefined()
    expect(safeLink(' ')).toBeUndefined()
  })
})

describe('groups', () => {
  it('are of one actor and verb, within minutes and one day, newest first', () => {
    const all = activities(
      ['ada', 'viewed', NOON],
      ['ada', 'viewed', NOON + MINUTE],
      ['ada', 'ordered', NOON + 2 * MINUTE],
      ['ada', 'viewed', NOON + 3 * MINUTE],
      ['ada', 'viewed', NOON + 30 * MINUTE],
    )
    const groups = groupsOf(all, all.end, 10)
    expect(groups.map((g) => [g.id, g.members.length])).toEqual([
      [4, 1],
      [3, 1],
      [2, 1],
      [0, 2],
    ])
    const midnight = new Date(2026, 5, 11).getTime()
    const over = activities(['ada', 'viewed', midnight - 1000], ['ada', 'viewed', midnight + 1000])
    expect(groupsOf(over, over.end, 10)).toHaveLength(2)
    expect(daysOf(groupsOf(over, over.end, 10))).toHaveLength(2)
  })

  it('stay the same as others join, and are as many as are wanted', () => {
    const all = activities(
      ['ada', 'viewed', NOON],
      ['bob', 'viewed', NOON],
      ['bob', 'viewed', NOON],
    )
    expect(groupsOf(all, 2, 10)[0]?.id).toBe(1)
    expect(groupsOf(all, 3, 10)[0]?.id).toBe(1)
    expect(groupsOf(all, 3, 1)).toHaveLength(1)
    expect(groupsOf(all, all.until(NOON - 1), 10)).toEqual([])
  })

  it('stand under their day’s name', () => {
    const day = (days: number) => new Date(2026, 5, 10 - days).getTime()
    expect([0, 1, 3].map((d) => dayName(day(d), NOON))).toEqual([
      'Today',
      'Yesterday',
      'Sunday, June 7',
    ])
    expect(dayName(new Date(2025, 0, 1).getTime(), NOON)).toBe('Wednesday, January 1, 2025')
  })

  it('have initials where there is no icon', () => {
    expect(['Ada Lovelace', 'ci-bot', 'ada@example.com', '', '👩‍💻'].map(initials)).toEqual([
      'AL',
      'CB',
      'AE',
      '·',
      '👩',
    ])
  })
})

/** Markup that the page itself may have made. */
const OURS =
  /<\/?(article|span|div|p|strong|em|del|a|time|button|h4|h5|h6|ul|ol|li|pre|code|blockquote|table|thead|tbody|tr|th|td|hr|br|input)(?: (?:tabIndex|class|href|target|rel|data-[a-z]+|dateTime|datetime|title|aria-[a-z]+|tabindex|id|type|checked|disabled|start)="[^"]*")*\/?>/g

/** What is left of markup without the page’s own must be text: no tag can begin without a
 * `<`, and none has been left open by the page’s own. */
function onlyText(html: string): void {
  expect(html.replace(OURS, '')).not.toMatch(/</)
  for (const [, href = ''] of html.matchAll(/ href="([^"]*)"/g)) {
    const address = href.replaceAll('&amp;', '&')
    expect(new URL(address, 'https://page.example/').protocol).toMatch(/^(https?|mailto):$/)
  }
}

describe('hostile texts', () => {
  const named = payloads.map((p) => [p.slice(0, 40), p] as const)

  it('are more than a hundred', () => {
    expect(payloads.length).toBeGreaterThanOrEqual(100)
  })

  it.each(named)('%j is text in a feed', (_, p) => {
    const all = new Activities()
    all.append(event({ actor: p, verb: p, object: p, target: p, link: p, icon: p }))
    const [group] = groupsOf(all, 1, 1)
    if (group === undefined) throw new Error('no group')
    onlyText(renderToStaticMarkup(createElement(Item, { group })))
  })

  it.each(named)('%j is text in Markdown', (_, p) => {
    onlyText(renderToStaticMarkup(createElement('div', null, ...markdown(p))))
  })
})

/** What links to other pages have. */
const AWAY = ' target="_blank" rel="noopener noreferrer"'

describe('Markdown', () => {
  const html = (text: string) => renderToStaticMarkup(createElement('div', null, ...markdown(text)))

  it.each([
    ['**a** *b* ~~c~~ `d`', '<p><strong>a</strong> <em>b</em> <del>c</del> <code>d</code></p>'],
    [
      '__a__ _b_ snake_case_name 2*3*4',
      '<p><strong>a</strong> <em>b</em> snake_case_name 2<em>3</em>4</p>',
    ],
    ['**a *b* c** and * not', '<p><strong>a <em>b</em> c</strong> and * not</p>'],
    ['*a **b** c*', '<p><em>a <strong>b</strong> c</em></p>'],
    ['``a`b`` and `', '<p><code>a`b</code> and `</p>'],
    ['\\*a\\* \\\\', '<p>*a* \\</p>'],
    ['# A\n## B ##', '<h4>A</h4><h5>B</h5>'],
    ['## A\n### B', '<h4>A</h4><h5>B</h5>'],
    ['one\ntwo  \nthree\\\nfour\n\nfive', '<p>one\ntwo<br/>three<br/>four</p><p>five</p>'],
    [
      '- a\n- b\n  - c\n    d\n- e',
      '<ul><li>a</li><li>b<ul><li>c\nd</li></ul></li><li>e</li></ul>',
    ],
    ['- a\n\n- b', '<ul><li><p>a</p></li><li><p>b</p></li></ul>'],
    ['3. a\n4. b', '<ol start="3"><li>a</li><li>b</li></ol>'],
    ['- a\n\ntext', '<ul><li>a</li></ul><p>text</p>'],
    ['text\n- a\n---\nx', '<p>text</p><ul><li>a</li></ul><hr/><p>x</p>'],
    [
      '> a\n> > b\n\nc',
      '<blockquote><p>a</p><blockquote><p>b</p></blockquote></blockquote><p>c</p>',
    ],
    ['```sh\n# *x* <b>\n```\ny', '<pre><code># *x* &lt;b></code></pre><p>y</p>'],
    ['~~~\nnever ended', '<pre><code>never ended</code></pre>'],
    [
      '[a](/b) [c *d*](<e f> "t") [x]',
      '<p><a href="/b">a</a> <a href="e f">c <em>d</em></a> [x]</p>',
    ],
    ['[a](https://a.b/c_(d))', `<p><a href="https://a.b/c_(d)"${AWAY}>a</a></p>`],
    [
      'see https://a.b/c_d_e, ok',
      `<p>see <a href="https://a.b/c_d_e"${AWAY}>https://a.b/c_d_e</a>, ok</p>`,
    ],
    ['<mailto:a@b.c>', '<p><a href="mailto:a@b.c">mailto:a@b.c</a></p>'],
    ['[a](javascript:b)', '<p><span>a</span></p>'],
    ['a & b &amp; &copy; &#x2192; &nope;', '<p>a &amp; b &amp; © → &amp;nope;</p>'],
    ['<b>a</b>', '<p>&lt;b>a&lt;/b></p>'],
    ['![pic](https://a.b/c.png)', `<p><a href="https://a.b/c.png"${AWAY}>pic</a></p>`],
    [
      '| a | b |\n|---|---:|\n| 1 \\| 2 | `3` |\n\nx',
      '<table><thead><tr><th>a</th><th class="number">b</th></tr></thead><tbody><tr><td>1 | 2</td><td class="number"><code>3</code></td></tr></tbody></table><p>x</p>',
    ],
    [
      '- [x] a\n- [ ] b',
      '<ul><li data-task="true"><input type="checkbox" checked disabled aria-label="done"/>a</li><li data-task="true"><input type="checkbox" disabled aria-label="to do"/>b</li></ul>',
    ],
    ['', ''],
  ])('%j becomes %s', (text, want) => {
    expect(html(text)).toBe(`<div>${want}</div>`)
  })

  it.each([
    '[',
    '*a ',
    '**',
    '`a``b',
    '> ',
    '- ',
    '[a](',
    '_a',
    '<',
    'https://',
    '| ',
    '  \n',
    '#',
    '&',
    '*_~',
  ])('is read in time however often %j is repeated', (part) => {
    // What takes more than its length would take longer than a test may.
    expect(html(part.repeat(100_000 / part.length))).toMatch(/^<div>/)
  })
})
