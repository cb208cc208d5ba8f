// What the browser tests have in common: a hub, a proxy before it, a browser, and pages
// in it whose streams are opened by name.

import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { build } from 'vite'
import { Server } from '../server.mjs'
import { HubProxy } from './proxy.mjs'

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {import('playwright-core').BrowserContext} BrowserContext */

const WITHIN = 30_000
/** Stands for an address of a LAN: not trustworthy, as far as browsers know. */
export const LAN = 'hub.lan'

/** Polls until the condition holds. @param {() => Promise<boolean> | boolean} condition @param {() => unknown} [otherwise] @param {number} [within] */
export async function until(condition, otherwise = () => condition.toString(), within = WITHIN) {
  const deadline = Date.now() + within
  while (!(await condition())) {
    if (Date.now() > deadline) assert.fail(`not within ${within} ms: ${await otherwise()}`)
    await new Promise((done) => setTimeout(done, 20))
  }
}

/** @param {number} to @param {number} [from] */
export const upTo = (to, from = 1) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

/** A page's script. @param {string} name @param {string} [mode] */
export async function bundle(name, mode = 'development') {
  const entry = fileURLToPath(new URL(name, import.meta.url))
  const built = await build({
    configFile: false,
    logLevel: 'error',
    mode,
    define: { 'process.env.NODE_ENV': JSON.stringify(mode) },
    build: { write: false, lib: { entry, formats: ['iife'], name: 'page' } },
  })
  const [{ output }] = /** @type {[{output: [{code: string}]}]} */ (/** @type {unknown} */ (built))
  return output[0].code
}

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    // The back/forward cache is part of what is tested.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      `--host-resolver-rules=MAP ${LAN} 127.0.0.1`,
    ],
  })
}

export class Lab {
  /** @type {HubProxy} */
  proxy
  /** @type {Server} */
  server
  /** @type {import('playwright-core').Browser | undefined} */
  browser
  #streams = 0
  /** @type {BrowserContext[]} */
  #contexts = []

  /** @param {HubProxy} proxy @param {Server} server @param {import('playwright-core').Browser} [browser] */
  constructor(proxy, server, browser) {
    this.proxy = proxy
    this.server = server
    this.browser = browser
    proxy.target = server.url
  }

  /** @param {{args?: string[], browser?: boolean, page?: string, mode?: 'production'}} [options] */
  static async start({ args = [], browser = true, page = 'page.tsx', mode } = {}) {
    const proxy = await HubProxy.start(await bundle(page, mode))
    const server = await Server.start({
      args: ['--sources', '{}', '--allowed-hosts', `[${LAN}]`, ...args],
    })
    return new Lab(proxy, server, browser ? await launch() : undefined)
  }

  async close() {
    await this.browser?.close()
    await this.proxy.close()
    await this.server.close()
  }

  /** Closes all tabs. */
  async reset() {
    for (const context of this.#contexts.splice(0)) await context.close()
    this.proxy.reset()
    await this.connected(0)
  }

  /** The name of a stream that no other test uses. */
  newStream() {
    return `test.s${++this.#streams}`
  }

  /** Publishes the numbers one by one. @param {string} stream @param {number} from @param {number} to */
  async publish(stream, from, to) {
    for (const n of upTo(to, from)) await this.server.publish(stream, n)
  }

  /** How many event streams the hub serves. */
  async subscribers() {
    const text = await (await fetch(`${this.server.admin}/metrics`)).text()
    return Number(/^streamgauge_subscribers (\d+)$/m.exec(text)?.[1])
  }

  /** The hub serves so many event streams. @param {number} n */
  async connected(n) {
    const { subscribers } = this
    await until(
      async () => (await this.subscribers()) === n,
      async () => `${n} connections: there are ${await subscribers.call(this)}`,
    )
  }

  /** A browser's window whose pages are tabs. @param {string[]} scripts */
  async context(...scripts) {
    assert.ok(this.browser)
    const context = await this.browser.newContext()
    this.#contexts.push(context)
    for (const content of scripts) await context.addInitScript({ content })
    return context
  }

  /** A new tab. @param {{context?: BrowserContext, host?: string}} [where] */
  async tab({ context, host = '127.0.0.1' } = {}) {
    const page = await (context ?? (await this.context())).newPage()
    await page.goto(`http://${host}:${this.proxy.port}/page`)
    return page
  }
}

/** Where the events of a stream are. @param {string} stream @param {string} [query] */
export const at = (stream, query) => `/v1/streams/${stream}/events${query ? `?${query}` : ''}`

/** What a stream of the page has seen. @param {Page} page @param {string} name */
export function seen(page, name) {
  return page.evaluate((name) => window.lab.note(name), name)
}

/** @param {Page | Page[]} pages @param {string} name @param {string} [status] */
export async function hasStatus(pages, name, status = 'live') {
  for (const page of [pages].flat()) {
    await until(
      async () => (await seen(page, name)).status === status,
      async () => `${name} is ${status}: ${JSON.stringify(await seen(page, name))}`,
    )
  }
}

/** The stream has brought these numbers, each once and in order.
 * @param {Page | Page[]} pages @param {string} name @param {number} to @param {number} [from] */
export async function has(pages, name, to, from = 1) {
  for (const page of [pages].flat()) {
    await until(
      async () => (await seen(page, name)).numbers.at(-1) === to,
      async () => `${name} has come to ${to}: ${JSON.stringify(await seen(page, name))}`,
    )
    assert.deepEqual((await seen(page, name)).numbers, upTo(to, from))
  }
}
