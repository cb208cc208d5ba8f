// The components in a real browser, moved by a real hub. Run it with:
// node --test test/browser/components.test.mjs

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { hub, n, newer, open, part, pour, WITHIN } from './components.mjs'

/** @typedef {import('playwright-core').Page} Page */

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

test('nothing moves while numbers change', async () => {
  await hub.publish('test.deeds', { who: 'Ada', what: 'deployed web 2.41.0' })
  const page = await open()
  pour()
  await newer(page, n + 500)
  await page.evaluate(() => {
    const shifts = /** @type {unknown[]} */ ([])
    Object.assign(globalThis, { shifts })
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { value, sources } = /** @type {any} */ (entry)
        const where = sources.map((/** @type {any} */ s) => s.node?.dataset?.sg ?? s.node?.nodeName)
        shifts.push([value, ...where])
      }
    }).observe({ type: 'layout-shift' })
  })
  const value = part(page, 'value').first()
  for (let changes = 0; changes < 5; changes++) {
    const before = await value.innerText()
    await page.waitForFunction(
      (before) =>
        /** @type {HTMLElement} */ (document.querySelector('[data-sg="value"]')).innerText !==
        before,
      before,
    )
  }
  const shifts = await page.evaluate(() => /** @type {any} */ (globalThis).shifts)
  const sum = shifts.reduce(
    (/** @type {number} */ all, /** @type {[number]} */ [by]) => all + by,
    0,
  )
  assert.ok(sum < 0.0005, JSON.stringify(shifts))
})

for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
  test(`axe finds nothing wrong in ${colorScheme}`, async () => {
    await hub.publish('test.deeds', { who: 'Ada', what: 'deployed web 2.41.0' })
    const page = await open({ colorScheme })
    pour()
    await newer(page, n + 300)
    await part(page, 'log-viewport').focus()
    await page.keyboard.press('Home')
    await part(page, 'log-new').waitFor()
    await page.evaluate(axe)
    const violations = await page.evaluate(async (tags) => {
      const { axe } = /** @type {any} */ (window)
      const found = await axe.run(document, { runOnly: { type: 'tag', values: tags } })
      return found.violations.map((/** @type {any} */ v) => [
        v.id,
        ...v.nodes.map((/** @type {any} */ node) => node.failureSummary),
      ])
    }, TAGS)
    assert.deepEqual(violations, [])
  })
}

test('a cut is told after two seconds, and how to end it', async () => {
  const page = await open()
  await page.evaluate(() => {
    const status = document.querySelector('[data-sg="connection-status"]')
    const kinds = /** @type {unknown[]} */ ([])
    Object.assign(globalThis, { kinds })
    new MutationObserver(() =>
      kinds.push([status?.getAttribute('data-status'), Date.now()]),
    ).observe(/** @type {Element} */ (status), { attributeFilter: ['data-status'] })
  })
  await hub.stop()
  const cut = Date.now()
  await part(page, 'reconnect').waitFor()
  const stale = page.locator('[data-sg="metric-card"][data-stale] [data-sg="note"]')
  await stale.filter({ hasText: 'stale' }).first().waitFor()
  assert.notEqual(await part(page, 'status').getAttribute('title'), null)
  await part(page, 'reconnect').click()
  await hub.run()
  await page.locator('[data-sg="connection-status"][data-status="live"]').waitFor()
  const kinds = await page.evaluate(() => /** @type {any} */ (globalThis).kinds)
  assert.deepEqual(
    kinds.map((/** @type {unknown[]} */ [kind]) => kind),
    ['reconnecting', 'live'],
  )
  assert.ok(kinds[0][1] - cut >= 1900, `it was told after ${kinds[0][1] - cut} ms`)
})

/** How many pixels of a canvas are drawn, and what their mean lightness is. @param {Page} page @param {string} selector */
function ink(page, selector) {
  return page.locator(selector).evaluate((canvas) => {
    const { width, height } = /** @type {HTMLCanvasElement} */ (canvas)
    const context = /** @type {HTMLCanvasElement} */ (canvas).getContext('2d')
    const { data } = /** @type {CanvasRenderingContext2D} */ (context).getImageData(
      ...[0, 0, width, height],
    )
    let [pixels, light] = [0, 0]
    for (let i = 0; i < data.length; i += 4) {
      if ((data[i + 3] ?? 0) < 200) continue
      pixels++
      light += (data[i] ?? 0) + (data[i + 1] ?? 0) + (data[i + 2] ?? 0)
    }
    return { pixels, light: light / pixels / 3 }
  })
}

test('pictures are drawn, say what they show, and follow the theme', async () => {
  const page = await open({ colorScheme: 'light' })
  const spark = part(page, 'sparkline').first()
  await page
    .locator('[data-sg="sparkline"][aria-label^="CPU: last"][aria-label*="%, highest"]')
    .waitFor()
  await page.locator('[data-sg="plot"][aria-label*="User "]').waitFor()
  const canvases = ['[data-sg="metric-slot"] >> nth=0 >> canvas', '[data-sg="plot"] canvas']
  for (const canvas of canvases) assert.ok((await ink(page, canvas)).pixels > 50, canvas)
  const before = await Promise.all(canvases.map((canvas) => ink(page, canvas)))
  await page.evaluate(() => document.documentElement.setAttribute('data-theme', 'dark'))
  for (const [i, canvas] of canvases.entries()) {
    const deadline = Date.now() + WITHIN
    while (Math.abs((await ink(page, canvas)).light - Number(before[i]?.light)) < 20) {
      assert.ok(Date.now() < deadline, `${canvas} stays as it was`)
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(done)))
    }
  }
  assert.equal(await spark.getAttribute('role'), 'img')
})

test('a chart is read and changed by keys', async () => {
  const page = await open()
  await page.locator('[data-sg="plot"][aria-label*="User "]').waitFor()
  await part(page, 'plot').focus()
  await page.keyboard.press('End')
  const said = part(page, 'chart-status')
  await said.filter({ hasText: /^\d\d:\d\d:\d\d: User .*%, System .*%$/ }).waitFor()
  await page.keyboard.press('ArrowLeft')
  await page.keyboard.press('Escape')
  const [user] = await page.getByRole('button', { name: 'User' }).all()
  await user?.focus()
  await page.keyboard.press('Enter')
  await page.locator('[data-sg="legend"] button[aria-pressed="false"]').waitFor()
  await page.keyboard.press('Enter')
  await page
    .locator('[data-sg="legend"] button[aria-pressed="false"]')
    .waitFor({ state: 'detached' })
})

test('everything fits on a phone', async () => {
  const page = await open({
    viewport: { width: 390, height: 800 },
    hasTouch: true,
    isMobile: true,
    query: '?wrap',
  })
  pour()
  await newer(page, n + 100)
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth))
  for (const button of await page.locator('button').all()) {
    const box = await button.boundingBox()
    assert.ok((box?.height ?? 0) >= 44, `${await button.innerText()} is ${box?.height} px high`)
  }
})
