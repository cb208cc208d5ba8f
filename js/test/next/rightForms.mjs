// What holds in every version and mode of Next.js.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Visitor } from './follow.mjs'
import { counts, GONE, stage, subscribers, time } from './stage.mjs'
import { until } from './upstream.mjs'

/** @typedef {import('./app.mjs').App} App */

/** @param {string} version @param {string} mode @param {() => App} app */
export function rightForms(version, mode, app) {
  const forms = { rewrites: '/hub/v1/streams/orders/events', proxy: '/proxy' }

  for (const [form, path] of Object.entries(forms)) {
    test(`${form}: an event comes under 1 s after it is published, though gzip is accepted`, async () => {
      const visitor = new Visitor(app().url + path)
      await visitor.read('hub.hello', 30_000) // next dev compiles first
      const ms = await time(async () => {
        await stage.hub.publish('orders', { form, mode, version })
        await visitor.read(`"form":"${form}"`)
      })
      visitor.leave()
      // Rewrites pass on what the hub has compressed; a handler's fetch has unpacked it.
      assert.equal(visitor.headers['content-encoding'], form === 'rewrites' ? 'gzip' : undefined)
      assert.match(visitor.headers['cache-control'] ?? '', /no-transform/)
      stage.measured.push({ version, mode, what: `${form}: event after ms`, is: ms })
      assert.ok(ms < 1000, `${ms} ms`)
    })

    test(`${form}: the hub is rid of 10 visitors within 5 s`, async () => {
      const visitors = Array.from({ length: 10 }, () => new Visitor(app().url + path))
      await Promise.all(visitors.map((visitor) => visitor.read('hub.hello')))
      await until(async () => (await subscribers()) === 10)
      await fetch(`${app().url}/counts`, { method: 'POST' }) // a signal may go with its request
      for (const visitor of visitors) visitor.leave()
      const ms = await time(() => until(async () => (await subscribers()) === 0, GONE))
      stage.measured.push({ version, mode, what: `${form}: 10 of 10 gone after ms`, is: ms })
    })

    test(`${form}: Last-Event-ID resumes, as a header and in the query`, async () => {
      const run = `${form} ${mode} ${version}`
      for (const n of [1, 2, 3]) await stage.hub.publish('orders', { run, n })
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
    const got = stage.upstream.requests.at(-1)
    assert.equal(got?.headers.authorization, 'Bearer s3cret')
    assert.equal(got?.headers.cookie, undefined)
    assert.equal(got?.url, '/')
    assert.doesNotMatch(JSON.stringify(visitor.headers) + visitor.text, /s3cret|internal/)
    assert.equal(visitor.headers['x-accel-buffering'], 'no')
  })

  test('proxy: 403 without asking upstream, 503 for a redirect', async () => {
    const asked = stage.upstream.requests.length
    const nobody = await new Visitor(`${app().url}/secret`, { 'x-user': 'nobody' }).whole()
    assert.equal(nobody.status, 403)
    assert.equal(nobody.headers['content-type'], 'application/problem+json')
    assert.equal(stage.upstream.requests.length, asked)
    const moved = await new Visitor(`${app().url}/secret`, { 'x-path': '/moved' }).whole()
    assert.equal(moved.status, 503)
  })

  test('proxy: cancel of the body alone ends 10 of 10 upstream connections', async () => {
    await until(() => stage.upstream.open.size === 0)
    const visitors = Array.from({ length: 10 }, () => new Visitor(`${app().url}/cancel-only`))
    await Promise.all(visitors.map((visitor) => visitor.read('first', 30_000)))
    assert.equal(stage.upstream.open.size, 10)
    for (const visitor of visitors) visitor.leave()
    const ms = await time(() => until(() => stage.upstream.open.size === 0, GONE))
    stage.measured.push({
      version,
      mode,
      what: 'proxy by cancel alone: 10 of 10 gone after ms',
      is: ms,
    })
  })

  test('proxy: a killed upstream is an error at once, which a client can see', async () => {
    const visitor = await new Visitor(`${app().url}/secret`, { 'x-path': '/killed' }).read('first')
    for (const answer of stage.upstream.open) answer.destroy()
    await visitor.whole()
    assert.notEqual(visitor.ended, 'end')
  })

  test('eventStreamResponse: 10 of 10 cleaned, and no timer left', async () => {
    await (await new Visitor(`${app().url}/own`).read('event: tick', 30_000)).leave()
    await until(async () => (await counts(app)).cleaned === 1, 30_000)
    await fetch(`${app().url}/counts`, { method: 'DELETE' })
    const visitors = Array.from({ length: 10 }, () => new Visitor(`${app().url}/own`))
    await Promise.all(visitors.map((visitor) => visitor.read('event: tick')))
    await fetch(`${app().url}/counts`, { method: 'POST' }) // a signal may go with its request
    assert.equal(visitors[0]?.headers['content-encoding'], undefined)
    for (const visitor of visitors) visitor.leave()
    const ms = await time(() => until(async () => (await counts(app)).cleaned === 10, GONE))
    const { ticks } = await counts(app)
    await sleep(500) // five more ticks, if a timer were left
    const later = await counts(app)
    assert.deepEqual([later.started, later.cleaned, later.ticks], [10, 10, ticks])
    stage.measured.push({
      version,
      mode,
      what: 'eventStreamResponse: 10 of 10 cleaned after ms',
      is: ms,
    })
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
    const [{ started }, asked] = [await counts(app), stage.upstream.requests.length]
    for (const path of ['/own', '/secret']) {
      const visitor = await new Visitor(app().url + path, {}, 'HEAD').whole()
      assert.equal(visitor.status, 200)
    }
    assert.deepEqual(
      [(await counts(app)).started, stage.upstream.requests.length],
      [started, asked],
    )
  })

  test('nothing was thrown into the void', () => {
    assert.doesNotMatch(app().output, /uncaughtException|unhandledRejection|ERR_INVALID_STATE/)
  })
}

/** What happens while the hub is away. @param {string} version @param {() => App} app */
export function outages(version, app) {
  test('a stopped hub: 503 with Retry-After by the proxy, 500 by rewrites', async () => {
    await stage.hub.stop('SIGKILL')
    const proxied = await new Visitor(`${app().url}/proxy`).whole()
    const rewritten = await new Visitor(`${app().url}/hub/v1/streams/orders/events`).whole()
    await stage.hub.run()
    assert.equal(proxied.status, 503)
    assert.equal(proxied.headers['retry-after'], '2')
    assert.equal(proxied.headers['content-type'], 'application/problem+json')
    assert.equal(rewritten.status, 500)
    const again = await new Visitor(`${app().url}/proxy`).read('hub.hello')
    again.leave()
    stage.measured.push({ version, what: 'stopped hub: status by rewrites', is: rewritten.status })
  })
}
