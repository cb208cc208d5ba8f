// What hand-made forms do that are often seen.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Visitor } from './follow.mjs'
import { counts, GONE, stage } from './stage.mjs'
import { until } from './upstream.mjs'

/** @typedef {import('./app.mjs').App} App */

/** The numbers of what not to do. @param {string} version @param {() => App} app */
export function wrongForms(version, app) {
  const note = (/** @type {string} */ what, /** @type {unknown} */ is) =>
    stage.measured.push({ version, mode: 'start', what, is })

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
    await until(() => stage.upstream.open.size === 0)
    const url = `${app().url}/do-not-copy/no-signal`
    const visitors = Array.from({ length: 10 }, () => new Visitor(url, { 'last-event-id': '1' }))
    await Promise.all(visitors.map((visitor) => visitor.read('first')))
    for (const visitor of visitors) visitor.leave()
    const before = stage.upstream.open.size
    await new Visitor(url, {}, 'HEAD').whole()
    await until(() => stage.upstream.open.size === before + 1)
    const headed = [...stage.upstream.open].at(-1)
    await sleep(3000)
    const of = [...stage.upstream.open]
    const size = of.filter((answer) => answer !== headed).length
    note('fetch without signal: upstream connections of 10 after 3 s', size)
    note('hand-made proxy: upstream connections of 1 HEAD after 3 s', of.length - size)
    assert.equal(stage.upstream.requests.at(-1)?.headers['last-event-id'], undefined)
    // Garbage collection may end some, in Next.js 16.
    if (version === 'next-15') assert.equal(size, 10)
    for (const answer of stage.upstream.open) answer.destroy()
    await until(() => stage.upstream.open.size === 0)
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
    await until(() => stage.upstream.open.size === 0, GONE)
  })

  test('wrong: rewrites tell nobody that upstream was killed, in Next.js 15', async () => {
    const visitor = await new Visitor(`${app().url}/upstream/right`).read('first')
    for (const answer of stage.upstream.open) answer.destroy()
    if (version === 'next-15') await sleep(4000)
    else await visitor.whole()
    note('rewrites, upstream killed: the visitor sees within 4 s', visitor.ended ?? 'nothing')
    assert.equal(visitor.ended === undefined, version === 'next-15')
    visitor.leave()
  })
}
