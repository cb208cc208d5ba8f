// streamgauge/next in the real Next.js, before the real hub. Run it with: npm run test:next
// (STREAMGAUGE names the hub's binary; default: go build. NEXT_TEST_CACHE says where
// Next.js is installed; default: .cache in the repository)

import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Server } from '../../../web/test/server.mjs'
import { App, pack, project } from './app.mjs'
import { Visitor } from './follow.mjs'
import { stream, Upstream, until } from './upstream.mjs'

const VERSIONS = ['next-16', 'next-15']
/** As long as an upstream may stay open after its visitor has left, in ms. */
const GONE = 5000

/** @type {Server} */
let hub
/** @type {Upstream} */
let upstream
let tarball = ''
/** What was measured, to be quoted in docs/nextjs.md. @type {Record<string, unknown>[]} */
const measured = []

before(async () => {
  hub = await Server.start({ args: ['--log', 'memory', '--sources', '{}'] })
  upstream = await new Upstream((answer, request) => {
    if (request.url === '/moved') {
      answer.writeHead(302, { location: 'http://localhost:1/' }).end()
    } else if (request.url?.startsWith('/compressible')) {
      stream(answer, { 'cache-control': 'no-cache' })
      const timer = setInterval(() => answer.write('data: "more"\n\n'), 200)
      answer.on('close', () => clearInterval(timer))
    } else {
      stream(answer, { 'x-internal': '1', 'set-cookie': 'internal=1' })
    }
  }).listen()
  tarball = await pack()
})

after(async () => {
  await Promise.all([hub?.close(), upstream?.close()])
  if (tarball !== '') await rm(dirname(tarball), { recursive: true, force: true })
  console.table(measured)
})

/** The hub's subscribers. */
async function subscribers() {
  const text = await (await fetch(`${hub.admin}/metrics`)).text()
  return Number(/^streamgauge_subscribers(?:\{.*\})? (\d+)/m.exec(text)?.[1])
}

/** Ms that something takes. @param {() => Promise<unknown>} wait */
async function time(wait) {
  const from = performance.now()
  await wait()
  return Math.round(performance.now() - from)
}

for (const version of VERSIONS) {
  describe(version, () => {
    let folder = ''
    const settings = () => ({ HUB: hub.url, UPSTREAM: upstream.url, DIST_DIR: '.next' })

    before(async () => {
      folder = await project(version, tarball)
      await App.build(folder, settings())
    })

    describe('next start', () => {
      const app = running(() => App.start(folder, 'start', settings()))
      rightForms(version, 'start', app)
      wrongForms(version, app)
      outages(version, app)
    })

    describe('next dev', () => {
      const dev = () => ({ ...settings(), DIST_DIR: '.next-dev' })
      const app = running(() => App.start(folder, 'dev', dev()))
      rightForms(version, 'dev', app)
      outages(version, app)
    })

    if (version === 'next-15') return
    describe('next start with cacheComponents', () => {
      const cached = () => ({ ...settings(), DIST_DIR: '.next-cached', CACHE_COMPONENTS: '1' })
      before(async () => {
        const asked = upstream.requests.length
        const output = await App.build(folder, cached())
        for (const route of ['own', 'proxy', 'secret']) {
          assert.match(output, new RegExp(`ƒ /${route}\\b`), 'not rendered at build')
        }
        assert.equal(upstream.requests.length, asked, 'no handler fetches at build')
      })
      const app = running(() => App.start(folder, 'start', cached()))
      rightForms(version, 'start, cacheComponents', app)
    })
  })
}

/** An app that runs while a group of tests does. @param {() => Promise<App>} start */
function running(start) {
  /** @type {App | undefined} */
  let app
  before(async () => {
    app = await start()
  })
  after(() => app?.stop())
  return () => {
    if (app === undefined) throw new Error('not started')
    return app
  }
}

/** @param {() => App} app */
async function counts(app) {
  return await (await fetch(`${app().url}/counts`)).json()
}

/** @param {string} version @param {string} mode @param {() => App} app */
function rightForms(version, mode, app) {
  const forms = { rewrites: '/hub/v1/streams/orders/events', proxy: '/proxy' }

  for (const [form, path] of Object.entries(forms)) {
    test(`${form}: an event comes under 1 s after it is published, though gzip is accepted`, async () => {
      const visitor = new Visitor(app().url + path)
      await visitor.read('hub.hello', 30_000) // next dev compiles first
      const ms = await time(async () => {
        await hub.publish('orders', { form, mode, version })
        await visitor.read(`"form":"${form}"`)
      })
      assert.equal(visitor.headers['content-encoding'], undefined)
      assert.match(visitor.headers['cache-control'] ?? '', /no-transform/)
      visitor.leave()
      measured.push({ version, mode, what: `${form}: event after ms`, is: ms })
      assert.ok(ms < 1000, `${ms} ms`)
    })

    test(`${form}: the hub is rid of 10 visitors within 5 s`, async () => {
      const visitors = Array.from({ length: 10 }, () => new Visitor(app().url + path))
      await Promise.all(visitors.map((visitor) => visitor.read('hub.hello')))
      await until(async () => (await subscribers()) === 10)
      for (const visitor of visitors) visitor.leave()
      const ms = await time(() => until(async () => (await subscribers()) === 0, GONE))
      measured.push({ version, mode, what: `${form}: 10 of 10 gone after ms`, is: ms })
    })

    test(`${form}: Last-Event-ID resumes, as a header and in the query`, async () => {
      const run = `${form} ${mode} ${version}`
      for (const n of [1, 2, 3]) await hub.publish('orders', { run, n })
      const first = await new Visitor(`${app().url}${path}?last=3`).read('"n":3')
      first.leave()
      const id = /id: (\S+)\ndata: .*"n":2/.exec(first.text)?.[1] ?? ''
      assert.notEqual(id, '')
      const header = new Visitor(app().url + path, { 'last-event-id': id })
      const query = new Visitor(`${app().url}${path}?last-event-id=${id}`)
      for (const visitor of [header, query]) {
        await visitor.read('"n":3')
        visitor.leave()
        assert.doesNotMatch(visitor.text, /"n":[12]/)
      }
    })
  }

  test('proxy: a secret reaches upstream, and nothing of it the visitor', async () => {
    const visitor = new Visitor(`${app().url}/secret?stream=x`, {
      cookie: 'session=1',
      authorization: 'Bearer visitor',
    })
    await visitor.read('first', 30_000)
    visitor.leave()
    const got = upstream.requests.at(-1)
    assert.equal(got?.headers.authorization, 'Bearer s3cret')
    assert.equal(got?.headers.cookie, undefined)
    assert.equal(got?.url, '/')
    assert.doesNotMatch(JSON.stringify(visitor.headers) + visitor.text, /s3cret|internal/)
    assert.equal(visitor.headers['x-accel-buffering'], 'no')
  })

  test('proxy: 403 without asking upstream, 503 for a redirect', async () => {
    const asked = upstream.requests.length
    const nobody = await new Visitor(`${app().url}/secret`, { 'x-user': 'nobody' }).whole()
    assert.equal(nobody.status, 403)
    assert.equal(nobody.headers['content-type'], 'application/problem+json')
    assert.equal(upstream.requests.length, asked)
    const moved = await new Visitor(`${app().url}/secret`, { 'x-path': '/moved' }).whole()
    assert.equal(moved.status, 503)
  })

  test('proxy: cancel of the body alone ends 10 of 10 upstream connections', async () => {
    await until(() => upstream.open.size === 0)
    const visitors = Array.from({ length: 10 }, () => new Visitor(`${app().url}/cancel-only`))
    await Promise.all(visitors.map((visitor) => visitor.read('first', 30_000)))
    assert.equal(upstream.open.size, 10)
    for (const visitor of visitors) visitor.leave()
    const ms = await time(() => until(() => upstream.open.size === 0, GONE))
    measured.push({ version, mode, what: 'proxy by cancel alone: 10 of 10 gone after ms', is: ms })
  })

  test('proxy: a killed upstream is an error at once, which a client can see', async () => {
    const visitor = await new Visitor(`${app().url}/secret`, { 'x-path': '/killed' }).read('first')
    for (const answer of upstream.open) answer.destroy()
    await visitor.whole()
    assert.notEqual(visitor.ended, 'end')
  })

  test('eventStreamResponse: 10 of 10 cleaned, and no timer left', async () => {
    await (await new Visitor(`${app().url}/own`).read('event: tick', 30_000)).leave()
    await until(async () => (await counts(app)).cleaned === 1, 30_000)
    await fetch(`${app().url}/counts`, { method: 'DELETE' })
    const visitors = Array.from({ length: 10 }, () => new Visitor(`${app().url}/own`))
    await Promise.all(visitors.map((visitor) => visitor.read('event: tick')))
    assert.equal(visitors[0]?.headers['content-encoding'], undefined)
    for (const visitor of visitors) visitor.leave()
    const ms = await time(() => until(async () => (await counts(app)).cleaned === 10, GONE))
    const { ticks } = await counts(app)
    await sleep(500) // five more ticks, if a timer were left
    const later = await counts(app)
    assert.deepEqual([later.started, later.cleaned, later.ticks], [10, 10, ticks])
    measured.push({ version, mode, what: 'eventStreamResponse: 10 of 10 cleaned after ms', is: ms })
  })

  test('eventStreamResponse: a visitor who stays and does not read is cut', async () => {
    await fetch(`${app().url}/counts`, { method: 'DELETE' })
    const visitor = await new Visitor(`${app().url}/flood`).read('xxx', 30_000)
    visitor.stall()
    await until(async () => (await counts(app)).cleaned === 1, 30_000)
    assert.match(app().output, /cut a subscriber 1 MiB behind/)
    visitor.resume()
    await visitor.whole() // so that it knows, and comes back
    assert.notEqual(visitor.ended, 'end')
  })

  test('HEAD starts nothing', async () => {
    const [{ started }, asked] = [await counts(app), upstream.requests.length]
    for (const path of ['/own', '/secret']) {
      const visitor = await new Visitor(app().url + path, {}, 'HEAD').whole()
      assert.equal(visitor.status, 200)
    }
    assert.deepEqual([(await counts(app)).started, upstream.requests.length], [started, asked])
  })

  test('nothing was thrown into the void', () => {
    assert.doesNotMatch(app().output, /uncaughtException|unhandledRejection|ERR_INVALID_STATE/)
  })
}

/** What happens while the hub is away. @param {string} version @param {() => App} app */
function outages(version, app) {
  test('a stopped hub: 503 with Retry-After by the proxy, 500 by rewrites', async () => {
    await hub.stop('SIGKILL')
    const proxied = await new Visitor(`${app().url}/proxy`).whole()
    const rewritten = await new Visitor(`${app().url}/hub/v1/streams/orders/events`).whole()
    await hub.run()
    assert.equal(proxied.status, 503)
    assert.equal(proxied.headers['retry-after'], '2')
    assert.equal(proxied.headers['content-type'], 'application/problem+json')
    assert.equal(rewritten.status, 500)
    const again = await new Visitor(`${app().url}/proxy`).read('hub.hello')
    again.leave()
    measured.push({ version, what: 'stopped hub: status by rewrites', is: rewritten.status })
  })
}

/** The numbers of what not to do. @param {string} version @param {() => App} app */
function wrongForms(version, app) {
  const note = (/** @type {string} */ what, /** @type {unknown} */ is) =>
    measured.push({ version, mode: 'start', what, is })

  test('wrong: a cleanup returned from start is never called', async () => {
    await fetch(`${app().url}/counts`, { method: 'DELETE' })
    const url = `${app().url}/do-not-copy/returned`
    const visitors = Array.from({ length: 10 }, () => new Visitor(url))
    await Promise.all(visitors.map((visitor) => visitor.read('data: ')))
    for (const visitor of visitors) visitor.leave()
    await sleep(1000)
    const at = await counts(app)
    await sleep(2000)
    const { cleaned, ticks } = await counts(app)
    await fetch(`${app().url}/counts`, { method: 'DELETE' })
    note('cleanup from start: cleaned of 10', cleaned)
    note('cleanup from start: ticks in 2 s after all left', ticks - at.ticks)
    assert.equal(cleaned, 0)
    assert.ok(ticks - at.ticks > 100)
  })

  test('wrong: … and without a try floods the log', async () => {
    const url = `${app().url}/do-not-copy/unguarded`
    const visitors = Array.from({ length: 5 }, () => new Visitor(url))
    await Promise.all(visitors.map((visitor) => visitor.read('data: ')))
    const from = app().output.length
    for (const visitor of visitors) visitor.leave()
    await sleep(3000)
    await fetch(`${app().url}/counts`, { method: 'DELETE' })
    const said = app().output.slice(from)
    const exceptions = said.split("code: 'ERR_INVALID_STATE'").length - 1
    note('cleanup from start, no try: uncaught exceptions in 3 s by 5 visitors', exceptions)
    note('… lines of log', said.split('\n').length)
    assert.ok(exceptions > 50, said.slice(0, 1000))
  })

  test('wrong: fetch without a signal keeps upstream connections', async () => {
    await until(() => upstream.open.size === 0)
    const url = `${app().url}/do-not-copy/no-signal`
    const visitors = Array.from({ length: 10 }, () => new Visitor(url, { 'last-event-id': '1' }))
    await Promise.all(visitors.map((visitor) => visitor.read('first')))
    for (const visitor of visitors) visitor.leave()
    const before = upstream.open.size
    await new Visitor(url, {}, 'HEAD').whole()
    await until(() => upstream.open.size === before + 1)
    const headed = [...upstream.open].at(-1)
    await sleep(3000)
    const of = [...upstream.open]
    const size = of.filter((answer) => answer !== headed).length
    note('fetch without signal: upstream connections of 10 after 3 s', size)
    note('hand-made proxy: upstream connections of 1 HEAD after 3 s', of.length - size)
    assert.equal(upstream.requests.at(-1)?.headers['last-event-id'], undefined)
    // Garbage collection may end some, in Next.js 16.
    if (version === 'next-15') assert.equal(size, 10)
    for (const answer of upstream.open) answer.destroy()
    await until(() => upstream.open.size === 0)
  })

  test('wrong: rewrites of what may be compressed are silent', async () => {
    const silent = new Visitor(`${app().url}/upstream/compressible`)
    const right = await new Visitor(`${app().url}/upstream/right`).read('first', 1000)
    await sleep(3000)
    const events = silent.text.split('data: ').length - 1
    note('rewrites without no-transform: events in 3 s', events)
    assert.equal(events, 0)
    assert.equal(right.headers['content-encoding'], undefined)
    silent.leave()
    right.leave()
    await until(() => upstream.open.size === 0, GONE)
  })

  test('wrong: rewrites tell nobody that upstream was killed, in Next.js 15', async () => {
    const visitor = await new Visitor(`${app().url}/upstream/right`).read('first')
    for (const answer of upstream.open) answer.destroy()
    if (version === 'next-15') await sleep(4000)
    else await visitor.whole()
    note('rewrites, upstream killed: the visitor sees within 4 s', visitor.ended ?? 'nothing')
    assert.equal(visitor.ended === undefined, version === 'next-15')
    visitor.leave()
  })
}
