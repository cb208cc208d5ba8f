// The page of a fresh server: every stream that there is shows itself.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { frames, ink, shows, Visit, WITHIN } from './visit.mjs'

const CPU = '[data-stream="host.cpu"] [data-value]'

const visit = await Visit.begin()
/** @type {import('playwright-core').Page} */
let page

before(async () => {
  page = await visit.browser.newPage()
  visit.watch(page)
})

test('two different values of host.cpu are painted within five seconds', async () => {
  const start = Date.now()
  await page.goto(visit.server.url)
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
  const canvas = page.locator('[data-panel=timeseries][data-stream="host.cpu"] canvas').first()
  await canvas.scrollIntoViewIfNeeded()
  await frames(page)
  assert.ok((await ink(canvas)) > 500, 'the canvas is empty')
})

test('an unknown stream gets a panel with its first event, and its pixels follow', async () => {
  const stream = `visitors`
  const value = `[data-stream="${stream}"] [data-value]`
  await visit.server.publish(stream, { visitors: 523 })
  await shows(page, value, '523')
  const delays = []
  for (let i = 0; i < 20; i++) {
    const start = performance.now()
    await visit.server.publish(stream, { visitors: 600 + i })
    await shows(page, value, String(600 + i))
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
  const stream = `log`
  await visit.server.publish(stream, {
    severity: 'ERROR',
    body: 'disk is full',
    attributes: { disk: 'sda' },
  })
  const line = page.locator(`[data-panel=log][data-stream="${stream}"] .line`).first()
  await line.waitFor({ timeout: WITHIN })
  assert.deepEqual(await line.locator('.level, .text, .rest').allTextContents(), [
    'ERROR',
    'disk is full',
    'disk=sda',
  ])
})

test('rows are a table, and anything else is a list of events', async () => {
  await visit.server.publish(`rows`, [[{ name: 'a', used_bytes: 2048 }]]) // a batch of one
  const cells = page.locator(`[data-panel=table][data-stream="rows"] td`)
  await cells.first().waitFor({ timeout: WITHIN })
  assert.deepEqual(await cells.allTextContents(), ['a', '2.00 KiB'])
  await visit.server.publish(`nested`, { a: { b: [1, { c: 2 }] } })
  await shows(page, `[data-panel=log][data-stream="nested"] .text`, '{"a":{"b":[1,{"c":2}]}}')
})

test('what is published is text and never markup', async () => {
  const bait = '<img src=x onerror="window.caught=1"><script>window.caught=1</script>'
  await visit.server.publish(`bait`, bait)
  await visit.server.publish(`bait-rows`, [[{ [bait]: bait }]])
  await visit.server.publish(`bait-fields`, { [bait]: 1, other: 2 })
  await shows(page, `[data-stream="bait"] .text`, bait)
  await page.locator(`[data-stream="bait-fields"] .legend`).first().waitFor({ timeout: WITHIN })
  await frames(page)
  assert.equal(await page.evaluate(() => 'caught' in window), false)
})

test('Space pauses the painting and not the receiving', async () => {
  const stream = `visitors`
  const value = `[data-stream="${stream}"] [data-value]`
  await page.locator('h2').first().click()
  await page.keyboard.press('Space')
  await page.locator('.pill[data-state=paused]').waitFor({ timeout: WITHIN })
  const frozen = await page.locator(value).first().textContent()
  await visit.server.publish(stream, { visitors: 7 })
  await frames(page)
  assert.equal(await page.locator(value).first().textContent(), frozen)
  await page.keyboard.press('Space')
  await shows(page, value, '7')
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
  await frames(page)
  const { wide, inner } = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth,
    inner: innerWidth,
  }))
  assert.ok(wide <= inner, `the page is ${wide} px wide on a screen of ${inner} px`)
})

test('the page has asked nobody but its own server, and nothing went wrong', () => {
  const { origin } = new URL(visit.server.url)
  assert.ok(visit.requests.length >= 4, `only ${visit.requests.length} requests were seen`)
  assert.deepEqual(
    visit.requests.filter((request) => new URL(request).origin !== origin),
    [],
  )
  visit.nothingWentWrong()
})
