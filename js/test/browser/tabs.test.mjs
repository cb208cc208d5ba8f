// Tabs that follow one stream on one connection. Run it with:
// node --test test/browser/tabs.test.mjs (STREAMGAUGE names the binary; default: go build)

import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { at, has, hasStatus, LAN, Lab, seen, until, upTo } from './lab.mjs'

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {import('playwright-core').BrowserContext} BrowserContext */
/** @typedef {(page: Page, url: string) => Promise<void>} Open */

const TABS = 8

/** @type {Lab} */
let lab

before(async () => {
  lab = await Lab.start()
})

after(() => lab.close())

afterEach(() => lab.reset())

/** @type {Open} */
const openStream = (page, url) =>
  page.evaluate((url) => window.lab.open('s', url, { share: 'browser' }), url)

/** @type {Open} */
const useHook = (page, url) =>
  page.evaluate((url) => {
    window.lab.show([{ name: 's', url, options: { share: 'browser' } }])
  }, url)

/** Opens eight tabs at once. @param {Open} open @param {string} url @param {string} [host] */
async function openAll(open, url, host = '127.0.0.1') {
  const context = await lab.context()
  const pages = await Promise.all(
    upTo(TABS).map(async () => {
      const page = await lab.tab({ context, host })
      await open(page, url)
      return page
    }),
  )
  await hasStatus(pages, 's')
  return { context, pages, ...(await leaderOf(pages)) }
}

/** Finds the tab that has the connection, once it is the only one. @param {Page[]} pages */
async function leaderOf(pages) {
  /** @type {number[]} */
  let counts = []
  const connections = (/** @type {Page} */ page) => page.evaluate(() => window.lab.connections)
  await until(
    async () => {
      counts = await Promise.all(pages.map(connections))
      return counts.reduce((a, b) => a + b) === 1 && (await lab.subscribers()) === 1
    },
    () => `the tabs have ${counts} connections`,
  )
  const leader = pages[counts.indexOf(1)]
  assert.ok(leader)
  return { leader, others: pages.filter((page) => page !== leader) }
}

/** @param {Page} page */
async function crash(page) {
  const session = await page.context().newCDPSession(page)
  const crashed = new Promise((done) => page.once('crash', done))
  session.send('Page.crash').catch(() => {}) // nobody is left to answer
  await crashed
}

for (const { where, host, open, locks } of [
  { where: 'with openEventStream', host: '127.0.0.1', open: openStream, locks: true },
  { where: 'with useEventStream', host: '127.0.0.1', open: useHook, locks: true },
  { where: 'on plain http in a LAN', host: LAN, open: openStream, locks: false },
]) {
  describe(`eight tabs ${where}`, () => {
    test('have one connection, and every event reaches each of them once', async () => {
      const stream = lab.newStream()
      const { pages, leader } = await openAll(open, at(stream), host)
      assert.equal(await leader.evaluate(() => navigator.locks !== undefined), locks)
      await lab.publish(stream, 1, 200)
      await has(pages, 's', 200)
      await leaderOf(pages)
      // HTTP/1.1 has room for other requests, then.
      const status = () => fetch('/v1/streams').then((r) => r.status)
      assert.equal(await pages[0]?.evaluate(status), 200)
    })

    for (const { how, end } of [
      { how: 'is closed', end: (/** @type {Page} */ page) => page.close() },
      { how: 'crashes', end: crash },
    ]) {
      test(`lose and repeat nothing when the tab that has the connection ${how}`, async () => {
        const stream = lab.newStream()
        const { leader, others } = await openAll(open, at(stream), host)
        await lab.publish(stream, 1, 100)
        await has(others, 's', 100)
        const publishing = lab.publish(stream, 101, 200)
        const ended = Date.now()
        await end(leader)
        await publishing
        await has(others, 's', 200)
        console.log(`${where}: whole ${Date.now() - ended} ms after the leader ${how}`)
        await lab.publish(stream, 201, 210)
        await has(others, 's', 210)
        await leaderOf(others)
      })
    }

    test('lose and repeat nothing when the connection is cut, or answered with a 503', async () => {
      const stream = lab.newStream()
      const { pages } = await openAll(open, at(stream), host)
      await lab.publish(stream, 1, 50)
      lab.proxy.answer = 503
      lab.proxy.cut()
      await until(() => lab.proxy.refused >= 1)
      for (const page of pages) {
        await until(async () => (await seen(page, 's')).errors.includes('http 503'))
      }
      await lab.publish(stream, 51, 100)
      lab.proxy.answer = 'pass'
      await has(pages, 's', 100)
      await hasStatus(pages, 's')
      await leaderOf(pages)
    })

    test('lose and repeat nothing when the hub is restarted', async () => {
      const stream = lab.newStream()
      const { pages } = await openAll(open, at(stream), host)
      await lab.publish(stream, 1, 50)
      await lab.server.stop('SIGKILL')
      await lab.server.run()
      await lab.publish(stream, 51, 100)
      await has(pages, 's', 100)
      await leaderOf(pages)
    })

    test('and one that comes late gets the history that it asks for, and no more', async () => {
      const stream = lab.newStream()
      await lab.publish(stream, 1, 20)
      const { context, pages } = await openAll(open, at(stream, 'last=5'), host)
      await has(pages, 's', 20, 16)
      await lab.publish(stream, 21, 40)
      await has(pages, 's', 40, 16)
      const late = await lab.tab({ context, host })
      await open(late, at(stream, 'last=5'))
      await has(late, 's', 40, 36)
      await leaderOf([...pages, late])
      await lab.publish(stream, 41, 60)
      await has(late, 's', 60, 36)
      await has(pages, 's', 60, 16)
    })

    test('and one that comes while events do has all of them from its first', async () => {
      const stream = lab.newStream()
      const { context, pages } = await openAll(open, at(stream, 'last=5'), host)
      const publishing = lab.publish(stream, 1, 300)
      const late = await lab.tab({ context, host })
      await open(late, at(stream, 'last=5'))
      await publishing
      await has(pages, 's', 300)
      await until(async () => (await seen(late, 's')).numbers.at(-1) === 300)
      const [first] = (await seen(late, 's')).numbers
      assert.deepEqual((await seen(late, 's')).numbers, upTo(300, first))
      await leaderOf([...pages, late])
    })
  })
}

test('tabs that open at once have one connection soon, also while nothing happens', async () => {
  const context = await lab.context()
  const pages = await Promise.all(upTo(2).map(() => lab.tab({ context })))
  const url = at(lab.newStream())
  // Who hears nothing asks after 5 s, which is too late for a browser's six connections.
  // The tabs' own time passes only here, so that it does not matter how busy we are.
  for (const page of pages) {
    await page.clock.install()
    await page.clock.pauseAt(Date.now() + 1000)
  }
  await Promise.all(pages.map((page) => openStream(page, url)))
  await hasStatus(pages, 's')
  let passed = 0
  const one = async () => {
    if (passed < 1500) await Promise.all(pages.map((page) => page.clock.runFor(5)))
    passed += 5
    return (await lab.subscribers()) === 1
  }
  await until(one, () => 'there is one connection')
})

describe('three tabs with createLive', () => {
  /** @param {string[]} streams @param {string} host */
  async function openThree(streams, host) {
    const context = await lab.context()
    const pages = await Promise.all(
      upTo(3).map(async (n) => {
        const page = await lab.tab({ context, host })
        // Each wants one that no other wants, and one that all want.
        const names = [streams[n], streams[0]].map(String)
        await page.evaluate(
          (names) => window.lab.showLive('/v1/events', names, { share: 'browser' }),
          names,
        )
        return page
      }),
    )
    // That the connection is live is not enough: it may be that of another tab yet.
    for (const page of pages) await until(() => page.evaluate(() => window.lab.begun))
    return pages
  }

  /** @param {Page[]} pages @param {number} to */
  async function haveTheirs(pages, to) {
    for (const page of pages) {
      const names = await page.evaluate(() => Object.keys(window.lab.seen))
      assert.equal(names.length, 2)
      for (const name of names) await has(page, name, to)
    }
  }

  for (const { where, host } of [
    { where: 'with Web Locks', host: '127.0.0.1' },
    { where: 'on plain http in a LAN', host: LAN },
  ]) {
    test(`have one connection for different streams ${where}`, async () => {
      const streams = upTo(4).map(() => lab.newStream())
      const pages = await openThree(streams, host)
      const { leader, others } = await leaderOf(pages)
      for (const stream of streams) await lab.publish(stream, 1, 20)
      await haveTheirs(pages, 20)
      await leaderOf(pages)
      const publishing = Promise.all(streams.map((stream) => lab.publish(stream, 21, 60)))
      await crash(leader)
      await publishing
      await haveTheirs(others, 60)
      await leaderOf(others)
    })
  }
})
