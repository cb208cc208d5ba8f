// Panels that show numbers as text: stat, gauge, bars, table. The exact number, its
// unit, its state as a word, live and after a reload.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { becomes, cellsOf, choose, ink, panelOf, textsOf, until, Visit } from './visit.mjs'

const LIMITS = '[{ at: 70, state: warn }, { at: 90, state: bad }]'

const DASHBOARD = `title: Numbers
window: 15m
rows:
  - panels:
      - { type: stat, title: Load, stream: n.load, field: /load, unit: percent, decimals: 2, width: 4, thresholds: ${LIMITS} }
      - { type: stat, title: Left, stream: n.left, unit: bytes, width: 2, thresholds: [{ at: 1024, state: bad, below: true }] }
      - { type: stat, title: Own, stream: n.own, unit: parcels, width: 2 }
      - { type: stat, title: Money, stream: n.money, unit: usd, width: 2 }
      - { type: stat, title: Took, stream: n.took, unit: ms, width: 2 }
  - panels:
      - { type: gauge, title: Disk, stream: n.disk, unit: percent, thresholds: ${LIMITS} }
      - { type: gauge, title: Speed, stream: n.speed, unit: km/h, max: 200, decimals: 3 }
      - type: bars
        title: Queues
        stream: n.queue
        unit: jobs
        limit: 3
        width: 6
        labels: { mail: Letters }
        thresholds: [{ at: 50, state: warn }]
  - panels:
      - type: table
        title: Rows
        stream: n.rows
        columns: [{ field: /name, label: Process }, { field: /used_bytes, label: Memory }, { field: /cpu, label: CPU, unit: percent }]
      - type: table
        title: Keyed
        stream: n.keyed
        columns: [{ field: /temperature, label: Now, unit: celsius, spark: true }, { field: /labels/host, label: Where }]
      - type: table
        title: Routes
        view: count,max(n.requests /ms) by /route over 1h every 1m
        width: 12
        labels: { route: Path }
        columns: [{ field: /count, label: Calls, spark: true }, { field: /max, label: Slowest, unit: ms }]
`

const visit = await Visit.begin({ dashboards: { numbers: DASHBOARD }, args: ['--sources', '{}'] })
const { server } = visit
/** @type {import('playwright-core').Page} */
let page

/** @param {string} title */
const panel = (title) => panelOf(page, title)

/** Number, unit and state, as one reads them. @param {string} title */
const figure = (title) =>
  panel(title).evaluate((element) =>
    ['.figure .value', '.figure .unit', '.state'].map(
      (part) => /** @type {HTMLElement} */ (element.querySelector(part)).innerText,
    ),
  )

/** @param {number} seconds */
const ago = (seconds) => new Date(Date.now() - seconds * 1000).toISOString()

/** Publishes table rows, as one event. @param {unknown[]} rows */
const publishRows = (rows) => server.publish('n.rows', [rows])

before(async () => {
  await server.publish('n.load', { load: 25, other: 1 }, { time: ago(810) })
  await server.publish('n.load', { load: 50, other: 2 })
  await server.publish('n.left', 1536)
  await server.publish('n.own', 123_456)
  await server.publish('n.money', 1234.5)
  await server.publish('n.took', 1234)
  await server.publish('n.disk', 81)
  await server.publish('n.speed', 50)
  for (const [key, n] of Object.entries({ mail: 40, video: 60, audio: 20, text: 10, other: 5 }))
    await server.publish('n.queue', n, { key })
  await publishRows([
    { name: 'sh', used_bytes: 2048, cpu: 1.5 },
    { name: 'db', used_bytes: 1024 * 1024, cpu: 75 },
  ])
  for (const [i, celsius] of [19, 21, 20.5].entries())
    await server.publish(
      'n.keyed',
      { temperature: celsius, labels: { host: 'roof' } },
      { key: 'a', time: ago(90 - 30 * i) },
    )
  await server.publish(
    'n.keyed',
    { temperature: -3, labels: { host: 'yard' } },
    { key: 'b', time: ago(10) },
  )
  for (const [route, ms] of [
    ['/', 3],
    ['/cart', 12],
    ['/cart', 31],
  ])
    await server.publish('n.requests', { route, ms }, { time: ago(100) })
  page = await visit.open('/numbers', { viewport: { width: 1440, height: 1800 } })
})

test('stat: the number in its unit, with as many decimals as asked for', async () => {
  await becomes(() => figure('Load'), ['50.00', '%', ''])
  await becomes(() => figure('Left'), ['1.50', 'KiB', ''])
  await becomes(() => figure('Own'), ['123', 'k\u202fparcels', ''])
  await becomes(() => figure('Money'), ['$1\u2009235', '', ''])
  await becomes(() => figure('Took'), ['1.23', 's', ''])
})

test('stat: what it changed by since the picture begins', async () => {
  const delta = panel('Load').locator('.delta')
  await until(
    () => delta.innerText(),
    (s) => /^↗ \+25 pt in 1[345] min$/.test(s),
    'a delta',
  )
})

test('stat: a passed threshold is told as a word', async () => {
  await server.publish('n.load', { load: 70, other: 3 })
  await becomes(() => figure('Load'), ['70.00', '%', '▲ warning'])
  await server.publish('n.load', { load: 93.456, other: 3 })
  await becomes(() => figure('Load'), ['93.46', '%', '■ critical'])
  await server.publish('n.left', 1000)
  await becomes(() => figure('Left'), ['0.98', 'KiB', '■ critical'])
  await server.publish('n.left', 2048)
  await becomes(() => figure('Left'), ['2.00', 'KiB', ''])
})

test('stat: its course is drawn, and goes on', async () => {
  const canvas = panel('Money').locator('canvas')
  const one = await until(
    () => ink(canvas),
    (n) => n > 0,
    'a point',
  )
  await server.publish('n.money', 5)
  await becomes(() => figure('Money'), ['$5', '', ''])
  await until(
    () => ink(canvas),
    (n) => n > one,
    'more than one point',
  )
})

test('gauge: value, bounds, state, and the same for who cannot see it', async () => {
  await becomes(() => figure('Disk'), ['81.0', '%', '▲ warning'])
  const meter = page.getByRole('meter', { name: 'Disk' })
  const said = () =>
    meter.evaluate((e) =>
      ['valuenow', 'valuemin', 'valuemax', 'valuetext'].map((a) => e.getAttribute(`aria-${a}`)),
    )
  await becomes(said, ['81', '0', '100', '81.0 %'])
  assert.deepEqual(await textsOf(panel('Disk'), '.scale :is(.low, .high)'), ['0', '100 %'])
  assert.equal(await meter.getAttribute('data-filled'), '0.8100')
  await server.publish('n.disk', 12)
  await becomes(() => figure('Disk'), ['12.0', '%', ''])
  await becomes(said, ['12', '0', '100', '12.0 %'])
})

test('gauge: every change is told, however little the arc moves', async () => {
  const meter = page.getByRole('meter', { name: 'Speed' })
  for (const [speed, high] of [
    ['50.000', '200 km/h'],
    ['50.004', '200 km/h'],
    ['250.000', '300 km/h'], // a scale goes as far as it has to
  ]) {
    await server.publish('n.speed', Number(speed))
    await becomes(() => figure('Speed'), [speed, 'km/h', ''])
    assert.deepEqual(await textsOf(panel('Speed'), '.scale .high'), [high])
    await becomes(() => meter.getAttribute('aria-valuetext'), `${speed} km/h`)
  }
})

test('bars: the largest first, with labels, numbers and states; the rest is counted', async () => {
  const rows = () =>
    panel('Queues')
      .locator('li')
      .evaluateAll((all) =>
        all.map((row) =>
          ['.label', '.number', '.state'].map((part) => {
            const element = /** @type {HTMLElement} */ (row.querySelector(part))
            return part === '.state' && element.innerText ? element.title : element.innerText
          }),
        ),
      )
  await becomes(rows, [
    ['video', '60 jobs', 'warning'],
    ['Letters', '40 jobs', ''],
    ['audio', '20 jobs', ''],
  ])
  await becomes(() => textsOf(panel('Queues'), '.rest'), ['and 2 more'])
  await server.publish('n.queue', 1234, { key: 'mail' })
  await server.publish('n.queue', 33, { key: 'text' })
  await becomes(rows, [
    ['Letters', '1\u2009234 jobs', 'warning'],
    ['video', '60 jobs', 'warning'],
    ['text', '33 jobs', ''],
  ])
  const reach = () =>
    panel('Queues')
      .locator('li .reach')
      .evaluateAll((all) => all.map((e) => /** @type {HTMLElement} */ (e).style.transform))
  assert.deepEqual(await reach(), ['scaleX(1)', 'scaleX(0.049)', 'scaleX(0.027)'])
})

test('table: the rows of the newest event, by the columns that were asked for', async () => {
  const table = panel('Rows')
  await becomes(() => textsOf(table, 'th'), ['Process', 'Memory', 'CPU'])
  await becomes(
    () => cellsOf(table),
    [
      ['sh', '2.00 KiB', '1.50 %'],
      ['db', '1.00 MiB', '75.0 %'],
    ],
  )
  const header = table.getByRole('columnheader', { name: 'CPU' })
  await header.getByRole('button').click()
  assert.equal(await header.getAttribute('aria-sort'), 'descending')
  await becomes(async () => (await cellsOf(table)).map(([name]) => name), ['db', 'sh'])
  await publishRows([{ name: 'sh', used_bytes: 512, cpu: 90 }])
  await becomes(() => cellsOf(table), [['sh', '512 B', '90.0 %']])
})

test('table: a row for each key, with the course of its numbers', async () => {
  const table = panel('Keyed')
  const cells = async () => (await cellsOf(table)).map((row) => row.slice(0, 3))
  await becomes(() => textsOf(table, 'th'), ['key', 'Now', 'Where', 'age'])
  await becomes(cells, [
    ['a', '20.5 °C', 'roof'],
    ['b', '−3.0 °C', 'yard'],
  ])
  const sparks = table.locator('td canvas')
  assert.equal(await sparks.count(), 2)
  await until(
    () => ink(sparks.first()),
    (n) => n > 20,
    'a line',
  )
  const point = await until(
    () => ink(sparks.last()),
    (n) => n > 0,
    'a point',
  )
  await server.publish('n.keyed', { temperature: 9, labels: { host: 'yard' } }, { key: 'b' })
  await becomes(cells, [
    ['a', '20.5 °C', 'roof'],
    ['b', '9.0 °C', 'yard'],
  ])
  await until(
    () => ink(sparks.last()),
    (n) => n > point,
    'more than a point',
  )
})

test('table: the groups of a view', async () => {
  const table = panel('Routes')
  await becomes(() => textsOf(table, 'th'), ['Path', 'Calls', 'Slowest'])
  await becomes(
    () => cellsOf(table),
    [
      ['/', '1', '3.00 ms'],
      ['/cart', '2', '31.0 ms'],
    ],
  )
  await server.publish('n.requests', { route: '/cart', ms: 950 })
  await becomes(
    () => cellsOf(table),
    [
      ['/', '1', '3.00 ms'],
      ['/cart', '3', '950 ms'],
    ],
  )
})

test('the table behind a number has every value of it', async () => {
  await choose(panel('Load'), 'Show as table')
  const values = async () => (await cellsOf(panel('Load'))).map(([, value]) => value)
  await becomes(values, ['93.5 %', '70.0 %', '50.0 %', '25.0 %'])
  await choose(panel('Load'), 'Show as picture')
  await becomes(() => figure('Load'), ['93.46', '%', '■ critical'])
})

test('a reload shows the same', async () => {
  await page.reload()
  await becomes(() => figure('Load'), ['93.46', '%', '■ critical'])
  await becomes(() => figure('Speed'), ['250.000', 'km/h', ''])
  await becomes(() => textsOf(panel('Queues'), 'li .label'), ['Letters', 'video', 'text'])
  await becomes(async () => (await cellsOf(panel('Rows')))[0], ['sh', '512 B', '90.0 %'])
  await becomes(async () => (await cellsOf(panel('Routes')))[1], ['/cart', '3', '950 ms'])
  await until(
    () => ink(panel('Load').locator('canvas')),
    (n) => n > 50,
    'the course',
  )
})

test('nothing went wrong', () => visit.nothingWentWrong())
