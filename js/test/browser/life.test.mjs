// What the life of a page means to its streams: put away, hidden, offline, loaded again.
// Run it with: node --test test/browser/life.test.mjs (STREAMGAUGE names the binary)

import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { openWindow } from './hidden.mjs'
import { at, has, hasStatus, Lab, seen, until, upTo } from './lab.mjs'

/** @typedef {import('playwright-core').Page} Page */

/** @type {Lab} */
let lab

before(async () => {
  lab = await Lab.start()
})

after(() => lab.close())

afterEach(() => lab.reset())

/** The ways to open a stream, by name. @type {Record<string, (page: Page, stream: string) => Promise<void>>} */
const ways = {
  openEventStream: (page, stream) =>
    page.evaluate(([n, url]) => window.lab.open(n, url), names(stream)),
  'openEventStream, for all tabs': (page, stream) =>
    page.evaluate(([n, url]) => window.lab.open(n, url, { share: 'browser' }), names(stream)),
  'the transport eventsource': (page, stream) =>
    page.evaluate(
      ([n, url]) => window.lab.open(n, url, { transport: 'eventsource' }),
      names(stream),
    ),
  useEventStream: (page, stream) =>
    page.evaluate(([name, url]) => window.lab.show([{ name, url }]), names(stream)),
  LiveConnection: (page, stream) =>
    page.evaluate((n) => window.lab.live('/v1/events', [n]), stream),
  createLive: (page, stream) =>
    page.evaluate((n) => window.lab.showLive('/v1/events', [n]), stream),
  'createLive, for all tabs': (page, stream) =>
    page.evaluate((n) => window.lab.showLive('/v1/events', [n], { share: 'browser' }), stream),
}

/** @param {string} stream @returns {[string, string]} */
const names = (stream) => [stream, at(stream)]

describe('a page in the back/forward cache', () => {
  for (const [way, open] of Object.entries(ways)) {
    test(`has no connection meanwhile, and misses nothing: ${way}`, async () => {
      const stream = lab.newStream()
      const page = await lab.tab()
      await open(page, stream)
      await hasStatus(page, stream)
      await lab.connected(1)
      await lab.publish(stream, 1, 10)
      await has(page, stream, 10)
      await page.goto(`${lab.proxy.url}/away`)
      await lab.connected(0)
      await lab.publish(stream, 11, 20)
      await page.goBack({ waitUntil: 'commit' })
      // What it has had it still has: it is the same page.
      assert.equal((await seen(page, stream)).numbers[0], 1, 'it was not in the cache')
      await has(page, stream, 20)
      await lab.publish(stream, 21, 30)
      await has(page, stream, 30)
      await lab.connected(1)
    })
  }
})

describe('a page without a network', () => {
  test('keeps its connection as long as that brings something', async () => {
    const stream = lab.newStream()
    const page = await lab.tab()
    await ways.useEventStream?.(page, stream)
    await hasStatus(page, stream)
    await page.context().setOffline(true)
    await page.waitForFunction(() => !navigator.onLine)
    await lab.publish(stream, 1, 10)
    await has(page, stream, 10)
    await page.context().setOffline(false)
    await page.waitForFunction(() => navigator.onLine)
    await lab.publish(stream, 11, 20)
    await has(page, stream, 20)
    assert.equal(lab.proxy.requests.length, 1)
  })

  for (const way of ['openEventStream', 'LiveConnection']) {
    test(`tries again at once when it is back: ${way}`, async () => {
      const stream = lab.newStream()
      const page = await lab.tab()
      await ways[way]?.(page, stream)
      await hasStatus(page, stream)
      await lab.publish(stream, 1, 10)
      await has(page, stream, 10)
      lab.proxy.answer = 503
      lab.proxy.answerHeaders = { 'retry-after': '3600' }
      lab.proxy.cut()
      await until(async () => (await seen(page, stream)).retryIn > 1_800_000)
      await page.context().setOffline(true)
      await page.waitForFunction(() => !navigator.onLine)
      await lab.publish(stream, 11, 20)
      lab.proxy.answer = 'pass'
      await page.context().setOffline(false)
      await has(page, stream, 20)
      await hasStatus(page, stream)
    })
  }

  test('goes on when it was cut off, and the network is back', async () => {
    const stream = lab.newStream()
    const page = await lab.tab()
    await ways.useEventStream?.(page, stream)
    await hasStatus(page, stream)
    await lab.publish(stream, 1, 10)
    await has(page, stream, 10)
    await page.context().setOffline(true)
    lab.proxy.cut()
    await until(async () => (await seen(page, stream)).errors.includes('connect'))
    await lab.publish(stream, 11, 20)
    await page.context().setOffline(false)
    await has(page, stream, 20)
  })
})

describe('a page at which nobody looks', () => {
  for (const { what, options } of [
    { what: 'its own', options: { pauseWhenHidden: 300 } },
    { what: 'shared with other tabs', options: { pauseWhenHidden: 300, share: 'browser' } },
  ]) {
    test(`closes a connection that is ${what} if it is to, and misses nothing`, async () => {
      const stream = lab.newStream()
      const browserWindow = await openWindow(lab.browser)
      const tab = await browserWindow.open(`${lab.proxy.url}/page`)
      /** @returns {Promise<string>} */
      const status = () => tab.evaluate('lab.seen.s.status')
      const numbers = async () => (await tab.evaluate('lab.seen.s.numbers')) ?? []
      await until(async () => await tab.evaluate('typeof lab === "object"'))
      const args = JSON.stringify(['s', at(stream), options])
      await tab.evaluate(`lab.open(...${args})`)
      await until(async () => (await status()) === 'live')
      await lab.publish(stream, 1, 10)
      await until(async () => (await numbers()).length === 10)
      await browserWindow.open('about:blank')
      await until(async () => (await status()) === 'paused')
      assert.equal(await tab.evaluate('document.visibilityState'), 'hidden')
      await lab.connected(0)
      await lab.publish(stream, 11, 20)
      await tab.bringToFront()
      await until(async () => (await numbers()).at(-1) === 20)
      await lab.publish(stream, 21, 30)
      await until(async () => (await numbers()).at(-1) === 30)
      assert.deepEqual(await numbers(), upTo(30))
      await browserWindow.close()
    })
  }

  test('does not come to lead other tabs when the network is back', async () => {
    const stream = lab.newStream()
    const browserWindow = await openWindow(lab.browser)
    const args = JSON.stringify(['s', at(stream), { pauseWhenHidden: 300, share: 'browser' }])
    const open = async () => {
      const tab = await browserWindow.open(`${lab.proxy.url}/page`)
      await until(async () => await tab.evaluate('typeof lab === "object"'))
      await tab.evaluate(`lab.open(...${args})`)
      await until(async () => (await tab.evaluate('lab.seen.s.status')) === 'live')
      return tab
    }
    const sleeper = await open()
    const other = await open()
    await until(async () => (await sleeper.evaluate('lab.seen.s.status')) === 'paused')
    const locks = async () =>
      JSON.parse(
        await other.evaluate(
          'navigator.locks.query().then(({ held, pending }) => JSON.stringify({ held, pending }))',
        ),
      )
    await until(async () => (await locks()).held.length === 1)
    await sleeper.evaluate('dispatchEvent(new Event("online"))')
    const { held, pending } = await locks()
    assert.deepEqual([held.length, pending.length], [1, 0])
    assert.equal(await sleeper.evaluate('lab.seen.s.status'), 'paused')
    await lab.publish(stream, 1, 10)
    await until(async () => (await other.evaluate('lab.seen.s.numbers')).at(-1) === 10)
    await browserWindow.close()
  })

  test('keeps its connection and hears everything otherwise', async () => {
    const stream = lab.newStream()
    const browserWindow = await openWindow(lab.browser)
    const tab = await browserWindow.open(`${lab.proxy.url}/page`)
    const numbers = async () => (await tab.evaluate('lab.seen.c?.numbers')) ?? []
    await until(async () => await tab.evaluate('typeof lab === "object"'))
    await tab.evaluate(`lab.show([{ name: 'c', url: ${JSON.stringify(at(stream))} }])`)
    await until(async () => (await tab.evaluate('lab.seen.c?.status')) === 'live')
    await browserWindow.open('about:blank')
    await until(async () => (await tab.evaluate('document.visibilityState')) === 'hidden')
    // Frames stand still; what is shown does not.
    await lab.publish(stream, 1, 10)
    await until(async () => (await numbers()).at(-1) === 10)
    assert.deepEqual(await numbers(), upTo(10))
    assert.equal(lab.proxy.requests.length, 1)
    await browserWindow.close()
  })
})

describe('a page that is loaded again', () => {
  for (const transport of /** @type {const} */ (['fetch', 'eventsource'])) {
    test(`continues where it was if it is to, by ${transport}`, async () => {
      const stream = lab.newStream()
      const page = await lab.tab()
      const args = /** @type {const} */ ([stream, at(stream), { persist: true, transport }])
      const open = () => page.evaluate((args) => window.lab.open(...args), args)
      await open()
      await hasStatus(page, stream)
      await lab.publish(stream, 1, 10)
      await has(page, stream, 10)
      await page.goto(`${lab.proxy.url}/away`)
      await lab.publish(stream, 11, 20)
      await page.goto(`${lab.proxy.url}/page`)
      await open()
      await has(page, stream, 20, 11)
      await lab.publish(stream, 21, 30)
      await has(page, stream, 30, 11)
      await page.reload()
      await lab.publish(stream, 31, 40)
      await open()
      await has(page, stream, 40, 31)
    })
  }

  test('begins anew otherwise', async () => {
    const stream = lab.newStream()
    const page = await lab.tab()
    await ways.openEventStream?.(page, stream)
    await hasStatus(page, stream)
    await lab.publish(stream, 1, 10)
    await has(page, stream, 10)
    await page.reload()
    await lab.publish(stream, 11, 20)
    await ways.openEventStream?.(page, stream)
    await hasStatus(page, stream)
    await lab.publish(stream, 21, 30)
    await has(page, stream, 30, 21)
  })
})
