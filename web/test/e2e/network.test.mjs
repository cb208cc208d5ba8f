// What happens between the server and the page: restarts, cuts, bad answers. Nothing
// is lost, nothing is shown twice, and nobody has to click.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Between } from './between.mjs'
import { Visit, WITHIN } from './visit.mjs'

const DASHBOARD = `title: Net
window: 15m
rows:
  - panels:
      - { type: stat, title: Number, stream: net.number }
      - { type: log, title: Lines, stream: net.lines, height: 20 }
`

const visit = await Visit.begin({ dashboards: { net: DASHBOARD }, args: ['--sources', '{}'] })
/** @type {Between} */
let proxy
/** @type {import('playwright-core').Page} */
let page
let sent = 0

before(async () => {
  proxy = await new Between(visit.server.url).listen()
  const context = await visit.browser.newContext({ viewport: { width: 1200, height: 1100 } })
  page = await context.newPage()
  visit.watch(page, true)
  await page.goto(`${proxy.url}/net`)
  await page.locator('.pill[data-state=live]').waitFor({ timeout: WITHIN })
})

after(() => proxy?.close())

/** Publishes so many numbered lines. @param {number} n */
async function send(n) {
  for (let i = 0; i < n; i++) {
    sent++
    await visit.server.publish('net.lines', { severity: 'INFO', body: `line ${sent}` })
    await visit.server.publish('net.number', sent)
  }
}

/** Waits until the page is live and has every line once, in order. */
async function hasAll() {
  await page.locator('.pill[data-state=live]').waitFor({ timeout: 45_000 })
  await page
    .locator(`[data-panel=stat] [data-value]:text-is("${sent}")`)
    .waitFor({ timeout: 45_000 })
  await page.waitForFunction(
    (n) => {
      const rows = [...document.querySelectorAll('[data-panel=log] .line .text')]
      return rows.some((row) => row.textContent === `line ${n}`)
    },
    sent,
    { timeout: WITHIN },
  )
  // As it is kept, not only as it is in view.
  await page.evaluate(() => {
    const viewport = document.querySelector('[data-panel=log] [role=log]')
    if (viewport !== null) viewport.scrollTop = 0
  })
  const seen = new Set()
  for (let step = 0; step < 60 && seen.size < sent; step++) {
    const texts = await page.locator('[data-panel=log] .line:visible .text').allTextContents()
    for (const text of texts) seen.add(text)
    await page.evaluate(() => {
      document.querySelector('[data-panel=log] [role=log]')?.scrollBy(0, 300)
    })
    await page.waitForTimeout(60)
  }
  assert.deepEqual([...seen].sort(), Array.from({ length: sent }, (_, i) => `line ${i + 1}`).sort())
}

test('a server that is killed and started again', async () => {
  await send(10)
  await hasAll()
  await visit.server.stop('SIGKILL')
  await page.locator('.pill[data-state=waiting]').waitFor({ timeout: WITHIN })
  await visit.server.run()
  await send(10)
  await hasAll()
})

test('a proxy that answers 503 for ten seconds', async () => {
  proxy.status = 503
  proxy.drop()
  await page.locator('.pill[data-state=waiting]').waitFor({ timeout: WITHIN })
  await send(10)
  await page.waitForTimeout(10_000)
  proxy.status = 0
  await hasAll()
})

test('a network that is gone for a minute', async () => {
  proxy.cut()
  await send(10)
  await page.locator('.pill[data-state=waiting]').waitFor({ timeout: WITHIN })
  await page.waitForTimeout(60_000)
  await page.locator('.pill[data-state=offline]').waitFor({ timeout: WITHIN })
  assert.ok(await page.getByRole('button', { name: 'Try now' }).isVisible())
  await send(10)
  proxy.mend()
  await hasAll()
})

test('nothing went wrong', () => visit.nothingWentWrong())
