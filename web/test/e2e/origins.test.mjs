// Pages of other origins, with a browser that is signed in: whatever they try, they change
// nothing and read nothing.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'
import { Server } from '../../../js/test/server.mjs'
import { launch } from '../browser.mjs'

const TOKEN = 'an-administrators-token'

/** Names that lead to this machine, as an attacker's do. */
const NAMES = [
  'evil.example',
  '127.0.0.1.evil.example',
  'localhost.evil.example',
  'rebound.example',
]

const [locked, open] = await Promise.all([
  Server.start({ args: ['--auth.admin-token', TOKEN, '--sources', '{}'] }),
  Server.start({ args: ['--sources', '{}'] }),
])
const elsewhere = createServer((_, response) => {
  response.setHeader('Content-Type', 'text/html')
  response.end('<!doctype html><title>elsewhere</title><iframe name=hole></iframe>')
})
elsewhere.listen(0, '127.0.0.1')
await once(elsewhere, 'listening')
const address = elsewhere.address()
const port = typeof address === 'object' && address !== null ? address.port : 0
const browser = await launch(
  `--host-resolver-rules=${NAMES.map((name) => `MAP ${name} 127.0.0.1`).join(',')}`,
)
const context = await browser.newContext()
after(async () => {
  await browser.close()
  elsewhere.close()
  await Promise.all([locked.close(), open.close()])
})

const JSON_BODY = { 'Content-Type': 'application/json' }

before(async () => {
  const home = await context.newPage()
  await home.goto(locked.url)
  const status = await home.evaluate(async (token) => {
    const headers = { 'Content-Type': 'application/json' }
    const signed = await fetch('/v1/session', {
      method: 'POST',
      headers,
      body: JSON.stringify({ token }),
    })
    await fetch('/v1/streams/secret/events', {
      method: 'POST',
      headers,
      body: '{"canary":"CANARY"}',
    })
    return [signed.status, (await fetch('/v1/streams')).status]
  }, TOKEN)
  assert.deepEqual(status, [200, 200], 'the browser is signed in')
  await home.close()
  const published = await fetch(`${open.url}/v1/streams/secret/events`, {
    method: 'POST',
    headers: JSON_BODY,
    body: '{"canary":"CANARY"}',
  })
  assert.equal(published.status, 200)
})

/** What a server has: any change shows. @param {Server} server */
async function state(server) {
  const headers = { Authorization: `Bearer ${TOKEN}` }
  const all = await fetch(`${server.url}/v1/events?stream=secret&stream=planted&last=100`, {
    headers: { ...headers, Accept: 'application/json' },
  })
  const { events } = await all.json()
  const boards = await (await fetch(`${server.url}/v1/dashboards`, { headers })).json()
  return JSON.stringify([
    events,
    boards.dashboards.map((/** @type {{name: string}} */ one) => one.name),
  ])
}

/**
 * Runs in an attacker's page: tries everything, and returns what it could read.
 * @param {string} target
 */
async function attack(target) {
  /** @type {string[]} */
  const read = []
  const kinds = ['text/plain', 'application/x-www-form-urlencoded', 'application/json', undefined]
  /** @type {[string, string][]} */
  const changes = [
    ['POST', '/v1/streams/planted/events'],
    ['POST', '/v1/events'],
    ['DELETE', '/v1/streams/secret'],
    ['PUT', '/v1/dashboards/planted'],
    ['DELETE', '/v1/session'],
    ['POST', '/v1/tokens'],
  ]
  for (const mode of /** @type {RequestMode[]} */ (['cors', 'no-cors'])) {
    for (const credentials of /** @type {RequestCredentials[]} */ (['include', 'omit'])) {
      for (const path of [
        '/v1/streams',
        '/v1/events?stream=secret&last=5',
        '/v1/streams/secret/events?last=5',
        '/v1/dashboards',
        '/v1/session',
        '/',
      ]) {
        for (const accept of ['application/json', 'text/event-stream']) {
          const leave = new AbortController()
          const timer = setTimeout(() => leave.abort(), 300)
          try {
            const response = await fetch(target + path, {
              mode,
              credentials,
              headers: { accept },
              signal: leave.signal,
            })
            const reader = response.body?.getReader()
            const first = await reader?.read()
            if (first?.value !== undefined)
              read.push(`${mode} ${path}: ${new TextDecoder().decode(first.value)}`)
          } catch {
            // as it should be
          }
          clearTimeout(timer)
        }
      }
      for (const [method, path] of changes) {
        for (const kind of kinds) {
          try {
            const headers = kind === undefined ? {} : { 'Content-Type': kind }
            const response = await fetch(target + path, {
              method,
              mode,
              credentials,
              headers,
              body: '{"stream":"planted","data":1,"name":"planted","admin":true}',
            })
            const text = await response.text()
            if (text !== '') read.push(`${method} ${path}: ${text}`)
          } catch {
            // as it should be
          }
        }
      }
    }
  }
  navigator.sendBeacon(`${target}/v1/streams/planted/events`, '1')
  for (const enctype of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
  ]) {
    const form = document.createElement('form')
    Object.assign(form, {
      method: 'POST',
      action: `${target}/v1/streams/planted/events`,
      enctype,
      target: 'hole',
    })
    const input = document.createElement('input')
    Object.assign(input, { name: '{"a":"', value: '"}' })
    form.append(input)
    document.body.append(form)
    form.submit()
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  for (const withCredentials of [true, false]) {
    const source = new EventSource(`${target}/v1/streams/secret/events?last=5`, { withCredentials })
    source.onopen = () => read.push('an EventSource was opened')
    source.onmessage = (event) => read.push(`EventSource: ${event.data}`)
    await new Promise((resolve) => setTimeout(resolve, 200))
    source.close()
  }
  for (const make of [
    () => Object.assign(document.createElement('script'), { src: `${target}/v1/streams` }),
    () => Object.assign(document.createElement('img'), { src: `${target}/v1/streams` }),
    () =>
      Object.assign(document.createElement('link'), {
        rel: 'stylesheet',
        href: `${target}/v1/streams`,
      }),
  ]) {
    document.body.append(make())
  }
  const frame = Object.assign(document.createElement('iframe'), { src: `${target}/` })
  document.body.append(frame)
  await new Promise((resolve) => setTimeout(resolve, 500))
  try {
    const inside = frame.contentDocument?.body?.innerHTML ?? ''
    if (inside !== '') read.push(`a frame: ${inside}`)
  } catch {
    // as it should be
  }
  return read
}

/** @param {string} name @param {(port: number) => string} at */
function foreign(name, at) {
  test(`a page of ${name} changes nothing and reads nothing`, async () => {
    for (const server of [locked, open]) {
      const was = await state(server)
      const page = await context.newPage()
      await page.goto(at(port))
      assert.deepEqual(await page.evaluate(attack, server.url), [])
      await page.close()
      assert.equal(await state(server), was)
    }
  })
}

foreign('another site', (port) => `http://evil.example:${port}`)
foreign('a look-alike', (port) => `http://127.0.0.1.evil.example:${port}`)
foreign('another look-alike', (port) => `http://localhost.evil.example:${port}`)
foreign(
  'another port of the same machine, to which the cookie is sent',
  (port) => `http://127.0.0.1:${port}`,
)

test('a page without an origin changes nothing and reads nothing', async () => {
  for (const server of [locked, open]) {
    const was = await state(server)
    const page = await context.newPage()
    await page.goto(`http://evil.example:${port}`)
    await page.evaluate(() => {
      const frame = Object.assign(document.createElement('iframe'), {
        srcdoc: '<body>',
        name: 'nobody',
      })
      frame.setAttribute('sandbox', 'allow-scripts allow-forms')
      document.body.append(frame)
    })
    const frame = await page.locator('iframe[name=nobody]').elementHandle()
    const nobody = await frame?.contentFrame()
    assert.ok(nobody)
    assert.equal(await nobody.evaluate(() => self.origin), 'null')
    assert.deepEqual(await nobody.evaluate(attack, server.url), [])
    await page.close()
    assert.equal(await state(server), was)
  }
})

test('a page whose name leads to the server changes nothing and reads nothing', async () => {
  // Of an open server it gets nothing at all; of a locked one the page, without the cookie.
  for (const server of [locked, open]) {
    const was = await state(server)
    const page = await context.newPage()
    const rebound = server.url.replace('127.0.0.1', 'rebound.example')
    const response = await page.goto(rebound)
    assert.equal(response?.status(), server === open ? 421 : 200)
    const got = await page.evaluate(async () => {
      const out = []
      for (const path of [
        '/v1/streams',
        '/v1/events?stream=secret&last=5',
        '/v1/streams/secret/events?last=5',
        '/v1/dashboards',
      ]) {
        const read = await fetch(path, { headers: { Accept: 'application/json' } })
        out.push(read.status, (await read.text()).includes('CANARY'))
      }
      for (const [method, path] of [
        ['POST', '/v1/streams/planted/events'],
        ['DELETE', '/v1/streams/secret'],
        ['PUT', '/v1/dashboards/planted'],
      ]) {
        out.push((await fetch(path ?? '', { method: method ?? '', body: '1' })).status, false)
      }
      return out
    })
    const refused = server === open ? 421 : 401
    assert.deepEqual(got, Array(7).fill([refused, false]).flat())
    await page.close()
    assert.equal(await state(server), was)
  }
})

test('the same attack from its own origin works: the test can fail', async () => {
  const page = await context.newPage()
  await page.goto(locked.url)
  const read = await page.evaluate(attack, locked.url)
  assert.ok(
    read.some((text) => text.includes('CANARY')),
    'it reads',
  )
  await page.close()
  const headers = { Authorization: `Bearer ${TOKEN}`, Accept: 'application/json' }
  const planted = await (
    await fetch(`${locked.url}/v1/streams/planted/events?last=5`, { headers })
  ).json()
  assert.ok(planted.events.length > 0, 'it changes something')
})
