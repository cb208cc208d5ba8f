// The hooks in a real page, as React's StrictMode has it. Run it with:
// node --test test/browser/hook.test.mjs (STREAMGAUGE names the binary; default: go build)

import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { at, has, hasStatus, Lab, seen, upTo } from './lab.mjs'

/** @type {Lab} */
let lab

before(async () => {
  lab = await Lab.start()
})

after(() => lab.close())

afterEach(() => lab.reset())

describe('ten components at one address', () => {
  const names = upTo(10).map((n) => `c${n}`)

  test('have one connection, which leaves room for other requests', async () => {
    const stream = lab.newStream()
    const page = await lab.tab()
    const all = names.map((name) => ({ name, url: at(stream) }))
    await page.evaluate((all) => window.lab.show(all), all)
    for (const name of names) await hasStatus(page, name)
    await lab.connected(1)
    await lab.publish(stream, 1, 50)
    for (const name of names) await has(page, name, 50)
    assert.equal(lab.proxy.requests.length, 1)
    assert.equal(await page.evaluate(() => fetch('/v1/streams').then((r) => r.status)), 200)
  })

  test('and one that comes late gets the history that it asks for', async () => {
    const stream = lab.newStream()
    await lab.publish(stream, 1, 20)
    const page = await lab.tab()
    const all = names.map((name) => ({ name, url: at(stream, 'last=5') }))
    await page.evaluate((all) => window.lab.show(all), all)
    for (const name of names) await has(page, name, 20, 16)
    await lab.publish(stream, 21, 40)
    for (const name of names) await has(page, name, 40, 16)
    const late = { name: 'late', url: at(stream, 'last=5') }
    await page.evaluate((all) => window.lab.show(all), [...all, late])
    await has(page, 'late', 40, 36)
    await lab.publish(stream, 41, 60)
    await has(page, 'late', 60, 36)
    for (const name of names) await has(page, name, 60, 16)
    await lab.connected(1)
  })
})

describe('a component in StrictMode', () => {
  test('makes one request, and none is left soon after it is gone', async () => {
    const page = await lab.tab()
    const stream = lab.newStream()
    const component = { name: 'c', url: at(stream, 'last=10') }
    await page.evaluate((c) => window.lab.show([c]), component)
    await hasStatus(page, 'c')
    await lab.publish(stream, 1, 5)
    await has(page, 'c', 5)
    assert.equal(lab.proxy.requests.length, 1)
    await page.evaluate(() => window.lab.show([]))
    await lab.connected(0)
    assert.equal(await page.evaluate(() => window.lab.connections), 0)
    assert.equal(lab.proxy.requests.length, 1)
  })

  test('leaves its connection, and what came last, to one that takes its place', async () => {
    const page = await lab.tab()
    const stream = lab.newStream()
    const url = at(stream)
    await page.evaluate((url) => window.lab.show([{ name: 'a', url }]), url)
    await hasStatus(page, 'a')
    await lab.publish(stream, 1, 5)
    await has(page, 'a', 5)
    await page.evaluate((url) => window.lab.show([{ name: 'b', url, kind: 'last' }]), url)
    await has(page, 'b', 5, 5)
    await lab.publish(stream, 6, 6)
    await has(page, 'b', 6, 6)
    assert.equal(lab.proxy.requests.length, 1)
  })
})

/** Publishes as fast as it goes, in batches, up to a number. @param {string} stream @param {number} to */
async function flood(stream, to) {
  for (let n = 0; n < to; n += 20) {
    const body = upTo(n + 20, n + 1).join('\n')
    const headers = { 'content-type': 'application/x-ndjson' }
    const answer = await fetch(lab.server.url + at(stream), { method: 'POST', headers, body })
    assert.equal(answer.ok, true)
    await answer.arrayBuffer()
  }
}

describe('a flood of events', () => {
  for (const { what, components } of [
    { what: 'into a value and a log of one component', components: ['c'] },
    { what: 'into values and logs of five components', components: ['a', 'b', 'c', 'd', 'e'] },
  ]) {
    test(`${what} is committed once a frame, and is whole`, async () => {
      const page = await lab.tab()
      const stream = lab.newStream()
      /** @type {'log'} */
      const kind = 'log'
      const all = components.map((name) => ({ name, url: at(stream), kind }))
      await page.evaluate((all) => window.lab.show(all), all)
      for (const name of components) await hasStatus(page, name)
      await page.evaluate(() => window.lab.count())
      await flood(stream, 4000)
      for (const name of components) await has(page, name, 4000)
      const { frames, stalls } = await page.evaluate(() => window.lab)
      for (const name of components) {
        const { commits, again } = await seen(page, name)
        console.log(`4000 events in ${frames} frames: ${commits} commits, ${again} doubly`)
        // A page that gets no frame for 250 ms doesn't wait for one.
        assert.ok(commits <= frames + stalls + 2, `${commits} commits in ${frames} frames`)
        assert.ok(again <= stalls + 2, `${again} of ${commits} commits were one too many`)
        assert.ok(commits >= 2)
      }
    })
  }
})
