// A page with every component, in a real browser, moved by a real hub: for the tests of
// components*.test.mjs. STREAMGAUGE names the hub's binary; default: go build.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, afterEach, before } from 'node:test'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { build } from 'vite'
import { Hub } from './hub.mjs'

/** @typedef {import('playwright-core').Page} Page */

/** Ms within which anything happens. */
export const WITHIN = 15_000

/** The hub. @type {Hub} */
export let hub
/** @type {import('playwright-core').Browser} */
let browser
/** @type {import('playwright-core').BrowserContext | undefined} */
let context
let html = ''
/** @type {ReturnType<typeof setInterval> | undefined} */
let flood
/** The number of the last line that was published. */
export let n = 0

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
export function pour() {
  const lines = () =>
    Array.from({ length: 25 }, () => {
      n++
      return { n, level: LEVELS[n % LEVELS.length], message: `line ${n}.` }
    })
  flood = setInterval(() => hub.publish('test.log', ...lines()).catch(() => {}), 50)
}

/** Opens the page. @param {import('playwright-core').BrowserContextOptions & {query?: string}} [options] */
export async function open({ query = '', ...options } = {}) {
  context = await browser.newContext({ viewport: { width: 1180, height: 860 }, ...options })
  const page = await context.newPage()
  page.setDefaultTimeout(WITHIN)
  page.on('pageerror', (error) => assert.fail(error))
  await page.route('**/page*', (route) => route.fulfill({ contentType: 'text/html', body: html }))
  await page.addInitScript(`globalThis.numberOf = ${numberOf}`)
  await page.goto(`${hub.url}/page${query}`)
  await page.locator('[data-sg="metric-card"]:not([data-empty])').first().waitFor()
  return page
}

/** Waits until a newer line than that is seen. @param {Page} page @param {number} [than] */
export const newer = (page, than = 0) =>
  page.waitForFunction(
    (than) => {
      const row = [...document.querySelectorAll('[data-sg="log-line"]')].at(-1)
      return row !== undefined && window.numberOf(row) > than
    },
    than,
    { polling: 50 },
  )

/** Lets so many more lines come, whatever the page shows of them. @param {number} more */
export async function come(more) {
  const until = n + more
  while (n < until) await new Promise((done) => setImmediate(done))
}

/** The number of a line. It runs in the page. @param {Element} row */
function numberOf(row) {
  return Number(/line (\d+)\./.exec(row.textContent ?? '')?.[1])
}

/** A part of a component. @param {Page} page @param {string} part */
export const part = (page, part) => page.locator(`[data-sg="${part}"]`)
