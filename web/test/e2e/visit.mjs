// What all tests in the browser share: a server, a browser, and an eye on what goes
// wrong in its pages.

import assert from 'node:assert/strict'
import { after } from 'node:test'
import { launch } from '../browser.mjs'
import { Server } from '../server.mjs'

/** How long anything may take to be seen, in ms. */
export const WITHIN = 10_000

/** @typedef {import('playwright-core').Page} Page */

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
