// What all tests in the browser share: a server, a browser, and an eye on what goes
// wrong in its pages.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { Server } from '../../../js/test/server.mjs'
import { launch } from '../browser.mjs'

/** How long anything may take to be seen, in ms. */
export const WITHIN = 10_000

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {import('playwright-core').Locator} Locator */

/** A server and a browser for the tests of a file. */
export class Visit {
  /** What pages complained of that they should not have. @type {string[]} */
  complaints = []
  /** Every address that was asked for. @type {string[]} */
  requests = []
  server
  browser

  /** @param {Server} server @param {import('playwright-core').Browser} browser */
  constructor(server, browser) {
    this.server = server
    this.browser = browser
  }

  /** Starts both, until the file's tests are over. @param {Parameters<typeof Server.start>[0]} [options] */
  static async begin(options) {
    const visit = new Visit(await Server.start(options), await launch())
    after(async () => {
      await visit.browser.close()
      await visit.server.close()
    })
    return visit
  }

  /** Opens a page and waits until it is live.
   * @param {string} [path]
   * @param {import('playwright-core').BrowserContextOptions & {quiet?: boolean, waits?: boolean}} [options]
   *   `waits`: until it is live; an embedded page does not say so */
  async open(path = '/', { quiet = false, waits = !path.includes('embed'), ...options } = {}) {
    const context = await this.browser.newContext({
      viewport: { width: 1440, height: 900 },
      permissions: ['clipboard-read', 'clipboard-write'],
      ...options,
    })
    context.setDefaultTimeout(WITHIN)
    const page = await context.newPage()
    this.watch(page, quiet)
    await page.goto(this.server.url + path)
    if (waits) {
      await page.locator('.pill[data-state=live]').waitFor({ timeout: WITHIN })
    }
    return page
  }

  /** Notes what goes wrong in a page. @param {Page} page @param {boolean} [quiet] a lost connection is part of the test */
  watch(page, quiet = false) {
    page.on('request', (request) => this.requests.push(request.url()))
    page.on('pageerror', (error) => this.complaints.push(String(error)))
    page.on('console', (message) => {
      if (message.type() !== 'error') return
      if (quiet && /Failed to load resource|ERR_/.test(message.text())) return
      this.complaints.push(message.text())
    })
  }

  /** Fails if a page has complained. */
  nothingWentWrong() {
    assert.deepEqual(this.complaints, [])
  }
}

/** Waits until the first element that matches shows the text. @param {Page} page @param {string} selector @param {string} text */
export function shows(page, selector, text) {
  return page.waitForFunction(
    ([s, t]) => document.querySelector(s ?? '')?.textContent === t,
    [selector, text],
    { timeout: WITHIN, polling: 'raf' },
  )
}

/** What is painted in the next two frames has been painted. @param {Page} page */
export function frames(page) {
  return page.evaluate(
    () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(0)))),
  )
}

/** How many pixels of a canvas are not empty. @param {import('playwright-core').Locator} canvas */
export function ink(canvas) {
  return canvas.evaluate((/** @type {any} */ element) => {
    const data = element.getContext('2d')?.getImageData(0, 0, element.width, element.height).data
    let inked = 0
    for (let i = 3; i < (data?.length ?? 0); i += 4) if (data[i] !== 0) inked++
    return inked
  })
}

/** The panel with that title. @param {Page} page @param {string} title */
export function panelOf(page, title) {
  return page.locator(`.panel:has(h3 .name:text-is(${JSON.stringify(title)}))`)
}

/** Waits until what is read is what is expected; else says what was read instead.
 * @template T @param {() => Promise<T>} read @param {T} expected */
export async function becomes(read, expected, within = WITHIN) {
  const end = Date.now() + within
  for (;;) {
    const found = await read()
    if (isDeepStrictEqual(found, expected)) return
    if (Date.now() > end) assert.deepEqual(found, expected)
    await setTimeout(50)
  }
}

/** Waits until what is read is as it should be, and returns it.
 * @template T @param {() => Promise<T>} read @param {(found: T) => boolean} should @param {string} what */
export async function until(read, should, what, within = WITHIN) {
  const end = Date.now() + within
  for (;;) {
    const found = await read()
    if (should(found)) return found
    if (Date.now() > end) assert.fail(`${what}, but there was ${JSON.stringify(found)}`)
    await setTimeout(50)
  }
}

/** The texts of all that matches. @param {Locator} within @param {string} selector */
export function textsOf(within, selector) {
  return within.locator(selector).allInnerTexts()
}

/** The cells of a table's body as they are shown. @param {Locator} within */
export function cellsOf(within) {
  return within
    .locator('tbody tr')
    .evaluateAll((rows) =>
      rows.map((row) => [...row.querySelectorAll('td')].map((cell) => cell.innerText.trim())),
    )
}

/** Chooses from a panel's menu. @param {Locator} panel @param {string} item */
export async function choose(panel, item) {
  const page = panel.page()
  await panel.getByRole('button', { name: /^More of / }).click()
  await page.getByRole('menu').waitFor({ timeout: WITHIN })
  await page
    .getByRole('menu')
    .locator('[role^=menuitem]')
    .filter({ hasText: item })
    .first()
    .click({ timeout: WITHIN })
  await page.getByRole('menu').waitFor({ state: 'detached', timeout: WITHIN })
}

/** The file that the reader is handed. @param {Page} page @param {() => Promise<unknown>} act */
export async function saved(page, act) {
  const [download] = await Promise.all([page.waitForEvent('download', { timeout: WITHIN }), act()])
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) }
}

/** Of a canvas' pixels that have a colour, and are not grey as axes are: how many there
 * are, and on which share of its height. @param {Locator} canvas */
export function coloured(canvas) {
  return canvas.evaluate((/** @type {any} */ element) => {
    const { width, height } = element
    const { data } = element.getContext('2d').getImageData(0, 0, width, height)
    const rows = new Set()
    let pixels = 0
    for (let i = 0; i < data.length; i += 4) {
      const [r, g, b, a] = data.subarray(i, i + 4)
      if (a < 40 || Math.max(r, g, b) - Math.min(r, g, b) < 60) continue
      pixels++
      rows.add(Math.floor(i / 4 / width))
    }
    return { pixels, reach: rows.size / height }
  })
}

/** Notes all that is written on canvases from the next page on. @param {Page} page */
export function noteWriting(page) {
  return page.addInitScript(() => {
    const written = /** @type {Set<string>} */ (new Set())
    Object.assign(window, { written })
    const { fillText } = CanvasRenderingContext2D.prototype
    CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
      if (this.canvas.isConnected) written.add(text)
      fillText.call(this, text, ...place)
    }
  })
}

/** What has been written on canvases since the last time. @param {Page} page */
export function writing(page) {
  return page.evaluate(() => {
    const { written } = /** @type {any} */ (window)
    const texts = [...written]
    written.clear()
    return /** @type {string[]} */ (texts)
  })
}

/** The colours of a PNG, of which most pictures have many. @param {Page} page @param {Buffer} bytes */
export function pictureOf(page, bytes) {
  return page.evaluate(async (base64) => {
    const binary = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))
    const bitmap = await createImageBitmap(new Blob([binary], { type: 'image/png' }))
    const { width, height } = bitmap
    const context = new OffscreenCanvas(width, height).getContext('2d')
    context?.drawImage(bitmap, 0, 0)
    const pixels = new Uint32Array(context?.getImageData(0, 0, width, height).data.buffer ?? [])
    return { width, height, colours: new Set(pixels).size }
  }, bytes.toString('base64'))
}
