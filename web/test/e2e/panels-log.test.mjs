// The log as one reads it: follow, hold still, search, levels, details, colours, times,
// taking lines along, links to a line, and very many lines.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { becomes, choose, frames, panelOf, saved, textsOf, until, Visit, WITHIN } from './visit.mjs'

const DASHBOARD = `title: Logs
window: 1h
rows:
  - panels:
      - { type: log, title: Lines, stream: l.lines, height: 14 }
      - { type: log, title: Errors, stream: l.mixed, level: warn, height: 6 }
      - { type: log, title: Searched, stream: l.mixed, search: "/o[rn]/", height: 6 }
`

const MANY = `title: Many
window: 1h
rows:
  - panels:
      - { type: log, title: Many, stream: l.many, height: 14 }
`

const LINES = 100_000

const visit = await Visit.begin({
  dashboards: { logs: DASHBOARD, many: MANY },
  args: ['--sources', '{}'],
})
const { server } = visit
/** @type {import('playwright-core').Page} */
let page

/** @param {string} title */
const panel = (title) => panelOf(page, title)
const lines = () => panel('Lines')
const viewport = () => lines().getByRole('log')

/** The texts of the lines in view, from the top. @param {import('playwright-core').Locator} within */
const seen = (within) =>
  within.locator('.line:not([hidden])').evaluateAll((rows) => {
    const box = rows[0]?.closest('[role=log]')?.getBoundingClientRect()
    return rows
      .map((row) => ({
        top: row.getBoundingClientRect().top,
        bottom: row.getBoundingClientRect().bottom,
        text: row.querySelector('.text')?.textContent ?? '',
      }))
      .filter(({ top, bottom }) => bottom > (box?.top ?? 0) && top < (box?.bottom ?? 0))
      .sort((a, b) => a.top - b.top)
      .map(({ text }) => text)
  })

const last = async () => (await seen(lines())).at(-1)

/** @param {string} text */
const lineOf = (text) => lines().locator('.line:not([hidden])').filter({ hasText: text }).first()

/** @param {unknown} data @param {Record<string, string>} [params] */
const say = (data, params) => server.publish('l.lines', data, params)

before(async () => {
  const records = Array.from({ length: 60 }, (_, i) => ({ severity: 'INFO', body: `line ${i}` }))
  await say(records)
  await server.publish('l.mixed', [
    { severity: 'DEBUG', body: 'a thing' },
    { level: 30, msg: 'on time' },
    { severity: 'WARN', body: 'or not' },
    { severity_text: 'ERROR', body: 'broken' },
    { severity: 'FATAL', body: 'done' },
  ])
  page = await visit.open('/logs', { viewport: { width: 1440, height: 1250 } })
})

test('it follows the newest line', async () => {
  await becomes(last, 'line 59')
  await say({ severity: 'INFO', body: 'line 60' })
  await becomes(last, 'line 60')
})

test('who scrolls up stays there, is told how many are new, and jumps back', async () => {
  await viewport().hover()
  await page.mouse.wheel(0, -400)
  await until(last, (text) => text !== 'line 60', 'earlier lines')
  const held = await seen(lines())
  for (let i = 61; i < 64; i++) await say({ severity: 'INFO', body: `line ${i}` })
  const back = lines().getByRole('button', { name: '↓ 3 new' })
  await back.waitFor()
  assert.deepEqual(await seen(lines()), held)
  await back.click()
  await becomes(last, 'line 63')
  await back.waitFor({ state: 'hidden' })
})

test('a text is searched for and marked, and lines without it are left out', async () => {
  await lines().getByRole('button', { name: 'Search', exact: true }).click()
  const search = lines().getByRole('searchbox', { name: 'Search in this log' })
  await search.fill('LINE 4')
  await becomes(() => textsOf(lines(), '.found'), ['11 lines'])
  const want = ['line 4', ...Array.from({ length: 10 }, (_, i) => `line 4${i}`)]
  await becomes(() => seen(lines()), want)
  await becomes(
    async () => [...new Set(await textsOf(lines(), '.line:not([hidden]) mark'))],
    ['line 4'],
  )
  await search.press('Enter')
  await becomes(() => textsOf(lines(), '.found'), ['11 of 11 lines'])
  await search.press('Enter')
  await becomes(() => textsOf(lines(), '.found'), ['10 of 11 lines'])
  await lines().getByRole('button', { name: 'Only matches' }).click()
  await until(
    () => seen(lines()),
    (all) => all.includes('line 5'),
    'all lines',
  )
})

test('a regular expression is one, and a wrong one says so', async () => {
  const search = lines().getByRole('searchbox')
  await lines().getByRole('button', { name: 'Only matches' }).click()
  await search.fill('/^line [12]7$/')
  await becomes(() => seen(lines()), ['line 17', 'line 27'])
  await becomes(() => textsOf(lines(), '.line:not([hidden]) mark'), ['line 17', 'line 27'])
  await say({ severity: 'INFO', body: 'line 17' })
  await becomes(() => seen(lines()), ['line 17', 'line 27', 'line 17'])
  await search.fill('/(/')
  await becomes(() => textsOf(lines(), '.found'), ['Unterminated group'])
  assert.equal(await search.getAttribute('aria-invalid'), 'true')
  await search.fill('nowhere')
  await lines().getByText('None of 65 lines is what you look for').waitFor()
  await lines().getByRole('button', { name: 'Show all lines' }).click()
  await until(
    () => seen(lines()),
    (all) => all.length > 20,
    'all lines',
  )
  await search.press('Escape')
  await search.waitFor({ state: 'detached' })
})

test('what a dashboard filters and searches for at first', async () => {
  await becomes(() => seen(panel('Errors')), ['or not', 'broken', 'done'])
  await becomes(() => seen(panel('Searched')), ['on time', 'or not', 'done'])
  await becomes(() => textsOf(panel('Searched'), '.line:not([hidden]) mark'), ['on', 'or', 'on'])
})

test('a least level leaves out what is below it', async () => {
  const level = panel('Errors').getByRole('combobox', { name: 'Least level' })
  const levels = () => textsOf(panel('Errors'), '.line:not([hidden]) .level')
  await becomes(levels, ['WARN', 'ERROR', 'FATAL'])
  await level.selectOption('FATAL')
  await becomes(() => seen(panel('Errors')), ['done'])
  await level.selectOption('')
  await becomes(levels, ['DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'])
})

test('a line opens into a tree of its fields, which can be copied', async () => {
  const attributes = { user: 'mia', tags: ['x', 'y'], deep: { one: { two: 22 } } }
  await viewport().press('End')
  await say({ severity: 'INFO', body: 'structured', attributes })
  const line = lineOf('structured')
  await line.locator('.text').click()
  const detail = line.locator('.detail')
  await detail.locator('.leaf').filter({ hasText: 'severity' }).waitFor()
  assert.match(await detail.locator('.facts').innerText(), /^\d{4}-.*Z {2}· {2}l\.lines/)
  /** @param {string} name */
  const branch = (name) => detail.locator('details').filter({ hasText: name }).last()
  await branch('attributes').waitFor()
  assert.equal(await detail.getByRole('button', { name: 'mia' }).isVisible(), true)
  const two = detail.getByRole('button', { name: '22' })
  for (const name of ['deep', 'one']) {
    if (await two.isVisible()) break
    await detail.locator(`summary:has(.name:text-is("${name}"))`).click()
  }
  await two.click()
  await becomes(() => page.evaluate(() => navigator.clipboard.readText()), '22')
  await detail.getByRole('button', { name: 'Copy JSON' }).click()
  await becomes(
    () => page.evaluate(() => navigator.clipboard.readText()),
    JSON.stringify({ severity: 'INFO', body: 'structured', attributes }, undefined, 2),
  )
  await line.locator('.text').click()
  await detail.waitFor({ state: 'detached' })
})

test('colours of a terminal are colours, and its other orders are nothing', async () => {
  const esc = '\u001b'
  await viewport().press('End')
  await say(`${esc}[1;31mfailed${esc}[0m and ${esc}[32mpassed${esc}[0m${esc}[2J`)
  const text = lineOf('failed and passed').locator('.text')
  await text.waitFor()
  assert.equal(await text.innerText(), 'failed and passed')
  assert.deepEqual(await textsOf(text, '.fg-red.bold'), ['failed'])
  assert.deepEqual(await textsOf(text, '.fg-green'), ['passed'])
  const colour = (/** @type {Element} */ e) => getComputedStyle(e).color
  const red = await text.locator('.fg-red').evaluate(colour)
  assert.notEqual(red, await text.evaluate(colour))
})

test('long lines are cut, or wrapped', async () => {
  await say({ severity: 'INFO', body: `long ${'word '.repeat(200)}end` })
  const line = lineOf('long word')
  const height = async () => (await line.boundingBox())?.height ?? 0
  await becomes(height, 20)
  await choose(lines(), 'Wrap long lines')
  await until(height, (n) => n > 60, 'several lines')
  await choose(lines(), 'Wrap long lines')
  await becomes(height, 20)
})

test('times are clocks, or ages', async () => {
  const time = async () => (await textsOf(lines(), '.line:not([hidden]) .time')).at(-1) ?? ''
  await until(time, (text) => /^\d\d:\d\d:\d\d\.\d{3}$/.test(text), 'a clock')
  await choose(lines(), 'Times as ages')
  await until(time, (text) => /^\d+ s$/.test(text), 'an age')
  await choose(lines(), 'Times as ages')
  await until(time, (text) => /^\d\d:/.test(text), 'a clock')
})

test('what is listed can be copied and downloaded', async () => {
  const time = '2026-01-02T03:04:05.678Z'
  await say({ severity: 'ERROR', body: '\u001b[31mtaken\u001b[0m', code: 7 }, { time, key: 'k' })
  await lines().getByRole('button', { name: 'Search', exact: true }).click()
  await lines().getByRole('searchbox').fill('taken')
  await becomes(() => seen(lines()), ['taken'])
  const want = `${time} ERROR l.lines k taken code=7\n`
  await choose(lines(), 'Copy these lines')
  await becomes(() => page.evaluate(() => navigator.clipboard.readText()), want)
  const text = await saved(page, () => choose(lines(), 'Download these lines'))
  assert.match(text.name, /^l-lines-.*\.log$/)
  assert.equal(text.bytes.toString(), want)
  const raw = await saved(page, () => choose(lines(), 'Download as NDJSON'))
  assert.match(raw.name, /\.ndjson$/)
  const { id, ...event } = JSON.parse(raw.bytes.toString())
  assert.match(id, /-\d+$/)
  assert.deepEqual(event, {
    stream: 'l.lines',
    key: 'k',
    time,
    data: { severity: 'ERROR', body: '\u001b[31mtaken\u001b[0m', code: 7 },
  })
  await lines().getByRole('searchbox').press('Escape')
})

test('a key acts on what is listed by then, however soon after another it comes', async () => {
  await lines().getByRole('button', { name: 'Search', exact: true }).click()
  await lines().getByRole('searchbox').fill('taken')
  await becomes(() => seen(lines()), ['taken'])
  await lines().evaluate((panel) => {
    const press = (/** @type {string} */ key, /** @type {string} */ at) =>
      panel.querySelector(at)?.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }))
    press('Escape', '[type=search]')
    press('Home', '[role=log]')
  })
  await becomes(async () => (await seen(lines()))[0], 'line 0')
})

test('a link to a line leads to that line', async () => {
  await viewport().press('Home')
  await becomes(async () => (await seen(lines()))[0], 'line 0')
  await lineOf('line 3').locator('.text').click()
  await lineOf('line 3').getByRole('button', { name: 'Copy link' }).click()
  await page.getByText('Link to the line copied').waitFor()
  const link = new URL(await page.evaluate(() => navigator.clipboard.readText()))
  const other = await visit.open(link.pathname + link.search)
  const marked = panelOf(other, 'Lines').locator('.line[data-mark=current]')
  await marked.waitFor({ timeout: 2 * WITHIN })
  assert.equal(await marked.locator('.text').innerText(), 'line 3')
  await other.context().close()
})

test('100,000 lines are a few rows, and scrolling through them is smooth', async () => {
  const batch = 10_000
  await page.goto(`${server.url}/many`)
  await page.locator('.pill[data-state=live]').waitFor()
  const many = panelOf(page, 'Many')
  const newest = async () => (await seen(many)).at(-1)
  for (let n = 0; n < LINES; n += batch) {
    const numbers = Array.from({ length: batch }, (_, i) => `number ${n + i}`)
    await server.publish('l.many', numbers)
    // Who publishes faster than a page reads makes gaps.
    await becomes(newest, `number ${n + batch - 1}`)
  }
  assert.equal(await many.locator('.losses').count(), 0)
  const log = many.getByRole('log')
  const height = await log.evaluate((e) => e.scrollHeight)
  assert.ok(height > 1_000_000, `only ${height} px are there to scroll`)
  // What a reader sees of each step of a flight from the end to the beginning.
  const { rows, blank, slowest } = await log.evaluate(async (viewport) => {
    const frame = () => new Promise((done) => requestAnimationFrame(done))
    const rows = () => [...viewport.querySelectorAll('.line')]
    let [blank, slowest] = [0, 0]
    for (let step = 40; step >= 0; step--) {
      const began = performance.now()
      viewport.scrollTop = (step / 40) * (viewport.scrollHeight - viewport.clientHeight)
      viewport.dispatchEvent(new Event('scroll'))
      slowest = Math.max(slowest, performance.now() - began)
      await frame()
      if (rows().filter((row) => row.checkVisibility()).length < 10) blank++
    }
    return { rows: rows().length, blank, slowest }
  })
  assert.ok(rows < 60, `${rows} rows are in the document`)
  assert.equal(blank, 0)
  assert.ok(slowest < 100, `a step took ${slowest} ms`)
  await until(
    () => seen(many),
    ([first]) => /^number \d+$/.test(first ?? ''),
    'old lines',
  )
  await frames(page)
})

test('nothing went wrong', () => visit.nothingWentWrong())
