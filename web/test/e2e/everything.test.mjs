// The page in a real browser against the server at STREAMGAUGE_URL ("fake" is the
// stand-in of this folder). Run it with: STREAMGAUGE_URL=http://… npm run e2e

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { launch } from './browser.mjs'
import { FakeHub } from './fake.mjs'
import { publishHost } from './fakeHost.mjs'

/** @typedef {import('playwright-core').Page} Page */

const WITHIN = 5000
const CPU = '[data-stream="host.cpu"] [data-value]'

/** @type {import('playwright-core').Browser} */
let browser
/** @type {Page} */
let page
let url = process.env.STREAMGAUGE_URL ?? ''
/** @type {string[]} */
const requests = []
/** @type {string[]} */
const complaints = []
/** @type {(() => void | Promise<void>)[]} */
const cleanups = []

// A run against a server that has seen another run must not meet its streams.
const run = `e2e-${Date.now().toString(36)}`

before(async () => {
  if (url === '') throw new Error('Set STREAMGAUGE_URL to the address of a running server.')
  if (url === 'fake') {
    const hub = new FakeHub()
    url = await hub.listen()
    const ticker = setInterval(() => publishHost(hub, Date.now()), 500)
    cleanups.push(
      () => clearInterval(ticker),
      () => hub.close(),
    )
  }
  browser = await launch()
  cleanups.unshift(() => browser.close())
  page = await browser.newPage()
  page.on('request', (request) => requests.push(request.url()))
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
})

after(async () => {
  for (const cleanup of cleanups) await cleanup()
})

/** @param {string} stream @param {unknown} data */
async function publish(stream, data) {
  const address = new URL(`v1/streams/${stream}/events`, `${url.replace(/\/$/, '')}/`)
  const headers = { 'Content-Type': 'application/json' }
  const response = await fetch(address, { method: 'POST', headers, body: JSON.stringify(data) })
  assert.ok(response.ok, `publishing to ${stream} answered ${response.status}`)
}

/** Waits until the first element that matches shows the text. @param {string} selector @param {string} text */
function shows(selector, text) {
  return page.waitForFunction(
    ([s, t]) => document.querySelector(s ?? '')?.textContent === t,
    [selector, text],
    { timeout: WITHIN, polling: 'raf' },
  )
}

/** What is painted in the next two frames has been painted. */
function frames() {
  return page.evaluate(
    () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(0)))),
  )
}

test('two different values of host.cpu are painted within five seconds', async () => {
  const start = Date.now()
  await page.goto(url)
  // Only what is on screen is painted, and other streams may stand above.
  await page.locator(CPU).first().scrollIntoViewIfNeeded({ timeout: WITHIN })
  const first = await page.locator(CPU).first().textContent()
  await page.waitForFunction(
    ([selector, value]) => {
      const text = document.querySelector(selector ?? '')?.textContent
      return text !== undefined && text !== '' && value !== '' && text !== value
    },
    [CPU, first],
    { timeout: WITHIN, polling: 'raf' },
  )
  const took = Date.now() - start
  assert.ok(took < WITHIN, `it took ${took} ms`)
  assert.equal(await page.locator('.pill').textContent(), 'Live')
})

test('the chart of host.cpu has ink', async () => {
  const canvas = page.locator('[data-panel=chart][data-stream="host.cpu"] canvas').first()
  const inked = () =>
    canvas.evaluate((/** @type {HTMLCanvasElement} */ element) => {
      const context = element.getContext('2d')
      const pixels = context?.getImageData(0, 0, element.width, element.height).data ?? []
      return pixels
        .filter((/** @type {number} */ _, /** @type {number} */ i) => i % 4 === 3)
        .filter(Boolean).length
    })
  await assert.doesNotReject(page.waitForFunction(() => document.querySelector('.u-over') !== null))
  await frames()
  assert.ok((await inked()) > 500, 'the canvas is empty')
})

test('an unknown stream gets a panel with its first event, and its pixels follow', async () => {
  const stream = `${run}.visitors`
  const value = `[data-stream="${stream}"] [data-value]`
  await publish(stream, { visitors: 523 })
  await shows(value, '523')
  const delays = []
  for (let i = 0; i < 20; i++) {
    const start = performance.now()
    await publish(stream, { visitors: 600 + i })
    await shows(value, String(600 + i))
    delays.push(performance.now() - start)
    // Text changes ten times a second at most: what comes sooner would measure that.
    await page.waitForTimeout(120)
  }
  delays.sort((a, b) => a - b)
  console.log(
    `publish to paint, seen from outside: p50 ${delays[10]?.toFixed(0)} ms, max ${delays[19]?.toFixed(0)} ms`,
  )
})

test('log records are lines with their level as a word', async () => {
  const stream = `${run}.log`
  await publish(stream, { severity: 'ERROR', body: 'disk is full', attributes: { disk: 'sda' } })
  const line = page.locator(`[data-panel=log][data-stream="${stream}"] .line`).first()
  await line.waitFor({ timeout: WITHIN })
  assert.deepEqual(await line.locator('.level, .text, .rest').allTextContents(), [
    'ERROR',
    'disk is full',
    'disk=sda',
  ])
})

test('rows are a table, and anything else is a list of events', async () => {
  await publish(`${run}.rows`, [[{ name: 'a', used_bytes: 2048 }]]) // a batch of one
  const cells = page.locator(`[data-panel=table][data-stream="${run}.rows"] td`)
  await cells.first().waitFor({ timeout: WITHIN })
  assert.deepEqual(await cells.allTextContents(), ['a', '2.00 KiB'])
  await publish(`${run}.nested`, { a: { b: [1, { c: 2 }] } })
  await shows(`[data-panel=events][data-stream="${run}.nested"] .text`, '{"a":{"b":[1,{"c":2}]}}')
})

test('what is published is text and never markup', async () => {
  const bait = '<img src=x onerror="window.caught=1"><script>window.caught=1</script>'
  await publish(`${run}.bait`, bait)
  await publish(`${run}.bait-rows`, [[{ [bait]: bait }]])
  await publish(`${run}.bait-fields`, { [bait]: 1, other: 2 })
  await shows(`[data-stream="${run}.bait"] .text`, bait)
  await page
    .locator(`[data-stream="${run}.bait-fields"] .legend`)
    .first()
    .waitFor({ timeout: WITHIN })
  await frames()
  assert.equal(await page.evaluate(() => 'caught' in window), false)
})

test('Space pauses the painting and not the receiving', async () => {
  const stream = `${run}.visitors`
  const value = `[data-stream="${stream}"] [data-value]`
  await page.locator('h1').click()
  await page.keyboard.press('Space')
  await page.locator('.pill[data-state=paused]').waitFor({ timeout: WITHIN })
  const frozen = await page.locator(value).first().textContent()
  await publish(stream, { visitors: 7 })
  await frames()
  assert.equal(await page.locator(value).first().textContent(), frozen)
  await page.keyboard.press('Space')
  await shows(value, '7')
})

test('the theme is switched by keyboard and remembered', async () => {
  const theme = () => page.evaluate(() => document.documentElement.dataset.theme)
  await page.getByRole('button', { name: /^Theme/ }).focus()
  await page.keyboard.press('Enter')
  assert.equal(await theme(), 'light')
  await page.reload()
  await page.locator('.pill[data-state=live]').waitFor({ timeout: WITHIN })
  assert.equal(await theme(), 'light')
  await page.getByRole('button', { name: /^Theme/ }).click()
  assert.equal(await theme(), 'dark')
})

test('nothing is wider than a phone', async () => {
  await page.setViewportSize({ width: 360, height: 780 })
  await frames()
  const { wide, inner } = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth,
    inner: innerWidth,
  }))
  assert.ok(wide <= inner, `the page is ${wide} px wide on a screen of ${inner} px`)
})

test('the page has asked nobody but its own server, and nothing went wrong', () => {
  const { origin } = new URL(url)
  assert.ok(requests.length >= 4, `only ${requests.length} requests were seen`)
  assert.deepEqual(
    requests.filter((request) => new URL(request).origin !== origin),
    [],
  )
  assert.deepEqual(complaints, [])
})
