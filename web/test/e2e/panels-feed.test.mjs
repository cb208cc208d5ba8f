// Who did what, and what a dashboard's author has to say; and panels that can't show
// what they were asked for.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { becomes, panelOf, textsOf, until, Visit } from './visit.mjs'

const DASHBOARD = `title: Feed
window: 744h
variables:
  team: { label: Team, stream: f.teams, field: /team, default: ops }
rows:
  - panels:
      - { type: feed, title: Activity, stream: f.activity, width: 6 }
      - { type: feed, title: Own, stream: f.own, width: 6, fields: { actor: /who, verb: /did, object: /what/name, link: /what/at } }
  - panels:
      - type: text
        title: Read me
        height: 14
        text: |
          # For $team
          Call **Mia**, or *Bo*; see [the docs](https://example.org/docs).

          1. first
          2. second

          | who | how many |
          |---|--:|
          | Mia | 3 |

          - [x] written
          - [ ] read

          > quoted \`code\`
      - type: text
        title: Hostile
        height: 14
        text: |
          <img src=x onerror="window.hit = 1"><script>window.hit = 2</script>

          [press](javascript:window.hit=3) ![picture](https://evil.example/x.png) <a href="javascript:1">a</a>

          <iframe src="https://evil.example"></iframe>

          \`\`\`html
          <b onclick="window.hit = 4">code</b>
          \`\`\`
`

const WRONG = `title: Wrong
rows:
  - panels:
      - { type: stat, title: Nothing comes, stream: f.never }
      - { type: stat, title: No number, stream: f.words }
      - { type: stat, title: By stream, stream: f.$unit }
      - { type: timeseries, title: By view, view: "avg(f.$unit) every 1s", width: 4 }
      - { type: stat, title: Fine, stream: f.number }
variables:
  unit: { label: Unit, stream: f.units, field: /unit, default: number }
`

const visit = await Visit.begin({
  dashboards: { feed: DASHBOARD, wrong: WRONG },
  args: ['--sources', '{}'],
})
const { server } = visit
/** @type {import('playwright-core').Page} */
let page

const activity = () => panelOf(page, 'Activity')

/** The articles of a feed as one reads them, the newest first. @param {import('playwright-core').Locator} feed */
const articles = async (feed) =>
  (await textsOf(feed, 'article .what > p')).map((text) =>
    text.replace(/\s+/g, ' ').replace(/ ?×/, ' ×').trim(),
  )

/** @param {number} days */
const noon = (days) => {
  const at = new Date()
  at.setDate(at.getDate() - days)
  at.setHours(12, 0, 0, 0)
  return at
}

/** @param {Record<string, unknown>} data @param {Date} [at] */
const did = (data, at) =>
  server.publish('f.activity', data, at === undefined ? {} : { time: at.toISOString() })

before(async () => {
  await did({ actor: 'Ada Lovelace', verb: 'wrote', object: 'a program' }, noon(3))
  await did({ actor: 'Bo', verb: 'read', object: 'it', target: 'the end' }, noon(1))
  for (let i = 0; i < 14; i++) {
    const time = new Date(noon(1).getTime() + 3600_000 + i * 1000)
    await did({ actor: 'Ada Lovelace', verb: 'fixed', object: `bug ${i}` }, time)
  }
  await did({
    actor: 'Mia',
    verb: 'deployed',
    object: 'v7',
    target: 'production',
    link: 'https://example.org/v7',
    icon: '🚀',
  })
  await server.publish('f.own', { who: 'Cy', did: 'sold', what: { name: 'a hat', at: '/hats/1' } })
  await server.publish('f.own', {
    who: 'Di',
    did: 'took',
    what: { name: 'it', at: 'javascript:1' },
  })
  await server.publish('f.words', { text: 'no number', deep: { er: ['words'] } })
  await server.publish('f.number', 5)
  page = await visit.open('/feed', { viewport: { width: 1440, height: 1500 } })
})

test('actor, verb, object and target are a sentence, the newest first', async () => {
  await becomes(
    () => articles(activity()),
    [
      'Mia deployed v7 → production',
      'Ada Lovelace fixed bug 13 and 13 others × 14',
      'Bo read it → the end',
      'Ada Lovelace wrote a program',
    ],
  )
})

test('icon or initials, a link that may be followed, and how long ago it was', async () => {
  const newest = activity().getByRole('article').first()
  assert.deepEqual(await textsOf(activity(), 'article .badge'), ['🚀', 'AL', 'B', 'AL'])
  const link = newest.getByRole('link', { name: 'v7' })
  assert.equal(await link.getAttribute('href'), 'https://example.org/v7')
  assert.match((await link.getAttribute('rel')) ?? '', /noopener/)
  await until(
    () => newest.locator('time').innerText(),
    (text) => /^(now|\d+ s)$/.test(text),
    'an age',
  )
  const old = activity().getByRole('article').last().locator('time')
  assert.match(await old.innerText(), /^[23] d$/)
  assert.equal(await old.getAttribute('datetime'), noon(3).toISOString())
})

test('days are divided', async () => {
  const weekday = noon(3).toLocaleDateString('en', { weekday: 'long' })
  const days = await textsOf(activity(), '.date')
  assert.deepEqual(days.slice(0, 2), ['Today', 'Yesterday'])
  assert.ok(days[2]?.startsWith(`${weekday}, `), days[2])
})

test('a group opens into what it is made of', async () => {
  const group = activity().getByRole('article').nth(1)
  await group.getByRole('button', { name: '× 14' }).click()
  const members = await textsOf(group, 'li > span')
  assert.deepEqual(
    members.map((text) => text.trim()),
    Array.from({ length: 14 }, (_, i) => `bug ${13 - i}`),
  )
  await group.getByRole('button', { name: '× 14' }).click()
  await becomes(() => group.locator('li').count(), 0)
})

test('what happens meanwhile comes first, and joins what is alike', async () => {
  await did({ actor: 'Mia', verb: 'deployed', object: 'v8', target: 'production' })
  await becomes(
    async () => (await articles(activity()))[0],
    'Mia deployed v8 → production and another × 2',
  )
  await did({ type: 'Announce', actor: { name: 'Eve' }, object: { name: 'news' } })
  await becomes(async () => (await articles(activity()))[0], 'Eve shared news')
})

test('fields are where the dashboard says, and a link that is none is text', async () => {
  const own = panelOf(page, 'Own')
  await becomes(() => articles(own), ['Di took it', 'Cy sold a hat'])
  const links = own.locator('article a')
  assert.deepEqual(await links.evaluateAll((all) => all.map((a) => a.getAttribute('href'))), [
    '/hats/1',
  ])
})

test('who has scrolled down is told what is new', async () => {
  for (let i = 0; i < 30; i++) await did({ actor: `user ${i}`, verb: 'came', object: 'by' })
  await becomes(async () => (await articles(activity()))[0], 'user 29 came by')
  await activity().locator('.scroller').hover()
  await page.mouse.wheel(0, 400)
  await until(
    () =>
      activity()
        .locator('.scroller')
        .evaluate((e) => e.scrollTop),
    (top) => top > 80,
    'a scrolled feed',
  )
  await did({ actor: 'Zoe', verb: 'came', object: 'late' })
  const back = activity().getByRole('button', { name: '↑ 1 new' })
  await back.waitFor()
  assert.equal((await articles(activity()))[0], 'user 29 came by')
  await back.click()
  await becomes(async () => (await articles(activity()))[0], 'Zoe came late')
})

test('text is Markdown, with the values of variables', async () => {
  const text = panelOf(page, 'Read me')
  await text.getByRole('heading', { name: 'For ops' }).waitFor()
  assert.deepEqual(await textsOf(text, '.prose strong'), ['Mia'])
  assert.deepEqual(await textsOf(text, '.prose em'), ['Bo'])
  const link = text.getByRole('link', { name: 'the docs' })
  assert.equal(await link.getAttribute('href'), 'https://example.org/docs')
  assert.deepEqual(await textsOf(text, 'ol > li'), ['first', 'second'])
  assert.deepEqual(await textsOf(text, 'th, td'), ['who', 'how many', 'Mia', '3'])
  assert.equal(await text.getByRole('checkbox', { name: 'done' }).isChecked(), true)
  assert.equal(await text.getByRole('checkbox', { name: 'to do' }).isChecked(), false)
  assert.deepEqual(await textsOf(text, 'blockquote code'), ['code'])
})

test('hostile Markdown is text', async () => {
  const prose = panelOf(page, 'Hostile').locator('.prose')
  const shown = await prose.innerText()
  assert.match(shown, /<img src=x onerror="window\.hit = 1"><script>window\.hit = 2<\/script>/)
  assert.match(shown, /<iframe src="https:\/\/evil\.example"><\/iframe>/)
  assert.deepEqual(await textsOf(prose, 'pre code'), ['<b onclick="window.hit = 4">code</b>'])
  assert.equal(await prose.locator('img, script, iframe, b, [onclick], [onerror]').count(), 0)
  const hrefs = await prose
    .locator('a')
    .evaluateAll((all) => all.map((a) => /** @type {HTMLAnchorElement} */ (a).protocol))
  assert.deepEqual(
    hrefs.filter((protocol) => !/^https?:$/.test(protocol)),
    [],
  )
  assert.equal(await page.evaluate(() => 'hit' in window), false)
  assert.equal(
    visit.requests.some((url) => url.includes('evil.example')),
    false,
  )
})

test('a panel that has nothing to show says what it waits for, and others go on', async () => {
  await page.goto(`${server.url}/wrong`)
  const fine = panelOf(page, 'Fine').locator('[data-value]')
  await becomes(() => fine.innerText(), '5')
  await panelOf(page, 'Nothing comes').getByText('Waiting for f.never').waitFor()
  await server.publish('f.words', { word: 'none' })
  await panelOf(page, 'No number').getByText('f.words has no number').waitFor()
  await becomes(() => panelOf(page, 'By stream').locator('[data-value]').innerText(), '5')
})

test('a panel whose stream or view is none says so, and others go on', async () => {
  await page.goto(`${server.url}/wrong?var.unit=square+miles`)
  await panelOf(page, 'By stream').getByText('“f.square miles” is no stream’s name').waitFor()
  await panelOf(page, 'By view').getByText('“avg(f.square miles) every 1s” is no view').waitFor()
  const fine = panelOf(page, 'Fine').locator('[data-value]')
  await becomes(() => fine.innerText(), '5')
  await server.publish('f.number', 6)
  await becomes(() => fine.innerText(), '6')
  assert.equal(await page.locator('.pill').getAttribute('data-state'), 'live')
})

test('nothing went wrong', () => visit.nothingWentWrong())
