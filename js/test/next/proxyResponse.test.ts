import { createGzip } from 'node:zlib'
import { describe, expect, test, vi } from 'vitest'
import { proxyEventStream } from '../../src/next/index.js'
import { collectGarbage, readTo, upstream, visit, watch } from './helpers.js'
import { stream, type Upstream, until } from './upstream.mjs'

watch()

describe('what the visitor gets', () => {
  test('events at once, unbuffered, and none of upstream’s other headers', async () => {
    const server = await upstream((answer) =>
      stream(answer, { 'set-cookie': 'internal=1', 'x-secret': '1', 'cache-control': 'no-cache' }),
    )
    const { request, abort } = visit()
    const response = await proxyEventStream(server.url)(request)
    await readTo(response, 'data: "first"\n\n')
    abort.abort()
    expect(Object.fromEntries(response.headers)).toEqual({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    })
  })

  test('what upstream has compressed, decoded and not announced as compressed', async () => {
    const server = await upstream((answer) => {
      answer.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' })
      const gzip = createGzip()
      gzip.pipe(answer)
      gzip.write('data: "packed"\n\n')
      gzip.flush()
    })
    const { request, abort } = visit('/live', { headers: { 'accept-encoding': 'gzip' } })
    const response = await proxyEventStream(server.url)(request)
    await readTo(response, 'data: "packed"\n\n')
    abort.abort()
    expect(response.headers.get('content-encoding')).toBeNull()
  })

  test('an answer other than 200, with its problem and Retry-After', async () => {
    const problem = JSON.stringify({ status: 429, detail: 'Too many streams.' })
    const server = await upstream((answer) => {
      answer.writeHead(429, { 'content-type': 'application/problem+json', 'retry-after': '7' })
      answer.end(problem)
    })
    const response = await proxyEventStream(server.url)(visit().request)
    expect(response.status).toBe(429)
    expect(response.headers.get('retry-after')).toBe('7')
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.text()).toBe(problem)
  })

  test('204 without a body', async () => {
    const server = await upstream((answer) => answer.writeHead(204).end())
    const response = await proxyEventStream(server.url)(visit().request)
    expect([response.status, response.body]).toEqual([204, null])
  })

  test('503 with Retry-After while upstream refuses, and its developer the cause', async () => {
    const server = await upstream()
    await server.close()
    const onError = vi.fn()
    const response = await proxyEventStream(server.url, { onError })(visit().request)
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('2')
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toMatchObject({ status: 503, detail: expect.any(String) })
    expect(onError).toHaveBeenCalledOnce()
    expect(onError.mock.calls[0]?.[0].cause.code).toBe('ECONNREFUSED')
  })

  test('an error, not the end, when upstream is killed', async () => {
    const server = await upstream()
    const { reader } = await readTo(await proxyEventStream(server.url)(visit().request), 'first')
    const next = reader.read()
    for (const answer of server.open) answer.destroy()
    await expect(next).rejects.toThrow()
  })

  test('the end, when upstream ends', async () => {
    const server = await upstream()
    const { reader } = await readTo(await proxyEventStream(server.url)(visit().request), 'first')
    for (const answer of server.open) answer.end()
    expect(await reader.read()).toEqual({ done: true, value: undefined })
  })

  test('503 for a redirect, and the secret stays with upstream', async () => {
    const thief = await upstream()
    const server = await upstream((answer) => {
      answer.writeHead(302, { location: `${thief.url.replace('127.0.0.1', 'localhost')}/x` }).end()
    })
    const onError = vi.fn()
    const headers = { 'x-token': 'secret', authorization: 'Bearer secret', cookie: 'secret' }
    const response = await proxyEventStream(server.url, { headers, onError })(visit().request)
    expect(response.status).toBe(503)
    expect(await response.text()).not.toContain('secret')
    expect(onError.mock.calls[0]?.[0].cause.message).toContain('redirect')
    expect(thief.requests).toEqual([])
  })
})

describe('when the visitor leaves', () => {
  async function ten(server: Upstream) {
    const handler = proxyEventStream(server.url)
    const visits = Array.from({ length: 10 }, () => visit())
    const readers = await Promise.all(
      visits.map(async ({ request }) => (await readTo(await handler(request), 'first')).reader),
    )
    expect(server.open.size).toBe(10)
    return { visits, readers }
  }

  test('10 of 10 upstream connections end within 1 s by the signal', async () => {
    const server = await upstream()
    const { visits, readers } = await ten(server)
    for (const reader of readers) reader.read().catch(() => {})
    for (const { abort } of visits) abort.abort()
    await until(() => server.open.size === 0, 1000)
  })

  test('10 of 10 by cancel of the body alone, while upstream is silent', async () => {
    const server = await upstream()
    const { readers } = await ten(server)
    for (const reader of readers) void reader.cancel()
    await until(() => server.open.size === 0, 1000)
  })

  test('10 of 10 by both at once', async () => {
    const server = await upstream()
    const { visits, readers } = await ten(server)
    for (const reader of readers) reader.cancel().catch(() => {})
    for (const { abort } of visits) abort.abort()
    await until(() => server.open.size === 0, 1000)
  })

  test('before upstream has answered', async () => {
    const server = await upstream(() => {})
    const onError = vi.fn()
    const { request, abort } = visit()
    const response = proxyEventStream(server.url, { onError })(request)
    await until(() => server.open.size === 1)
    abort.abort()
    await until(() => server.open.size === 0, 1000)
    await response
    expect(onError).not.toHaveBeenCalled()
  })

  test('before the handler has begun: nothing is asked', async () => {
    const server = await upstream()
    const { request, abort } = visit()
    abort.abort()
    await proxyEventStream(server.url)(request)
    expect(server.requests).toEqual([])
  })

  test('also when request and answer have been collected as garbage', async () => {
    const server = await upstream()
    const abort = new AbortController()
    const open = async () => {
      const { request } = visit('/live', { signal: abort.signal })
      return (await proxyEventStream(server.url)(request)).body
    }
    const body = await open()
    await collectGarbage()
    expect(server.open.size).toBe(1)
    const reader = body?.getReader()
    expect(new TextDecoder().decode((await reader?.read())?.value)).toContain('first')
    abort.abort()
    await until(() => server.open.size === 0, 1000)
    await reader?.closed.catch(() => {})
  })
})

test('a visitor who does not read makes upstream wait', async () => {
  const chunk = Buffer.alloc(65_536, ':')
  let written = 0
  const server = await upstream((answer) => {
    stream(answer)
    const pump = () => {
      // Less than a slow machine can hold is no backpressure: 64 MiB are.
      while (written < 64 * 1_048_576 && !answer.destroyed) {
        written += chunk.length
        if (!answer.write(chunk)) return void answer.once('drain', pump)
      }
    }
    pump()
  })
  const { request, abort } = visit()
  const { reader } = await readTo(await proxyEventStream(server.url)(request), 'first')
  let before = -1
  await until(async () => {
    const stalled = written === before
    before = written
    await new Promise((done) => setTimeout(done, 50))
    return stalled
  })
  expect(written).toBeLessThan(32 * 1_048_576)
  void reader.cancel()
  abort.abort()
})
