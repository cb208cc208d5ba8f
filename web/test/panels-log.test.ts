import { describe, expect, it } from 'vitest'
import type { Envelope } from '../src/data/envelope'
import { Lines } from '../src/data/lines'
import { brief, type Level, levelOf, logParts } from '../src/data/shape'
import { visible } from '../src/data/visible'
import { parseANSI } from '../src/panels/log/ansi'
import { json } from '../src/panels/log/detail'
import { asNDJSON, asText } from '../src/panels/log/export'
import { Follow } from '../src/panels/log/follow'
import { Heights } from '../src/panels/log/heights'
import { type Criteria, Listing } from '../src/panels/log/listing'
import { prefixOf } from '../src/panels/log/look'
import { occurrences, parsePattern } from '../src/panels/log/pattern'
import { formatLine, parseLine } from '../src/panels/log/permalink'
import { timeText } from '../src/panels/log/row'
import { nested, payloads } from './hostile.mjs'

const ALL: Criteria = { level: undefined, pattern: { kind: 'none' }, only: true }

function event(data: unknown, at = 0, id?: string): Envelope {
  return { stream: 'logs.web', id, type: undefined, key: undefined, at, data, match: [] }
}

function record(body: string, severity = 'INFO'): unknown {
  return { severity, body }
}

/** The bodies that are listed, oldest first. */
function bodies(listing: Listing): string[] {
  const texts = []
  for (let place = listing.start; place < listing.end; place++) {
    texts.push(logParts(listing.at(place)?.event.data).text)
  }
  return texts
}

describe('levels', () => {
  it.each<[unknown, Level | undefined]>([
    [{ severity: 'warning', body: 'x' }, 'WARN'],
    [{ level: 'ERROR+2', msg: 'x' }, 'ERROR'],
    [{ level: 50, msg: 'x' }, 'ERROR'],
    [{ severity_number: 9, body: 'x' }, 'INFO'],
    [{ level: 'whatever', msg: 'x' }, undefined],
    ['ERROR in a bare line', undefined],
    [{ level: 'ERROR' }, undefined],
  ])('of %j is %s', (data, want) => {
    expect(levelOf(data)).toBe(want)
  })
})

describe('what a record says', () => {
  it('is its body, and the rest as pairs', () => {
    const data = { time: 't', level: 'INFO', msg: 'hi', user: 'ada', attributes: { n: 1 } }
    expect(logParts(data)).toEqual({ text: 'hi', rest: 'user=ada n=1' })
  })

  it('costs no more than it shows, however deep or long it is', () => {
    expect(logParts(nested(5000)).text.length).toBeLessThan(5000)
    expect(logParts({ body: 'x', attributes: { y: 'z'.repeat(1e6) } }).rest.length).toBeLessThan(
      5000,
    )
    expect(brief(Array.from({ length: 1e5 }, () => 'x')).length).toBeLessThan(5000)
    expect(brief({ a: [1, 'b', null, true, {}] })).toBe('{"a":[1,"b",null,true,{}]}')
  })

  it('is written as JSON even where JSON.stringify gives up', () => {
    expect(json(nested(20_000))).toContain('{"a":')
  })
})

describe('lines', () => {
  it('keep the newest, under numbers that are never used twice', () => {
    const lines = new Lines('log', 3)
    for (const text of ['a', 'b', 'c', 'd', 'e']) lines.append(event(text))
    expect([lines.start, lines.end]).toEqual([2, 5])
    expect([1, 2, 3, 4, 5].map((n) => lines.at(n)?.event.data)).toEqual([
      undefined,
      'c',
      'd',
      'e',
      undefined,
    ])
  })

  it('keep fewer where they are large, but always the newest', () => {
    const lines = new Lines('log', 1000)
    for (let i = 0; i < 100; i++) lines.append(event('x'.repeat(100_000)))
    expect(lines.end - lines.start).toBe(9)
    lines.append(event('y'.repeat(1 << 24)))
    expect(lines.end - lines.start).toBe(1)
  })

  it('count by level, also as lines go', () => {
    const lines = new Lines('log', 4)
    for (const severity of ['ERROR', 'DEBUG', 'INFO', 'ERROR', 'FATAL']) {
      lines.append(event(record('x', severity)))
    }
    expect([
      lines.count(),
      lines.count('INFO'),
      lines.count('ERROR'),
      lines.count('FATAL'),
    ]).toEqual([4, 3, 2, 1])
  })

  it('end at a time, even if one came late', () => {
    const lines = new Lines('log', 10)
    for (const at of [1000, 2000, 1500, 3000]) lines.append(event('x', at))
    expect([999, 1000, 1700, 2500, 9000].map((t) => lines.until(t))).toEqual([0, 1, 3, 3, 4])
  })

  it('are found by their position', () => {
    const lines = new Lines('log', 2)
    for (const id of ['e-1', 'e-2', 'e-3']) lines.append(event('x', 0, id))
    expect(lines.find('logs.web', 'e-3')?.number).toBe(2)
    expect(lines.find('logs.web', 'e-1')).toBeUndefined()
    expect(lines.find('logs.mail', 'e-3')).toBeUndefined()
  })
})

describe('heights', () => {
  it('agree with plain addition', () => {
    const heights = new Heights(100)
    const plain = new Array<number>(100).fill(0)
    let seed = 7
    for (let i = 0; i < 2000; i++) {
      seed = (seed * 1103515245 + 12345) % 2 ** 31
      const slot = seed % 100
      const height = (seed >> 8) % 5 === 0 ? 0 : (seed >> 8) % 60
      heights.set(slot, height)
      plain[slot] = height
    }
    let sum = 0
    for (const [slot, height] of plain.entries()) {
      expect(heights.before(slot)).toBe(sum)
      if (height > 0) expect(heights.find(sum + height - 1)).toBe(slot)
      if (height > 0) expect(heights.find(sum)).toBe(slot)
      sum += height
    }
    expect(heights.total).toBe(sum)
  })
})

describe('a listing', () => {
  it('lists the lines of a level, and those that come', () => {
    const lines = new Lines('log', 100)
    for (const [body, level] of [
      ['a', 'INFO'],
      ['b', 'ERROR'],
      ['c', 'WARN'],
    ] as const) {
      lines.append(event(record(body, level)))
    }
    lines.append(event('bare'))
    const listing = new Listing(lines, { ...ALL, level: 'WARN' }, 20)
    expect(listing.advance(1e3)).toBe(true)
    expect(bodies(listing)).toEqual(['b', 'c'])
    lines.append(event(record('d', 'FATAL')))
    listing.advance(1e3)
    expect(bodies(listing)).toEqual(['b', 'c', 'd'])
  })

  it('finds in text, fields and keys; only those, or among all', () => {
    const lines = new Lines('log', 100)
    lines.append(event(record('disk FULL')))
    lines.append(event(record('fine')))
    lines.append(event({ body: 'x', attributes: { why: 'full' } }))
    lines.append({ ...event(record('y')), key: 'full-1' })
    const pattern = parsePattern('full')
    const listing = new Listing(lines, { ...ALL, pattern }, 20)
    listing.advance(1e3)
    expect(bodies(listing)).toEqual(['disk FULL', 'x', 'y'])
    listing.list({ ...ALL, pattern, only: false })
    listing.advance(1e3)
    expect(bodies(listing)).toEqual(['disk FULL', 'fine', 'x', 'y'])
    expect([
      listing.matches,
      listing.match(0, 1),
      listing.match(0, -1),
      listing.match(3, 1),
    ]).toEqual([3, 2, 3, 0])
  })

  it('keeps distances right while its ring turns and lines are measured', () => {
    const lines = new Lines('log', 8)
    const listing = new Listing(lines, ALL, 20)
    for (let i = 0; i < 50; i++) {
      lines.append(event(`line ${i}`))
      listing.advance(1e3)
      if (i % 3 === 0) listing.measured(listing.end - 1, 50)
      let top = 0
      for (let place = listing.start; place < listing.end; place++) {
        expect(listing.top(place)).toBe(top)
        expect(listing.find(top)).toBe(place)
        expect(listing.find(top + listing.height(place) - 1)).toBe(place)
        top += listing.height(place)
      }
      expect(listing.top(listing.end)).toBe(top)
    }
    expect(bodies(listing)).toHaveLength(8)
  })

  it('goes on where its time was up', () => {
    const lines = new Lines('log', 1000)
    for (let i = 0; i < 1000; i++) lines.append(event(`line ${i}`))
    const listing = new Listing(lines, ALL, 20)
    let steps = 1
    while (!listing.advance(0)) steps++
    expect(steps).toBeGreaterThan(5)
    expect(listing.end).toBe(1000)
  })

  it('keeps its matches as lines go', () => {
    const lines = new Lines('log', 10)
    const listing = new Listing(lines, { ...ALL, pattern: parsePattern('even') }, 20)
    for (let i = 0; i < 20_000; i++) {
      lines.append(event(i % 2 === 0 ? 'even' : 'odd'))
      if (i % 7 === 0) listing.advance(1e3)
    }
    listing.advance(1e3)
    expect([listing.matches, listing.end - listing.start]).toEqual([5, 5])
    expect(listing.match(listing.end, -1)).toBe(listing.end - 1)
  })
})

describe('a search', () => {
  it('is plain text, or an expression between slashes', () => {
    expect(parsePattern('').kind).toBe('none')
    expect(parsePattern('a.b(')).toEqual({ kind: 'pattern', regexp: /a\.b\(/gi })
    expect(parsePattern('/a+/i')).toEqual({ kind: 'pattern', regexp: /a+/gi })
    expect(parsePattern('/api/v1')).toEqual({ kind: 'pattern', regexp: /\/api\/v1/gi })
  })

  it('says what is wrong with an expression', () => {
    expect(parsePattern('/(/')).toEqual({ kind: 'wrong', why: 'Unterminated group' })
  })

  it('marks every occurrence, and nothing for what matches nothing', () => {
    expect(occurrences(/a/g, 'banana')).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ])
    expect(occurrences(/x*/g, 'abc')).toEqual([])
  })
})

describe('following', () => {
  it('ends with eighty pixels up, and begins again at the end', () => {
    const follow = new Follow()
    for (let i = 1; i <= 3; i++) follow.scrolled(-25, 25 * i, 9, 0, 1000)
    expect(follow.following).toBe(true)
    expect(follow.holds(1200)).toBe(true) // not pulled back while scrolling goes on
    follow.scrolled(-25, 100, 8, 5, 1000)
    expect(follow.following).toBe(false)
    expect(follow.anchor).toEqual({ number: 8, above: 5 })
    follow.scrolled(90, 10, 9, 0, 2000)
    expect(follow.following).toBe(true)
  })

  it('comes back by itself from less', () => {
    const follow = new Follow()
    follow.scrolled(-30, 30, 9, 0, 1000)
    expect(follow.holds(1100)).toBe(true)
    expect(follow.holds(2000)).toBe(false)
    follow.scrolled(-60, 60, 9, 0, 3000)
    expect(follow.following).toBe(true)
  })
})

describe('colours of terminals', () => {
  it('are the theme’s, by hue', () => {
    const text = '\x1b[31mred\x1b[0m plain \x1b[1;38;5;46mgreen\x1b[0m\x1b[48;2;0;0;200mblue'
    expect(parseANSI(text)).toEqual({
      text: 'red plain greenblue',
      styles: [
        { from: 0, to: 3, classes: 'fg-red' },
        { from: 10, to: 15, classes: 'fg-green bold' },
        { from: 15, to: 19, classes: 'bg-blue' },
      ],
    })
  })

  it('do not reach back to what stands before them', () => {
    const { styles } = parseANSI('\x1b[31ma\x1b[1mb')
    expect(styles.map((s) => s.classes)).toEqual(['fg-red', 'fg-red bold'])
  })

  it('are all that is obeyed: links, titles and movements are not', () => {
    const link = '\x1b]8;;javascript:alert(1)\x1b\\click\x1b]8;;\x1b\\'
    expect(parseANSI(`${link}\x1b[2J\x1b]0;title\x07!`)).toEqual({ text: 'click!', styles: [] })
    expect(parseANSI('\x1b[8mhidden').text).toBe('hidden')
    expect(parseANSI('\x1b]0;never ended').text).toBe('⟨U+001B⟩]0;never ended')
  })
})

describe('what is invisible', () => {
  it.each([
    ['user\u202egpj.exe', 'user⟨U+202E⟩gpj.exe'],
    ['a\u0000b', 'a⟨U+0000⟩b'],
    ['pass\u200dword', 'pass⟨U+200D⟩word'],
    ['tag\u{e0041}', 'tag⟨U+E0041⟩'],
    ['a\r\nb\tc', 'a\nb\tc'],
    ['a\rb', 'a⟨U+000D⟩b'],
    ['👩‍💻 🏳️‍🌈', '👩‍💻 🏳️‍🌈'],
    ['می‌خواهم', 'می‌خواهم'],
    ['שלום', 'שלום'],
  ])('%j is shown as %s', (text, want) => {
    expect(visible(text)).toBe(want)
  })

  const INVISIBLE = /[\p{Cc}\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/u
  it.each(payloads.map((p) => [p.slice(0, 40), p]))('is in nothing that is shown of %j', (_, p) => {
    const { text, rest } = logParts({ body: p, attributes: { [p]: p } })
    for (const part of [parseANSI(text), parseANSI(rest)]) {
      expect(part.text.replaceAll(/[\n\t]/g, '')).not.toMatch(INVISIBLE)
      expect(part.text.length).toBeLessThan(50_000)
      for (const { from, to, classes } of part.styles) {
        expect(classes).toMatch(/^[a-z -]+$/)
        expect(from < to && to <= part.text.length).toBe(true)
      }
    }
  })
})

describe('taking lines along', () => {
  const lines = new Lines('log')
  lines.append({
    ...event({ level: 'WARN', msg: '\x1b[31mhot\x1b[0m', t: 90 }, 0, 'e-1'),
    key: 'k',
  })
  const all = [lines.at(0)].filter((line) => line !== undefined)

  it('as text is without colours', () => {
    expect(asText(all)).toEqual(['1970-01-01T00:00:00.000Z WARN logs.web k hot t=90\n'])
  })

  it('as NDJSON is what the hub has', () => {
    expect(JSON.parse(asNDJSON(all)[0] as string)).toEqual({
      stream: 'logs.web',
      id: 'e-1',
      key: 'k',
      time: '1970-01-01T00:00:00.000Z',
      data: { level: 'WARN', msg: '\x1b[31mhot\x1b[0m', t: 90 },
    })
  })
})

describe('a link to a line', () => {
  it('names stream and position, and nothing else passes', () => {
    const address = { stream: 'logs.web', id: '20tfz-17' }
    expect(parseLine(formatLine(address))).toEqual(address)
    for (const bad of [null, '', 'logs.web', 'a/b/c', 'a b/c', `a/${'x'.repeat(65)}`]) {
      expect(parseLine(bad)).toBeUndefined()
    }
  })
})

describe('times and names', () => {
  it('say the day where it is not today', () => {
    const at = new Date(2026, 1, 3, 4, 5, 6, 7)
    expect(timeText(at.getTime(), false, at.getTime())).toBe('04:05:06.007')
    expect(timeText(at.getTime(), true, at.getTime())).toBe('04:05:06')
    expect(timeText(at.getTime(), true, new Date(2026, 1, 4).getTime())).toBe('2026-02-03 04:05:06')
    expect(timeText(Number.NaN)).toBe('?')
  })

  it('leave out what all streams share', () => {
    expect(prefixOf(['logs.*'])).toBe('logs.')
    expect(prefixOf(['logs.web', 'logs.mail'])).toBe('logs.')
    expect(prefixOf(['logs.web', 'app.x'])).toBe('')
    expect(prefixOf(['>'])).toBe('')
  })
})
