// One clock for everything on the page: pause, step, replay, share, hover.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { frames, until, Visit, WITHIN } from './visit.mjs'

const DASHBOARD = `title: Clock
window: 5m
rows:
  - panels:
      - { type: stat, title: Number, stream: t.number }
      - { type: timeseries, title: Course, stream: t.number, width: 9 }
      - { type: log, title: Log, stream: t.log }
      - { type: feed, title: Feed, stream: t.feed }
`

const visit = await Visit.begin({ dashboards: { clock: DASHBOARD }, args: ['--sources', '{}'] })
/** @type {import('playwright-core').Page} */
let page
let start = 0

const number = () => page.locator('[data-panel=stat] [data-value]').first().textContent()

/** The events of two minutes, ten seconds apart. */
before(async () => {
  start = Math.floor(Date.now() / 1000) * 1000 - 120_000
  for (let i = 0; i <= 12; i++) {
    const time = new Date(start + i * 10_000).toISOString()
    await visit.server.publish('t.number', i, { time })
    await visit.server.publish('t.log', { severity: 'INFO', body: `line ${i}` }, { time })
    await visit.server.publish(
      't.feed',
      { actor: `actor ${i}`, verb: 'did', object: 'it' },
      { time },
    )
  }
  page = await visit.open('/clock')
  await page.locator('[data-panel=stat] [data-value]:text-is("12")').waitFor({ timeout: WITHIN })
})

test('Space pauses, the scrubber goes back, and every panel shows that instant', async () => {
  await page.keyboard.press('Space')
  await page.locator('.pill[data-state=paused]').waitFor({ timeout: WITHIN })
  const back = Date.now() - (start + 55_000)
  await page.getByLabel('Instant shown').evaluate((/** @type {any} */ slider, ms) => {
    slider.value = String(-ms)
    slider.dispatchEvent(new Event('input', { bubbles: true }))
  }, back)
  await page.locator('[data-panel=stat] [data-value]:text-is("5")').waitFor({ timeout: WITHIN })
  await page.waitForFunction(
    () =>
      [...document.querySelectorAll('[data-panel=log] .line .text')]
        .filter((e) => e.checkVisibility())
        .at(-1)?.textContent === 'line 5',
    undefined,
    { timeout: WITHIN },
  )
  await page.locator('[data-panel=feed]', { hasText: 'actor 5' }).waitFor({ timeout: WITHIN })
  await page
    .locator('[data-panel=feed]', { hasText: 'actor 6' })
    .waitFor({ state: 'detached', timeout: WITHIN })
})

test('what arrives while paused is kept for later', async () => {
  await visit.server.publish('t.number', 99)
  await frames(page)
  assert.equal(await number(), '5')
})

test('steps move it, and never into the future', async () => {
  await page.keyboard.press('}')
  await page.locator('[data-panel=stat] [data-value]:text-is("6")').waitFor({ timeout: WITHIN })
  await page.keyboard.press('{')
  await page.locator('[data-panel=stat] [data-value]:text-is("5")').waitFor({ timeout: WITHIN })
})

test('a replay runs through the past and ends live', async () => {
  // What has been shown is noted by the page: a second of it may be over before it is asked.
  await page.evaluate(() => {
    const shown = new Set()
    Object.assign(globalThis, { shown })
    const note = () => {
      for (const selector of ['.pill', '[data-panel=stat] [data-value]']) {
        shown.add(document.querySelector(selector)?.textContent)
      }
    }
    new MutationObserver(note).observe(document.body, {
      ...{ subtree: true, childList: true, characterData: true },
    })
  })
  await page.getByLabel('Replay speed').selectOption('10')
  await page.locator('.pill', { hasText: 'Live' }).waitFor({ timeout: 2 * WITHIN })
  const shown = await page.evaluate(() => [.../** @type {any} */ (globalThis).shown])
  assert.ok(shown.includes('Replay 10×'), `${shown}`)
  // A slow page may leave a second out, and shows the others in their order.
  const past = shown.filter((text) => Number(text) > 5 && Number(text) < 12).map(Number)
  assert.ok(past.length >= 3, `${shown}`)
  assert.deepEqual(
    past,
    [...past].sort((a, b) => a - b),
  )
  await page.locator('[data-panel=stat] [data-value]:text-is("99")').waitFor({ timeout: WITHIN })
})

test('an instant that is pointed at is the instant of all panels', async () => {
  const plot = page.locator('[data-panel=timeseries] .u-over')
  const box = await plot.boundingBox()
  assert.ok(box !== null)
  await page.mouse.move(box.x + box.width * 0.5, box.y + box.height / 2)
  await page.waitForFunction(
    () => document.querySelector('[data-panel=stat] [data-value]')?.textContent !== '99',
    undefined,
    { timeout: WITHIN },
  )
  const shown = Number(await number())
  assert.ok(shown > 2 && shown < 11, `the stat shows ${shown}`)
  await page.mouse.move(5, 5)
  await page.locator('[data-panel=stat] [data-value]:text-is("99")').waitFor({ timeout: WITHIN })
})

test('a link to these minutes shows these minutes', async () => {
  await page.keyboard.press('Space')
  await page.keyboard.press('c')
  await page.getByText('Link to these minutes copied').waitFor({ timeout: WITHIN })
  const link = await page.evaluate(() => navigator.clipboard.readText())
  assert.match(link, /from=.*&to=/)
  await page.keyboard.press('Space')
  const shared = new URL(link)
  shared.searchParams.set('to', new Date(start + 35_000).toISOString())
  shared.searchParams.set('from', new Date(start - 5000).toISOString())
  await page.goto(shared.href)
  await page.locator('.pill[data-state=paused]').waitFor({ timeout: WITHIN })
  await page.locator('[data-panel=stat] [data-value]:text-is("3")').waitFor({ timeout: WITHIN })
})

test('the window is chosen from a list and kept in the address', async () => {
  await page.goto(`${visit.server.url}/clock`)
  await page.getByLabel('Time window').selectOption('60000')
  assert.match(page.url(), /window=1m/)
  await page.locator('[data-panel=stat] [data-value]:text-is("99")').waitFor({ timeout: WITHIN })
})

test('another window does not end the pause', async () => {
  const behind = () =>
    page.evaluate(() => {
      const text = document.querySelector('.instant')?.textContent ?? ''
      const seconds = (/** @type {string} */ clock) =>
        clock.split(':').reduce((all, part) => 60 * all + Number(part), 0)
      const now = seconds(new Date().toTimeString().slice(0, 8))
      return text === '' ? -1 : (now - seconds(text) + 86_400) % 86_400
    })
  await page.keyboard.press('Space')
  await page.keyboard.press('{')
  await until(behind, (s) => s >= 9, 'ten seconds behind')
  await page.getByLabel('Time window').selectOption('300000')
  await page.waitForURL('**window=5m*')
  await page.locator('[data-panel=stat] [data-value]', { hasText: /^\d/ }).waitFor()
  assert.equal(await page.locator('.pill').getAttribute('data-state'), 'paused')
  assert.ok((await behind()) >= 9, 'it has gone on')
  await page.getByRole('button', { name: 'Live', exact: true }).click()
  await page.locator('.pill[data-state=live]').waitFor({ timeout: WITHIN })
})

test('who goes back beyond what the page has loaded is shown that too', async () => {
  // A window of a minute has two of them at first.
  const long = Math.floor(Date.now() / 1000) * 1000 - 600_000
  for (let i = 0; i < 30; i++) {
    const time = new Date(long + i * 10_000).toISOString()
    await visit.server.publish('t.long', 100 + i, { time })
  }
  await visit.server.publish('t.long', 1)
  await visit.server.write(
    'long',
    'title: Long\nrows: [{ panels: [{ type: stat, stream: t.long }] }]\n',
  )
  await page.goto(`${visit.server.url}/long?window=1m`)
  await page.locator('[data-panel=stat] [data-value]:text-is("1")').waitFor({ timeout: WITHIN })
  await page.keyboard.press('Space')
  const back = (/** @type {number} */ at) =>
    page.getByLabel('Instant shown').evaluate((/** @type {any} */ slider, to) => {
      const ms = Date.now() - to
      slider.min = String(-ms)
      slider.value = String(-ms)
      slider.dispatchEvent(new Event('input', { bubbles: true }))
    }, at)
  await back(long + 255_000)
  await page.locator('[data-panel=stat] [data-value]:text-is("125")').waitFor({ timeout: WITHIN })
  await back(long + 25_000)
  await page.locator('[data-panel=stat] [data-value]:text-is("102")').waitFor({ timeout: WITHIN })
  await page.keyboard.press('l')
  await page.locator('[data-panel=stat] [data-value]:text-is("1")').waitFor({ timeout: WITHIN })
  await visit.server.publish('t.long', 2)
  await page.locator('[data-panel=stat] [data-value]:text-is("2")').waitFor({ timeout: WITHIN })
})

test('a link to old minutes of a long window shows them, and goes on doing so', async () => {
  await page.goto(`${visit.server.url}/clock?window=15m`)
  await page.locator('[data-panel=stat] [data-value]:text-is("99")').waitFor({ timeout: WITHIN })
  await page.keyboard.press('Space')
  await page.keyboard.press('c')
  await page.getByText('Link to these minutes copied').waitFor({ timeout: WITHIN })
  await page.goto(await page.evaluate(() => navigator.clipboard.readText()))
  await page.locator('[data-panel=stat] [data-value]:text-is("99")').waitFor({ timeout: WITHIN })
  await visit.server.publish('t.number', 98)
  await page.waitForTimeout(1000) // in which nothing may take its place
  assert.equal(await number(), '99')
})

test('another dashboard is not replaced by the past of the one before', async () => {
  await page.goto(`${visit.server.url}/long?window=1m`)
  await page.locator('[data-panel=stat] [data-value]').waitFor({ timeout: WITHIN })
  await page.keyboard.press('Space')
  await page.getByLabel('Instant shown').evaluate((/** @type {any} */ slider) => {
    slider.min = '-580000'
    slider.value = '-580000'
    slider.dispatchEvent(new Event('input', { bubbles: true }))
  })
  await page.getByLabel('Dashboard').selectOption('clock')
  await page.locator('.name:text-is("Course")').waitFor({ timeout: WITHIN })
  await page.waitForTimeout(1000)
  assert.equal(await page.locator('.name:text-is("Course")').count(), 1)
})

test('nothing went wrong', () => visit.nothingWentWrong())
