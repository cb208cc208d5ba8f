// What a stream of the page survives, beside the browser's own EventSource. Run it with:
// node --test test/browser/cuts.test.mjs (STREAMGAUGE names the binary; default: go build)

import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { at, has, hasStatus, Lab, seen, until } from './lab.mjs'

/** @typedef {import('playwright-core').Page} Page */

/** @type {Lab} */
let lab

before(async () => {
  lab = await Lab.start({ args: ['--heartbeat', '1s'] })
})

after(() => lab.close())

afterEach(() => lab.reset())

/** @param {Page} page @param {string} name */
const readyState = (page, name) =>
  page.evaluate((name) => window.lab.sources[name]?.readyState, name)

/** Opens a tab with a component and an EventSource at the same stream, both live. */
async function both() {
  const stream = lab.newStream()
  const page = await lab.tab()
  const url = at(stream, 'last=100')
  await page.evaluate((url) => {
    window.lab.show([{ name: 'ours', url }])
    window.lab.native('native', url)
  }, url)
  await lab.publish(stream, 1, 10)
  await has(page, 'ours', 10)
  await has(page, 'native', 10)
  return { page, stream }
}

describe('a component, beside an EventSource', () => {
  test('goes on after a 503 on a reconnect, which ends the EventSource', async () => {
    const { page, stream } = await both()
    lab.proxy.answer = 503
    lab.proxy.cut()
    await until(async () => (await readyState(page, 'native')) === 2)
    await until(async () => (await seen(page, 'ours')).errors.includes('http 503'))
    assert.equal((await seen(page, 'ours')).numbers.length, 10, 'the data stays')
    await lab.publish(stream, 11, 20)
    const back = Date.now()
    lab.proxy.answer = 'pass'
    await has(page, 'ours', 20)
    console.log(`503: whole ${Date.now() - back} ms after the server is back; native: never`)
    await lab.publish(stream, 21, 30)
    await has(page, 'ours', 30)
    await hasStatus(page, 'ours')
    assert.equal(await readyState(page, 'native'), 2)
    assert.equal((await seen(page, 'native')).numbers.length, 10)
  })

  test('notices that a connection is dead, which the EventSource never does', async () => {
    const { page, stream } = await both()
    const frozen = Date.now()
    lab.proxy.freeze()
    lab.proxy.answer = 'silent'
    await lab.publish(stream, 11, 20)
    await until(async () => (await seen(page, 'ours')).errors.includes('stalled'))
    // The server accepts what connects, and says nothing to it either.
    const refused = lab.proxy.refused
    await until(() => lab.proxy.refused > Math.max(refused, 1))
    lab.proxy.answer = 'pass'
    await has(page, 'ours', 20)
    console.log(`silence: whole ${Date.now() - frozen} ms after it began; native: never`)
    assert.equal(await readyState(page, 'native'), 1, 'as far as it knows it is open')
    assert.equal((await seen(page, 'native')).numbers.length, 10)
  })
})

/** Opens a tab with a stream that is live. @param {{transport?: 'fetch' | 'eventsource'}} [options] */
async function open(options = {}) {
  const stream = lab.newStream()
  const page = await lab.tab()
  await page.evaluate(({ url, options }) => window.lab.open('ours', url, options), {
    url: at(stream, 'last=100'),
    options,
  })
  await lab.publish(stream, 1, 10)
  await has(page, 'ours', 10)
  return { page, stream }
}

for (const transport of /** @type {const} */ (['fetch', 'eventsource'])) {
  describe(`a stream by ${transport}`, () => {
    test('continues where it was when it is cut, time and again', async () => {
      const { page, stream } = await open({ transport })
      for (const round of [1, 2, 3]) {
        const publishing = lab.publish(stream, 10 * round + 1, 10 * round + 10)
        lab.proxy.cut()
        await publishing
        await has(page, 'ours', 10 * round + 10)
        // Only a stream that is open can be cut.
        await until(() => lab.proxy.streams === 1)
      }
      assert.ok(lab.proxy.requests.length > 3, 'it was cut')
    })

    test('takes half an event for none when it is cut within', async () => {
      const { page, stream } = await open({ transport })
      lab.proxy.cutNextEvent = true
      lab.proxy.cut() // for one that is not compressed
      await hasStatus(page, 'ours')
      await until(() => lab.proxy.streams === 1)
      await lab.publish(stream, 111, 111)
      await until(() => !lab.proxy.cutNextEvent)
      await lab.publish(stream, 112, 112)
      const numbers = async () => (await seen(page, 'ours')).numbers
      await until(async () => (await numbers()).at(-1) === 112)
      assert.deepEqual((await numbers()).slice(10), [111, 112])
    })

    test('recovers from a 503', async () => {
      const { page, stream } = await open({ transport })
      lab.proxy.answer = 503
      lab.proxy.cut()
      await until(() => lab.proxy.refused >= 2)
      await lab.publish(stream, 11, 20)
      lab.proxy.answer = 'pass'
      await has(page, 'ours', 20)
      await hasStatus(page, 'ours')
    })
  })
}

test('the transport eventsource is the EventSource of the browser', async () => {
  const page = await lab.tab()
  const asked = page.waitForRequest((request) => request.url().includes('/v1/'))
  const url = at(lab.newStream())
  await page.evaluate((url) => window.lab.open('ours', url, { transport: 'eventsource' }), url)
  assert.equal((await asked).resourceType(), 'eventsource')
  await hasStatus(page, 'ours')
})

for (const status of [500, 502, 429]) {
  test(`a ${status} on a reconnect is tried again`, async () => {
    const { page, stream } = await open()
    lab.proxy.answer = status
    lab.proxy.cut()
    await until(async () => (await seen(page, 'ours')).errors.includes(`http ${status}`))
    await lab.publish(stream, 11, 20)
    lab.proxy.answer = 'pass'
    await has(page, 'ours', 20)
  })
}

for (const status of [204, 401, 404]) {
  test(`a ${status} on a reconnect is final, until somebody says otherwise`, async () => {
    const { page, stream } = await open()
    lab.proxy.answer = status
    lab.proxy.cut()
    await hasStatus(page, 'ours', 'closed')
    assert.ok((await seen(page, 'ours')).errors.includes(`http ${status}`))
    assert.equal(lab.proxy.refused, 1)
    await lab.publish(stream, 11, 20)
    lab.proxy.answer = 'pass'
    await page.evaluate(() => window.lab.streams.ours?.reconnect())
    await has(page, 'ours', 20)
  })
}

describe('a page of another origin', () => {
  /** @type {Lab} */
  let far

  before(async () => {
    const { proxy } = lab
    far = await Lab.start({
      args: ['--heartbeat', '1s', '--cors.origins', JSON.stringify([proxy.url])],
      browser: false,
    })
  })

  after(() => far.close())

  test('causes no preflight, neither when it connects nor when it continues', async () => {
    const stream = far.newStream()
    const page = await lab.tab()
    const url = far.proxy.url + at(stream, 'last=100')
    await page.evaluate((url) => {
      window.lab.show([{ name: 'hook', url }])
      window.lab.open('own', url, { share: false })
    }, url)
    await far.publish(stream, 1, 10)
    await has(page, 'hook', 10)
    await has(page, 'own', 10)
    const { requests } = far.proxy
    const connects = requests.length
    const publishing = far.publish(stream, 11, 20)
    far.proxy.cut()
    await publishing
    await has(page, 'hook', 20)
    await has(page, 'own', 20)
    assert.ok(requests.length > connects)
    assert.deepEqual([...new Set(requests.map(({ method }) => method))], ['GET'])
    const again = requests.slice(2)
    assert.ok(again.every(({ url }) => url.searchParams.has('last-event-id')))
    assert.ok(again.every(({ header }) => header === undefined))
    assert.equal(await page.evaluate(() => window.lab.seen.own?.errors.includes('connect')), true)
  })
})
