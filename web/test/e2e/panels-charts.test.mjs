// Panels with a time axis: time series in all styles, status, heatmap. What is drawn,
// what the legend says, the crosshair that they share, and marks upon them.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import {
  becomes,
  cellsOf,
  choose,
  coloured,
  ink,
  noteWriting,
  panelOf,
  textsOf,
  until,
  Visit,
  WITHIN,
  writing,
} from './visit.mjs'

const DASHBOARD = `title: Charts
window: 5m
annotations:
  - { stream: c.deploys, text: /version, filter: data.where == "production" }
rows:
  - panels:
      - { type: timeseries, title: Line, stream: c.pair, unit: ms, labels: { read: Reads }, width: 4 }
      - { type: timeseries, title: Area, stream: c.pair, unit: ms, style: area, width: 4 }
      - { type: timeseries, title: Stack, stream: c.pair, unit: ms, style: area, stack: true, width: 4 }
      - { type: timeseries, title: Bars, view: count(c.pair) every 10s, style: bar, width: 4 }
      - { type: timeseries, title: Limits, stream: c.flat, decimals: 1, width: 4, thresholds: [{ at: 50, state: bad }] }
      - { type: timeseries, title: Keys, stream: c.keys, field: /n, width: 4 }
  - panels:
      - { type: status, title: Services, stream: c.states, states: { up: good, slow: warn, down: bad, off: idle } }
      - { type: status, title: Levels, stream: c.level, unit: percent, thresholds: [{ at: 80, state: bad }] }
      - { type: heatmap, title: Spread, view: histogram(c.took /ms) every 10s, unit: ms }
      - { type: heatmap, title: Heat, stream: c.keys, field: /n }
`

const visit = await Visit.begin({ dashboards: { charts: DASHBOARD }, args: ['--sources', '{}'] })
const { server } = visit
/** @type {import('playwright-core').Page} */
let page

/** @param {string} title */
const panel = (title) => panelOf(page, title)

/** @param {string} title */
const canvas = (title) => panel(title).locator('canvas').first()

/** The legend's names with their values. @param {string} title */
const legend = async (title) =>
  (await textsOf(panel(title), '.legend li')).map((text) => text.replace(/\s+/g, ' ').trim())

/** The rows of a status panel: what, in which state, how much of the time. @param {string} title */
const states = (title) =>
  panel(title)
    .locator('li')
    .evaluateAll((all) =>
      all.map((row) =>
        ['.label', '.state', '.uptime'].map(
          (part) => /** @type {HTMLElement} */ (row.querySelector(part)).innerText,
        ),
      ),
    )

/** @param {number} seconds */
const ago = (seconds) => new Date(Date.now() - seconds * 1000).toISOString()

before(async () => {
  for (let s = 200; s > 0; s -= 10) {
    const time = ago(s)
    await server.publish('c.pair', { read: 40, write: 60 }, { time })
    await server.publish('c.flat', 10, { time })
    for (const key of ['a', 'b', 'c']) await server.publish('c.keys', { n: 5 }, { time, key })
    await server.publish('c.states', 'up', { time, key: 'web' })
    await server.publish('c.states', s > 100 ? 'up' : 'down', { time, key: 'db' })
    await server.publish('c.took', { ms: 15 }, { time })
  }
  await server.publish('c.states', 'off', { key: 'spare' })
  await server.publish('c.level', 42)
  page = await visit.open('/')
  await noteWriting(page)
  await page.setViewportSize({ width: 1440, height: 1900 })
  await page.goto(`${server.url}/charts`)
  await page.locator('.pill[data-state=live]').waitFor()
})

test('a legend names each line, in its unit, and follows', async () => {
  await becomes(() => legend('Line'), ['Reads 40.0 ms', 'write 60.0 ms'])
  await server.publish('c.pair', { read: 45, write: 1234 })
  await becomes(() => legend('Line'), ['Reads 45.0 ms', 'write 1.23 s'])
  await becomes(() => legend('Stack'), ['read 45.0 ms', 'write 1.23 s'])
})

test('each style draws the same numbers in its own way', async () => {
  const colours = (/** @type {string} */ title) =>
    until(
      () => coloured(canvas(title)),
      ({ pixels }) => pixels > 300,
      `ink of ${title}`,
    )
  const [line, stack, bars] = await Promise.all(['Line', 'Stack', 'Bars'].map(colours))
  assert.ok((stack?.pixels ?? 0) > 2 * (line?.pixels ?? 0), 'a stack is filled')
  assert.ok((bars?.pixels ?? 0) > 2 * (line?.pixels ?? 0), 'bars are filled')
  const lines = await ink(canvas('Line'))
  await until(
    () => ink(canvas('Area')),
    (n) => n > 1.3 * lines,
    'an area that is filled',
  )
})

test('what comes is drawn, and the axis makes room for it', async () => {
  const before = await coloured(canvas('Keys'))
  assert.ok(before.pixels > 100, 'there are lines')
  assert.ok(before.reach < 0.4, `flat lines are on ${before.reach} of the height`)
  await server.publish('c.keys', { n: 500 }, { key: 'a' })
  await until(
    () => coloured(canvas('Keys')),
    ({ reach }) => reach > 0.5,
    'a line that rises',
  )
  await becomes(() => legend('Keys'), ['a 500', 'b 5', 'c 5'])
})

test('a legend shows one line alone, or hides one', async () => {
  const shown = () =>
    panel('Line')
      .locator('.legend button')
      .evaluateAll((all) => all.map((b) => b.getAttribute('aria-pressed')))
  const both = await coloured(canvas('Line'))
  await panel('Line').getByRole('button', { name: 'Reads' }).click()
  await becomes(shown, ['true', 'false'])
  await until(
    () => coloured(canvas('Line')),
    ({ pixels }) => pixels < both.pixels,
    'one line',
  )
  await panel('Line').getByRole('button', { name: 'Reads' }).click()
  await becomes(shown, ['true', 'true'])
})

test('the table behind a chart has the numbers, not their sums', async () => {
  for (const title of ['Line', 'Stack']) {
    await choose(panel(title), 'Show as table')
    const [newest, older] = await until(
      () => cellsOf(panel(title)),
      (r) => r.length > 19,
      'rows',
    )
    assert.match(newest?.[0] ?? '', /^\d\d:\d\d:\d\d$/)
    assert.deepEqual(newest?.slice(1), ['45.0 ms', '1.23 s'])
    assert.deepEqual(older?.slice(1), ['40.0 ms', '60.0 ms'])
    await choose(panel(title), 'Show as picture')
    await until(
      () => coloured(canvas(title)),
      ({ pixels }) => pixels > 300,
      'the picture',
    )
  }
})

test('the crosshair is on all panels, and all say what was then', async () => {
  await server.publish('c.flat', 77)
  await becomes(() => legend('Limits'), ['value 77.0'])
  const box = await panel('Line').locator('.u-over').boundingBox()
  assert.ok(box !== null)
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2)
  await becomes(() => legend('Line'), ['Reads 40.0 ms', 'write 60.0 ms'])
  await becomes(() => legend('Limits'), ['value 10.0'])
  const at = (/** @type {string} */ title) =>
    panel(title)
      .locator('.u-cursor-x')
      .evaluate(
        (e) => e.getBoundingClientRect().x - (e.parentElement?.getBoundingClientRect().x ?? 0),
      )
  const share = box.width / 2
  for (const title of ['Line', 'Area', 'Stack']) {
    await until(
      () => at(title),
      (x) => Math.abs(x - share) < 4,
      `a crosshair on ${title}`,
    )
  }
  for (const title of ['Services', 'Heat']) {
    await panel(title).locator('.cross').waitFor({ state: 'visible' })
  }
  await page.mouse.move(2, 2)
  await becomes(() => legend('Limits'), ['value 77.0'])
  await panel('Heat').locator('.cross').waitFor({ state: 'hidden' })
})

test('arrow keys move it too, and what it stands at is read out', async () => {
  const plot = panel('Limits').getByRole('img')
  await plot.focus()
  await plot.press('ArrowLeft')
  const said = panel('Limits').locator('.said').last()
  await until(
    () => said.textContent(),
    (t) => /^\d\d:\d\d:\d\d: value 10\.0$/.test(t ?? ''),
    'words',
  )
  await plot.press('Escape')
  await becomes(() => legend('Limits'), ['value 77.0'])
})

test('deployments mark an instant on every chart', async () => {
  await writing(page)
  await server.publish('c.deploys', { version: 'v7.1', where: 'production' }, { time: ago(60) })
  /** @type {Set<string>} */
  const seen = new Set()
  const marked = async () => {
    for (const text of await writing(page)) seen.add(text)
    return seen.has('v7.1')
  }
  await becomes(marked, true)
  await server.publish('c.deploys', { version: 'v8-beta', where: 'staging' }, { time: ago(30) })
  await server.publish('c.deploys', { version: 'v7.2', where: 'production' }, { time: ago(10) })
  await until(
    async () => {
      await marked()
      return [...seen]
    },
    (texts) => texts.includes('v7.2'),
    'the second mark',
  )
  assert.equal(seen.has('v8-beta'), false, 'staging is not filtered out')
})

test('status: words of the publisher, and the share of the time that it was up', async () => {
  // A state that is not said again for long is unknown.
  for (const [key, state] of Object.entries({ web: 'up', db: 'down', spare: 'off' }))
    await server.publish('c.states', state, { key })
  // The three rows were there before, maybe as unknown.
  const rows = await until(
    () => states('Services'),
    (all) => all.map((row) => row[1]).join() === '■ down,○ off,● up',
    'three states',
  )
  const [db, spare, web] = rows
  assert.equal(db?.[0], 'db')
  assert.deepEqual(spare, ['spare', '○ off', '–'])
  assert.deepEqual(web, ['web', '● up', '100 %'])
  // 100 s up, and down since then.
  const share = Number.parseFloat(db?.[2] ?? '')
  assert.ok(share > 30 && share < 52, `db was up for ${db?.[2]}`)
  await server.publish('c.states', 'slow', { key: 'db' })
  await server.publish('c.states', 'up', { key: 'spare' })
  await becomes(
    async () => (await states('Services')).map((row) => row.slice(0, 2)),
    [
      ['db', '▲ slow'],
      ['spare', '● up'],
      ['web', '● up'],
    ],
  )
})

test('status: numbers have a state by thresholds', async () => {
  await becomes(async () => (await states('Levels'))[0]?.[1], '● 42.0 %')
  await server.publish('c.level', 95)
  await becomes(async () => (await states('Levels'))[0]?.[1], '■ 95.0 %')
})

test('heatmap: its rows, its colours and what they stand for', async () => {
  const ramp = () => textsOf(panel('Spread'), '.ramp :is(.low, .high)')
  await becomes(ramp, ['0', '1'])
  const before = await until(
    () => coloured(panel('Spread').locator('.heat canvas')),
    ({ pixels }) => pixels > 50,
    'cells',
  )
  for (const ms of [150, 150, 150]) await server.publish('c.took', { ms }, { time: ago(100) })
  await becomes(ramp, ['0', '3'])
  await until(
    () => coloured(panel('Spread').locator('.heat canvas')),
    ({ pixels }) => pixels !== before.pixels,
    'other cells',
  )
  await writing(page)
  const texts = new Set()
  await until(
    async () => {
      for (const text of await writing(page)) texts.add(text)
      return [...texts]
    },
    (all) => ['20 ms', '200 ms', 'a', 'b', 'c'].every((text) => all.includes(text)),
    'labels',
    2 * WITHIN,
  )
})

test('heatmap: the table behind it has the counts', async () => {
  await choose(panel('Spread'), 'Show as table')
  await becomes(
    () => textsOf(panel('Spread'), 'th'),
    ['time', 'up to 20 ms', '20 ms to 50 ms', '50 ms to 100 ms', '100 ms to 200 ms'],
  )
  const rows = await until(
    () => cellsOf(panel('Spread')),
    (all) => all.some((row) => row[4] === '3'),
    'the window with three',
  )
  assert.ok(rows.filter((row) => row[1] === '1').length > 10, 'one each ten seconds')
  await choose(panel('Spread'), 'Show as picture')
  const heat = panel('Spread').locator('.heat canvas')
  await until(
    () => coloured(heat),
    ({ pixels }) => pixels > 50,
    'the picture',
  )
})

test('a reload shows what was', async () => {
  await server.publish('c.states', 'up', { key: 'web' })
  await page.reload()
  await becomes(() => legend('Line'), ['Reads 45.0 ms', 'write 1.23 s'])
  await becomes(async () => (await states('Services'))[2]?.[1], '● up')
  await becomes(async () => (await states('Levels'))[0]?.[1], '■ 95.0 %')
  for (const title of ['Line', 'Area', 'Stack', 'Bars', 'Services']) {
    await until(
      () => coloured(canvas(title)),
      ({ pixels }) => pixels > 100,
      `ink of ${title}`,
    )
  }
})

test('nothing went wrong', () => visit.nothingWentWrong())
