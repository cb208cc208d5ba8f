// What can be done with every panel that is a picture: a PNG, a CSV, the whole screen, a
// table, a link, the code to embed it.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import {
  becomes,
  cellsOf,
  choose,
  panelOf,
  pictureOf,
  saved,
  textsOf,
  until,
  Visit,
} from './visit.mjs'

const DASHBOARD = `title: Menus
window: 15m
rows:
  - panels:
      - { type: stat, title: Stat, stream: m.one, unit: ms, width: 3 }
      - { type: gauge, title: Gauge, stream: m.one, max: 100 }
      - { type: timeseries, title: Time series, stream: m.pair, width: 6 }
      - { type: bars, title: Bars, stream: m.keys, unit: jobs }
      - { type: table, title: Table, stream: m.rows, width: 4 }
      - { type: status, title: Status, stream: m.states, width: 4 }
      - { type: heatmap, title: Heatmap, stream: m.keys, width: 12 }
`

const TITLES = ['Stat', 'Gauge', 'Time series', 'Bars', 'Table', 'Status', 'Heatmap']

const visit = await Visit.begin({ dashboards: { menus: DASHBOARD }, args: ['--sources', '{}'] })
const { server } = visit
/** @type {import('playwright-core').Page} */
let page

/** @param {string} title */
const panel = (title) => panelOf(page, title)

const start = Date.now()
/** @param {number} seconds */
const at = (seconds) => new Date(start - seconds * 1000).toISOString()

/** What each panel's CSV is; of a heatmap, whose rows depend on its window, the head. */
const CSV = {
  Stat: ['time,Stat', `${at(20)},56.25`, `${at(40)},12`],
  Gauge: ['time,Gauge', `${at(20)},56.25`, `${at(40)},12`],
  'Time series': ['time,read,write', `${at(20)},3,`, `${at(40)},1,2.5`],
  Bars: ['name,Bars', '"say ""b"", or c",70', "'=a,20"],
  Table: ['name,used', 'db,1048576', 'sh,2048'],
  Status: ['time,key,state', `${at(20)},web,down`, `${at(40)},web,up`],
  Heatmap: ['time,"say ""b"", or c",\'=a'],
}

before(async () => {
  await server.publish('m.one', 12, { time: at(40) })
  await server.publish('m.one', 56.25, { time: at(20) })
  await server.publish('m.pair', { read: 1, write: 2.5 }, { time: at(40) })
  await server.publish('m.pair', { read: 3 }, { time: at(20) })
  await server.publish('m.keys', 20, { time: at(40), key: '=a' })
  await server.publish('m.keys', 70, { time: at(20), key: 'say "b", or c' })
  await server.publish('m.rows', [
    [
      { name: 'db', used_bytes: 1024 * 1024 },
      { name: 'sh', used_bytes: 2048 },
    ],
  ])
  await server.publish('m.states', 'up', { time: at(40), key: 'web' })
  await server.publish('m.states', 'down', { time: at(20), key: 'web' })
  page = await visit.open('/menus', { viewport: { width: 1440, height: 1400 } })
  await becomes(() => panel('Stat').locator('[data-value]').innerText(), '56.3')
  await panel('Status').locator('li').waitFor()
})

for (const title of TITLES) {
  test(`${title}: a PNG of what is seen`, async () => {
    const box = await panel(title).boundingBox()
    const { name, bytes } = await saved(page, () => choose(panel(title), 'Download PNG'))
    assert.match(name, new RegExp(`^${title.toLowerCase().replace(' ', '-')}-.*\\.png$`))
    const { width, height, colours } = await pictureOf(page, bytes)
    assert.deepEqual(
      [width, height],
      [box?.width ?? 0, box?.height ?? 0].map((n) => Math.round(2 * n)),
    )
    assert.ok(colours > 20, `the picture has ${colours} colours`)
  })

  test(`${title}: a CSV with the exact numbers`, async () => {
    const { name, bytes } = await saved(page, () => choose(panel(title), 'Download CSV'))
    assert.match(name, new RegExp(`^${title.toLowerCase().replace(' ', '-')}-.*\\.csv$`))
    const want = /** @type {Record<string, string[]>} */ (CSV)[title] ?? []
    const lines = bytes.toString().split('\r\n')
    assert.deepEqual(lines.slice(0, want.length), want)
    assert.equal(lines.at(-1), '')
    if (title !== 'Heatmap') assert.equal(lines.length, want.length + 1)
    else {
      const cells = lines.slice(1, -1).map((line) => line.split(',').slice(1).join())
      assert.deepEqual(
        cells.filter((cell) => cell !== ','),
        ['70,', ',20'],
      )
    }
  })

  test(`${title}: the whole screen, by key and by menu, and back`, async () => {
    const size = async () => {
      const box = await panel(title).boundingBox()
      return [Math.round(box?.width ?? 0), Math.round(box?.height ?? 0)]
    }
    const small = await size()
    const more = panel(title).getByRole('button', { name: /^More of / })
    await more.focus()
    await page.keyboard.press('f')
    await becomes(() => panel(title).getAttribute('data-full'), 'true')
    await until(size, ([w = 0, h = 0]) => w > 1300 && h > 1200, 'a panel as large as the page')
    await page.keyboard.press('Escape')
    await becomes(size, small)
    await choose(panel(title), 'Full screen')
    await until(size, ([w = 0, h = 0]) => w > 1300 && h > 1200, 'a panel as large as the page')
    await choose(panel(title), 'Leave full screen')
    await becomes(size, small)
  })

  test(`${title}: a table, and the picture again`, async () => {
    const own = title === 'Table' ? '.table:not(.twin)' : ':is(.figure, canvas, li)'
    await choose(panel(title), 'Show as table')
    await panel(title)
      .getByRole('region', { name: `${title} as a table` })
      .waitFor()
    const rows = await until(
      () => cellsOf(panel(title)),
      (all) => all.length > 1,
      'rows',
    )
    const heads = await textsOf(panel(title), 'th')
    assert.equal(rows[0]?.length, heads.length)
    if (title === 'Stat')
      assert.deepEqual(
        rows.map((row) => row[1]),
        ['56.3 ms', '12.0 ms'],
      )
    if (title === 'Bars')
      assert.deepEqual(
        rows.map((row) => row[1]),
        ['70 jobs', '20 jobs'],
      )
    if (title === 'Status')
      assert.deepEqual(
        rows.map((row) => row[2]),
        ['down', 'up'],
      )
    assert.equal(await panel(title).locator(own).count(), 0)
    await choose(panel(title), 'Show as picture')
    await panel(title).locator(own).first().waitFor()
  })
}

test('what was a table is painted again, and follows', async () => {
  await server.publish('m.one', 99)
  await becomes(() => panel('Stat').locator('[data-value]').innerText(), '99.0')
  await becomes(() => panel('Gauge').locator('[data-value]').innerText(), '99')
  await server.publish('m.keys', 500, { key: '=a' })
  await becomes(() => textsOf(panel('Bars'), 'li .number'), ['500 jobs', '70 jobs'])
  await server.publish('m.states', 'up', { key: 'web' })
  await becomes(() => textsOf(panel('Status'), 'li .state'), ['● up'])
  await becomes(() => panel('Heatmap').locator('.ramp .high').innerText(), '500')
})

test('a link to a panel alone, and the code to embed it', async () => {
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText())
  await choose(panel('Bars'), 'Copy link')
  await page.getByText('Link to the panel copied').waitFor()
  const link = new URL(await clipboard())
  assert.equal(link.searchParams.get('panel'), '/rows/0/panels/3')
  const other = await visit.open(link.pathname + link.search)
  await becomes(() => textsOf(other.locator('main'), '.panel h3'), ['Bars'])
  await other.getByRole('button', { name: 'Show all of it' }).click()
  await becomes(() => other.locator('.panel').count(), TITLES.length)
  await other.context().close()

  await choose(panel('Bars'), 'Copy code to embed')
  await page.getByText('Code to embed copied').waitFor()
  const code = await clipboard()
  const frame = await page.evaluate((html) => {
    const element = new DOMParser().parseFromString(html, 'text/html').querySelector('iframe')
    return { src: element?.src ?? '', title: element?.title }
  }, code)
  assert.equal(frame.title, 'Bars')
  // On a page of the server's own, as its policy has it.
  await page.evaluate((html) => document.body.insertAdjacentHTML('beforeend', html), code)
  const inner = page.frameLocator(`iframe[title=Bars]`)
  await inner.locator('.panel li .number').first().waitFor()
  await becomes(() => inner.locator('.panel li .number').allInnerTexts(), ['500 jobs', '70 jobs'])
  assert.equal(await inner.locator('.panel').count(), 1)
  assert.equal(await inner.getByLabel('Time window').count(), 0)
})

test('nothing went wrong', () => visit.nothingWentWrong())
