// The components in a real browser, moved by a real hub. Run it with:
// node --test test/browser/components.test.mjs (STREAMGAUGE names the binary; default: go build)

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, afterEach, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { build } from 'vite'
import { Hub } from './hub.mjs'

/** @typedef {import('playwright-core').Page} Page */

const WITHIN = 15_000
/** Lines that are drawn at most: those of 320 px, and a few to spare. */
const MOST_ROWS = 40
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** @type {Hub} */
let hub
/** @type {import('playwright-core').Browser} */
let browser
/** @type {import('playwright-core').BrowserContext | undefined} */
let context
let html = ''
/** @type {ReturnType<typeof setInterval> | undefined} */
let flood
let n = 0

/** @param {string} path */
const text = (path) => readFileSync(new URL(path, import.meta.url), 'utf8')

before(async () => {
  const built = await build({
    configFile: false,
    logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"production"' },
    build: {
      write: false,
      lib: {
        entry: fileURLToPath(new URL('componentsPage.tsx', import.meta.url)),
        formats: ['iife'],
        name: 'page',
      },
    },
  })
  const [{ output }] = /** @type {[{output: [{code: string}]}]} */ (/** @type {unknown} */ (built))
  const script = output[0].code.replaceAll('</script', '<\\/script')
  const style = text('../../src/components/components.css') + text('components.css')
  html = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Shop</title>
    <meta name="viewport" content="width=device-width"><style>${style}</style>
    <body><script>${script}</script>`
  hub = await Hub.start()
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run'],
  })
})

after(async () => {
  await browser?.close()
  await hub?.close()
})

afterEach(async () => {
  clearInterval(flood)
  await context?.close()
  context = undefined
})

const LEVELS = ['info', 'debug', 'info', 'warn', 'info', 'error']

/** Publishes 500 lines a second until the test ends. */
function pour() {
  const lines = () =>
    Array.from({ length: 25 }, () => {
      n++
      return { n, level: LEVELS[n % LEVELS.length], message: `line ${n}.` }
    })
  flood = setInterval(() => hub.publish('test.log', ...lines()).catch(() => {}), 50)
}

/** Opens the page. @param {import('playwright-core').BrowserContextOptions & {query?: string}} [options] */
async function open({ query = '', ...options } = {}) {
  context = await browser.newContext({ viewport: { width: 1180, height: 860 }, ...options })
  const page = await context.newPage()
  page.setDefaultTimeout(WITHIN)
  page.on('pageerror', (error) => assert.fail(error))
  await page.route('**/page*', (route) => route.fulfill({ contentType: 'text/html', body: html }))
  await page.goto(`${hub.url}/page${query}`)
  await page.locator('[data-sg="metric-card"]:not([data-empty])').first().waitFor()
  return page
}

/** How many lines are in the document, the newest, and whether that is seen. @param {Page} page */
const drawn = (page) =>
  page.locator('[data-sg="log-viewport"]').evaluate((viewport) => {
    const rows = [...viewport.querySelectorAll('[data-sg="log-line"]')]
    const bottom = rows.at(-1)?.getBoundingClientRect().bottom ?? 0
    const below = bottom - viewport.getBoundingClientRect().bottom
    return { count: rows.length, below, numbers: rows.map((row) => numberOf(row)) }
  })

/** The numbers of the lines that are seen. @param {Page} page */
function seen(page) {
  return page.locator('[data-sg="log-viewport"]').evaluate((viewport) => {
    const { top, bottom } = viewport.getBoundingClientRect()
    return [...viewport.querySelectorAll('[data-sg="log-line"]')]
      .filter((row) => {
        const box = row.getBoundingClientRect()
        return box.bottom > top + 1 && box.top < bottom - 1
      })
      .map((row) => numberOf(row))
  })
}

/** Waits until a newer line than that is seen. @param {Page} page @param {number} [than] */
const newer = (page, than = 0) =>
  page.waitForFunction(
    (than) => {
      const row = [...document.querySelectorAll('[data-sg="log-line"]')].at(-1)
      return row !== undefined && numberOf(row) > than
    },
    than,
    { polling: 50 },
  )

/** Lets so many more lines come, whatever the page shows of them. @param {number} more */
async function come(more) {
  const until = n + more
  while (n < until) await new Promise((done) => setImmediate(done))
}

/** @param {Element} row */
function numberOf(row) {
  return Number(/line (\d+)\./.exec(row.textContent ?? '')?.[1])
}

/** @param {Page} page */
const share = (page) => page.evaluate(`globalThis.numberOf = ${numberOf}`)

/** @param {Page} page @param {string} part */
const part = (page, part) => page.locator(`[data-sg="${part}"]`)

for (const query of ['', '?wrap']) {
  const how = query === '' ? 'rows of one height' : 'rows that are measured'

  test(`a tail of ${how} follows 500 lines a second with few rows`, async () => {
    const page = await open({ query })
    await share(page)
    pour()
    await newer(page, n + 2000)
    const { count, below, numbers } = await drawn(page)
    assert.ok(count <= MOST_ROWS, `${count} rows`)
    assert.ok(Math.abs(below) < 1, `the newest line ends ${below} px below the list`)
    assert.deepEqual(
      numbers,
      numbers.map((_, i) => Number(numbers[0]) + i),
    )
  })

  test(`a tail of ${how} stands still for who scrolls up, and goes on at its end`, async () => {
    const page = await open({ query })
    await share(page)
    pour()
    await newer(page, n + 500)
    await part(page, 'log-viewport').hover()
    await page.mouse.wheel(0, -200)
    await part(page, 'log-new').waitFor()
    await page.waitForFunction(() => document.getAnimations().length === 0)
    const before = await settled(page)
    await come(1000)
    assert.deepEqual(await seen(page), before)
    assert.match(await part(page, 'log-new').innerText(), /^[\d,]+\+? new lines/)
    assert.equal(await part(page, 'log-status').innerText(), 'Standing still')
    await part(page, 'log-new').click()
    await newer(page, Number(before.at(-1)) + 1000)
    assert.equal(await part(page, 'log-new').count(), 0)
    assert.ok(await part(page, 'log-viewport').evaluate((e) => e === document.activeElement))

    await page.mouse.wheel(0, -200)
    await part(page, 'log-new').waitFor()
    await page.mouse.wheel(0, 10_000)
    await part(page, 'log-new').waitFor({ state: 'detached' })
    await newer(page, n)
  })
}

/** What is seen once scrolling has come to rest. @param {Page} page */
async function settled(page) {
  for (let last = await seen(page); ; ) {
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(done)))
    const now = await seen(page)
    if (String(now) === String(last)) return now
    last = now
  }
}

test('a tail is held by keys', async () => {
  const page = await open()
  await share(page)
  pour()
  await newer(page, n + 500)
  await part(page, 'log-viewport').focus()
  await page.keyboard.press('Space')
  const status = part(page, 'log-status')
  await status.filter({ hasText: 'Paused' }).waitFor()
  const paused = await seen(page)
  await come(500)
  assert.deepEqual(await seen(page), paused)
  assert.match(await part(page, 'log-new').innerText(), /new lines/)
  assert.equal(await part(page, 'pause').innerText(), 'Resume')
  await page.keyboard.press('Space')
  await newer(page, Number(paused.at(-1)) + 500)
  await status.filter({ hasText: 'Following' }).waitFor()

  await page.keyboard.press('Home')
  await status.filter({ hasText: 'Standing still' }).waitFor()
  await page.waitForFunction(
    () => document.querySelector('[data-sg="log-viewport"]')?.scrollTop === 0,
  )
  const oldest = await settled(page)
  await come(500)
  assert.deepEqual(await seen(page), oldest)
  await page.keyboard.press('End')
  await status.filter({ hasText: 'Following' }).waitFor()
  await newer(page, n)

  await part(page, 'pause').click()
  await status.filter({ hasText: 'Paused' }).waitFor()
  await part(page, 'log-new').click()
  await status.filter({ hasText: 'Following' }).waitFor()
})

test('nothing moves while numbers change', async () => {
  await hub.publish('test.deeds', { who: 'Ada', what: 'deployed web 2.41.0' })
  const page = await open()
  await share(page)
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
    await share(page)
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

test('the feed has the newest on top, and stays for who has scrolled', async () => {
  const deed = (/** @type {number} */ i) => ({ who: 'Ada', what: `deployed build ${i}` })
  await hub.publish('test.deeds', ...Array.from({ length: 30 }, (_, i) => deed(i)))
  const page = await open()
  const first = part(page, 'feed-item').first()
  await first.filter({ hasText: 'build 29' }).waitFor()
  assert.match(await first.locator('time').innerText(), /ago|now/)
  await part(page, 'feed-list').evaluate((list) => {
    list.scrollTop = 120
  })
  const tops = () =>
    part(page, 'feed-item').evaluateAll((items) =>
      items.slice(0, 9).map((item) => [item.textContent, item.getBoundingClientRect().top]),
    )
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(done)))
  const before = (await tops()).map(([, top]) => top)
  await hub.publish('test.deeds', deed(30), deed(31))
  await part(page, 'feed-new').waitFor()
  assert.deepEqual(
    (await tops()).map(([, top]) => top),
    before,
  )
  assert.match(await first.innerText(), /build 29/)
  await part(page, 'feed-new').filter({ hasText: '2 new' }).click()
  await first.filter({ hasText: 'build 31' }).waitFor()
  // What comes within the first second was there before: it is no news.
  for (let i = 32; (await part(page, 'feed-status').innerText()) === ''; i++) {
    await hub.publish('test.deeds', deed(i))
    await first.filter({ hasText: `build ${i}` }).waitFor()
  }
  assert.match(
    await part(page, 'feed-status').innerText(),
    /^(Ada deployed build \d+|\d+ new items)$/,
  )
})

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
  await hub.run()
  await part(page, 'reconnect').click()
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
  await share(page)
  pour()
  await newer(page, n + 100)
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth))
  for (const button of await page.locator('button').all()) {
    const box = await button.boundingBox()
    assert.ok((box?.height ?? 0) >= 44, `${await button.innerText()} is ${box?.height} px high`)
  }
})
