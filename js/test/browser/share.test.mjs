// Tabs that share one connection, in a real browser against the real server. Run it
// with: node --test test/browser/share.test.mjs (STREAMGAUGE names the binary; default: go build)

import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { build } from 'vite'

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {import('playwright-core').BrowserContext} BrowserContext */

const TABS = 8
const EVENTS = 200
const WITHIN = 15_000
const WANT = { streams: ['n'], views: [], since: 600_000 }
/** Stands for an address of a LAN: not trustworthy, as far as browsers know. */
const LAN = 'hub.lan'

const folder = mkdtempSync(join(tmpdir(), 'share-'))
/** @type {import('node:child_process').ChildProcess | undefined} */
let server
/** @type {import('playwright-core').Browser} */
let browser
let script = ''
let port = 0
let admin = 0
let binary = process.env.STREAMGAUGE ?? ''
/** @type {BrowserContext[]} */
const contexts = []

async function freePort() {
  const probe = createServer()
  await new Promise((done) => probe.listen(0, '127.0.0.1', () => done(undefined)))
  const address = /** @type {import('node:net').AddressInfo} */ (probe.address())
  await new Promise((done) => probe.close(done))
  return address.port
}

/** Polls until the condition holds. @param {() => Promise<boolean> | boolean} condition @param {() => unknown} [otherwise] */
async function until(condition, otherwise = () => condition.toString()) {
  const deadline = Date.now() + WITHIN
  while (!(await condition())) {
    if (Date.now() > deadline) assert.fail(`not within ${WITHIN} ms: ${await otherwise()}`)
    await new Promise((done) => setTimeout(done, 20))
  }
}

async function startServer() {
  const local = (/** @type {number} */ p) => `127.0.0.1:${p}`
  const args = ['serve', '--listen', local(port), '--admin', local(admin), '--log', 'memory']
  args.push('--sources', '{}', '--heartbeat', '1s', '--allowed-hosts', `[${LAN}]`)
  server = spawn(binary, args, { cwd: folder })
  await until(
    async () => (await fetch(`http://${local(admin)}/readyz`).catch(() => null))?.ok ?? false,
  )
}

async function stopServer() {
  const ended = new Promise((done) => server?.once('exit', done))
  server?.kill('SIGKILL')
  await ended
}

before(async () => {
  if (binary === '') {
    binary = join(folder, 'streamgauge')
    const root = fileURLToPath(new URL('../../..', import.meta.url))
    execFileSync('go', ['build', '-o', binary, './cmd/streamgauge'], { cwd: root })
  }
  const built = await build({
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      lib: {
        entry: fileURLToPath(new URL('sharePage.ts', import.meta.url)),
        formats: ['iife'],
        name: 'page',
      },
    },
  })
  const [{ output }] = /** @type {[{output: [{code: string}]}]} */ (/** @type {unknown} */ (built))
  script = output[0].code
  port = await freePort()
  admin = await freePort()
  await startServer()
  browser = await chromium.launch({
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
})

after(async () => {
  await browser?.close()
  await stopServer()
  rmSync(folder, { recursive: true, force: true })
})

afterEach(async () => {
  for (const context of contexts.splice(0)) await context.close()
  await until(async () => (await subscribers()) === 0)
  await fetch(`http://127.0.0.1:${port}/v1/streams/n`, { method: 'DELETE' })
})

/** How many event streams the server serves. */
async function subscribers() {
  const text = await (await fetch(`http://127.0.0.1:${admin}/metrics`)).text()
  return Number(/^streamgauge_subscribers (\d+)$/m.exec(text)?.[1])
}

/** Publishes the numbers one by one. @param {number} from @param {number} to */
async function publish(from, to) {
  for (let n = from; n <= to; n++) {
    const headers = { 'Content-Type': 'application/json' }
    const body = String(n)
    const url = `http://127.0.0.1:${port}/v1/streams/n/events`
    const response = await fetch(url, { method: 'POST', headers, body })
    assert.equal(response.ok, true, `publishing answered ${response.status}`)
  }
}

/** @param {number} to @param {number} [from] */
const upTo = (to, from = 1) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

/** A browser's window whose pages are tabs. @param {string[]} scripts */
async function newContext(...scripts) {
  const context = await browser.newContext()
  contexts.push(context)
  for (const content of scripts) await context.addInitScript({ content })
  await context.addInitScript({ content: script })
  return context
}

/** Opens a tab of the hub's origin. Which page is all the same: the script is ours.
 * @param {BrowserContext} context @param {string} host */
async function open(context, host) {
  const page = await context.newPage()
  await page.goto(`http://${host}:${port}/v1/openapi.json`)
  await page.evaluate((want) => window.share.start(want), WANT)
  return page
}

/** Opens eight tabs at once, and finds the one that holds the connection.
 * @param {BrowserContext} context @param {string} host */
async function openAll(context, host) {
  const pages = await Promise.all(upTo(TABS).map(() => open(context, host)))
  await every(pages, (page) => page.evaluate(() => window.share.types.includes('hub.hello')))
  return { pages, ...(await leaderOf(pages)) }
}

/** @param {Page[]} pages */
async function leaderOf(pages) {
  /** @type {Page[]} */
  let leaders = []
  const connected = (/** @type {Page} */ page) => page.evaluate(() => window.share.connections.size)
  await until(async () => {
    const counts = await Promise.all(pages.map(connected))
    leaders = pages.filter((_, i) => counts[i] !== 0)
    return leaders.length === 1 && (await subscribers()) === 1
  })
  const [leader] = leaders
  assert.ok(leader)
  return { leader, others: pages.filter((page) => page !== leader) }
}

/** @param {Page[]} pages @param {(page: Page) => Promise<boolean>} condition */
async function every(pages, condition) {
  await until(async () => (await Promise.all(pages.map(condition))).every(Boolean))
}

/** Every tab has got the numbers up to n, each once and in order.
 * @param {Page[]} pages @param {number} n */
async function have(pages, n) {
  const numbers = () => Promise.all(pages.map((page) => page.evaluate(() => window.share.numbers)))
  await until(
    async () => (await numbers()).every((got) => got.at(-1) === n),
    async () => `the last numbers are ${(await numbers()).map((got) => got.at(-1))}`,
  )
  for (const got of await numbers()) assert.deepEqual(got, upTo(n))
}

/** @param {Page} page */
async function crash(page) {
  const session = await page.context().newCDPSession(page)
  const crashed = new Promise((done) => page.once('crash', done))
  session.send('Page.crash').catch(() => {}) // nobody is left to answer
  await crashed
}

const WITHOUT_LOCKS = 'delete Navigator.prototype.locks'
/** A page that counts as hidden, and whose timers run once a minute, from the moment on
 * that the test asks for it. */
const HIDEABLE = `window.hide = () => {
  Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' })
  document.dispatchEvent(new Event('visibilitychange'))
  const setTimer = window.setTimeout
  window.setTimeout = (run, ms, ...rest) => setTimer(run, Math.max(ms ?? 0, 60_000), ...rest)
}`

for (const { where, host, locks, scripts } of [
  { where: 'with Web Locks', host: '127.0.0.1', locks: true, scripts: [] },
  { where: 'without Web Locks', host: '127.0.0.1', locks: false, scripts: [WITHOUT_LOCKS] },
  { where: 'on plain http in a LAN', host: LAN, locks: false, scripts: [] },
]) {
  describe(`eight tabs ${where}`, () => {
    test('have one connection, and every event reaches each of them once', async () => {
      const context = await newContext(...scripts)
      await publish(1, 20)
      const { pages, leader } = await openAll(context, host)
      const has = await leader.evaluate(() => navigator.locks !== undefined)
      assert.equal(has, locks, 'whether the page has Web Locks')
      await publish(21, EVENTS)
      await have(pages, EVENTS)
      assert.equal(await subscribers(), 1)
      // HTTP/1.1 has room for other requests, then.
      const status = () => fetch('/v1/streams').then((r) => r.status)
      assert.equal(await pages[0]?.evaluate(status), 200)
    })

    test('lose nothing when the tab that has the connection is closed', async () => {
      const { leader, others } = await openAll(await newContext(...scripts), host)
      await publish(1, EVENTS / 2)
      const publishing = publish(EVENTS / 2 + 1, EVENTS)
      await leader.close()
      await publishing
      await have(others, EVENTS)
      await leaderOf(others)
    })

    test('lose nothing when the tab that has the connection crashes', async () => {
      const { leader, others } = await openAll(await newContext(...scripts), host)
      await publish(1, EVENTS / 2)
      const publishing = publish(EVENTS / 2 + 1, EVENTS)
      const at = Date.now()
      await crash(leader)
      await publishing
      await have(others, EVENTS)
      console.log(`${where}: whole again ${Date.now() - at} ms after the crash`)
      await leaderOf(others)
    })

    test('hear at once what a hidden tab passes on', async () => {
      const { pages, leader, others } = await openAll(await newContext(HIDEABLE, ...scripts), host)
      await leader.evaluate(() => /** @type {any} */ (window).hide())
      const delays = []
      for (const n of upTo(20)) {
        const at = Date.now()
        await publish(3 * n - 2, 3 * n)
        await have(others, 3 * n)
        delays.push(Date.now() - at)
      }
      delays.sort((a, b) => a - b)
      console.log(`${where}: hidden, to all others: p50 ${delays[10]} ms, max ${delays[19]} ms`)
      assert.ok((delays[19] ?? 0) < 1000, `it took ${delays} ms`)
      await have(pages, 60)
    })

    test('rest in the back/forward cache and come back', async () => {
      const { pages, leader, others } = await openAll(await newContext(...scripts), host)
      await publish(1, 10)
      await have(pages, 10)
      await leader.goto(`http://${host}:${admin}/healthz`)
      await publish(11, 20)
      await have(others, 20)
      await leader.goBack({ waitUntil: 'commit' })
      const kept = await leader.evaluate(() => window.share.numbers.length >= 10)
      assert.ok(kept, 'the page was not in the back/forward cache')
      await publish(21, 30)
      await have(pages, 30)
    })
  })
}

test('tabs follow a server that was restarted with an empty log', async () => {
  const { pages } = await openAll(await newContext(), '127.0.0.1')
  await publish(1, 10)
  await have(pages, 10)
  await stopServer()
  await startServer()
  await every(pages, (page) => page.evaluate(() => window.share.types.includes('hub.gap')))
  await publish(11, 20)
  await have(pages, 20)
  await leaderOf(pages)
})
