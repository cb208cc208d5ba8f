// The page of examples/vanilla, in a real browser against the real server. Run it with:
// node --test test/browser/vanilla.test.mjs (STREAMGAUGE names the binary; default: go build)

import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createHTTPServer } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

/** @typedef {import('playwright-core').Page} Page */

const WITHIN = 20_000
const KEEP = 3
const html = readFileSync(new URL('../../../examples/vanilla/index.html', import.meta.url))

let binary = process.env.STREAMGAUGE ?? ''
let folder = ''
const built = mkdtempSync(join(tmpdir(), 'vanilla-'))
/** @type {import('node:child_process').ChildProcess | undefined} */
let hub
/** @type {import('playwright-core').Browser} */
let browser
/** @type {Page} */
let page
const files = createHTTPServer((_, res) => {
  res.writeHead(200, { 'Content-Type': 'text/html' }).end(html)
})
let origin = ''
let ports = [0, 0]

/** @param {import('node:net').Server} server */
async function listen(server) {
  await new Promise((done) => server.listen(0, '127.0.0.1', () => done(undefined)))
  const address = /** @type {import('node:net').AddressInfo} */ (server.address())
  return address.port
}

async function freePort() {
  const probe = createServer()
  const port = await listen(probe)
  await new Promise((done) => probe.close(done))
  return port
}

/** Polls until the condition holds. @param {() => Promise<boolean> | boolean} condition @param {number} [within] */
async function until(condition, within = WITHIN) {
  const deadline = Date.now() + within
  while (!(await condition())) {
    if (Date.now() > deadline) assert.fail(`not within ${within} ms: ${condition}`)
    await new Promise((done) => setTimeout(done, 20))
  }
}

const url = () => `http://127.0.0.1:${ports[0]}`

/** Starts the hub at the address that it had before. @param {{log?: 'file' | 'memory', origins?: string[]}} [options] */
async function startHub({ log = 'file', origins = [origin] } = {}) {
  const settings = {
    listen: `127.0.0.1:${ports[0]}`,
    admin: `127.0.0.1:${ports[1]}`,
    data: folder,
    log,
    heartbeat: '1s',
    sources: '{host: {every: 500ms}}',
    streams: `[{match: "logs.few", keep: {events: ${KEEP}}}, {match: ">", keep: {events: 1000}}]`,
    'cors.origins': JSON.stringify(origins),
  }
  const args = Object.entries(settings).flatMap(([key, value]) => [`--${key}`, value])
  hub = spawn(binary, args, { cwd: folder, stdio: 'ignore' })
  const ready = `http://127.0.0.1:${ports[1]}/readyz`
  await until(async () => (await fetch(ready).catch(() => null))?.ok ?? false)
}

async function killHub() {
  const ended = new Promise((done) => hub?.once('exit', done))
  hub?.kill('SIGKILL')
  await ended
}

/** @param {string} stream @param {unknown} data */
async function publish(stream, data) {
  const headers = { 'Content-Type': 'application/json' }
  const address = `${url()}/v1/streams/${stream}/events`
  const response = await fetch(address, { method: 'POST', headers, body: JSON.stringify(data) })
  assert.equal(response.ok, true, await response.text())
}

const state = () => page.locator('#state').textContent()
const live = async () => (await state()) === 'live'
/** The texts of the log's lines of a stream. @param {string} from */
const lines = (from) => page.locator('li', { hasText: from }).locator('.text').allTextContents()
/** A card's sparkline. @param {string} stream */
const sparkline = (stream) => page.locator(`[data-stream="${stream}"] .line`).getAttribute('d')

before(async () => {
  if (binary === '') {
    binary = join(built, 'streamgauge')
    const cwd = fileURLToPath(new URL('../../..', import.meta.url))
    execFileSync('go', ['build', '-o', binary, './cmd/streamgauge'], { cwd })
  }
  origin = `http://127.0.0.1:${await listen(files)}`
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run'],
  })
})

after(async () => {
  await browser?.close()
  files.closeAllConnections()
  files.close()
  rmSync(built, { recursive: true, force: true })
})

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vanilla-hub-'))
  ports = [await freePort(), await freePort()]
  page = await browser.newPage({ viewport: { width: 1120, height: 700 } })
})

afterEach(async () => {
  await page.close()
  await killHub()
  rmSync(folder, { recursive: true, force: true })
})

async function open() {
  /** @type {string[]} */
  const faults = []
  page.on('pageerror', (error) => faults.push(String(error)))
  await page.goto(`${origin}/?hub=${url()}`)
  return faults
}

describe('a page with nothing but EventSource', () => {
  test('moves within 5 s', async () => {
    await startHub()
    const began = Date.now()
    const faults = await open()
    const left = () => 5000 - (Date.now() - began)
    await until(live, left())
    for (const stream of ['host.cpu', 'host.memory']) {
      await until(async () => /^M.*L/.test((await sparkline(stream)) ?? ''), left())
      const before = await sparkline(stream)
      await until(async () => (await sparkline(stream)) !== before, left())
    }
    await publish('site.visitors', { visitors: 523 })
    const own = page.locator('[data-stream="site.visitors"] p')
    await until(async () => (await own.textContent()) === '523 visitors')
    await publish('logs.web', { severity: 'WARN', body: '<b>slow</b>', attributes: { ms: 912 } })
    await until(async () => (await lines('logs.web')).includes('<b>slow</b> ms=912'))
    assert.equal(await page.locator('#log b').count(), 0)
    assert.deepEqual(faults, [])
  })

  test('does not shift while it fills', async () => {
    await startHub()
    await page.addInitScript(() => {
      const all = /** @type {any} */ (window)
      all.shifts = []
      new PerformanceObserver((list) => {
        for (const entry of /** @type {any[]} */ (list.getEntries())) {
          const where = entry.sources.map((/** @type {any} */ s) => s.node?.textContent)
          all.shifts.push({ value: entry.value, where })
        }
      }).observe({ type: 'layout-shift', buffered: true })
    })
    await open()
    for (let n = 1; n <= 60; n++) await publish('logs.web', n)
    await publish('site.visitors', 123_456)
    await until(async () => (await lines('logs.web')).length === 60)
    await until(async () => /^M.*L.*L/.test((await sparkline('host.cpu')) ?? ''))
    const shifts = await page.evaluate(() => /** @type {any} */ (window).shifts)
    assert.deepEqual(shifts, [])
  })

  test('survives that the hub is killed, and shows each line once', async () => {
    await startHub()
    await open()
    for (let n = 1; n <= 20; n++) await publish('logs.web', n)
    await until(async () => (await lines('logs.web')).length === 20)
    await killHub()
    await until(async () => (await state()) === 'reconnecting')
    await startHub()
    for (let n = 21; n <= 40; n++) await publish('logs.web', n)
    await until(async () => (await lines('logs.web')).length >= 40)
    await until(live)
    assert.deepEqual(
      await lines('logs.web'),
      Array.from({ length: 40 }, (_, i) => String(i + 1)),
    )
    assert.equal(await page.locator('li.gap').count(), 0)
  })

  test('comes back from an answer that ends an EventSource, and shows what it missed', async () => {
    await startHub()
    await open()
    await publish('logs.few', 0)
    await until(async () => (await lines('logs.few')).length === 1)
    /** @type {string[]} */
    const asked = []
    let refused = 0
    let refuse = true
    await page.route('**/v1/events?*', (route) => {
      asked.push(route.request().url())
      if (!refuse) return route.continue()
      refused++
      return route.fulfill({ status: 503, headers: { 'Access-Control-Allow-Origin': origin } })
    })
    await killHub()
    await startHub()
    await until(() => refused >= 2)
    for (let n = 1; n <= 10; n++) await publish('logs.few', n)
    refuse = false
    await until(live)
    await until(async () => (await lines('logs.few')).length >= 1 + 1 + KEEP)
    const lost = 10 - KEEP
    assert.deepEqual(await lines('logs.few'), [
      '0',
      `evicted: ${lost} events lost`,
      ...Array.from({ length: KEEP }, (_, i) => String(lost + i + 1)),
    ])
    assert.match(asked.at(-1) ?? '', /[?&]last-event-id=\w+-\d+/)
    assert.equal(await page.locator('#counts span').nth(1).textContent(), `${lost} lost in gaps`)
  })

  test('begins anew when the log is another one', async () => {
    await startHub({ log: 'memory' })
    await open()
    await until(live)
    await publish('site.visitors', 1)
    const own = page.locator('[data-stream="site.visitors"] p')
    await until(async () => (await own.textContent())?.trim() === '1')
    await killHub()
    await startHub({ log: 'memory' })
    await until(async () => (await page.locator('li.gap').count()) === 1)
    assert.match((await page.locator('li.gap .text').textContent()) ?? '', /^epoch: /)
    const empty = page.locator('[data-stream="site.visitors"].empty')
    await until(async () => (await empty.count()) === 1)
    await until(live)
  })

  test('says which setting lets it in, and comes in with it', async () => {
    await startHub({ origins: [] })
    await open()
    const hint = `--cors.origins '["${origin}"]'`
    await until(async () => (await lines('HINT')).some((text) => text.endsWith(hint)))
    await killHub()
    await startHub()
    await until(live)
  })

  test('notices a connection that is dead without saying so', async () => {
    await startHub()
    await open()
    await until(live)
    hub?.kill('SIGSTOP')
    await until(async () => (await state()) === 'no answer')
    hub?.kill('SIGCONT')
    await until(live)
  })
})
