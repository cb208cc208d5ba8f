import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createGzip } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type ProxyOptions, proxyEventStream } from '../../src/next/index.js'
import { stream, Upstream, until } from './upstream.mjs'

const upstreams: Upstream[] = []

async function upstream(handle?: ConstructorParameters<typeof Upstream>[0]): Promise<Upstream> {
  const started = await new Upstream(handle).listen()
  upstreams.push(started)
  return started
}

afterEach(async () => {
  await Promise.all(upstreams.splice(0).map((one) => one.close()))
})

function visit(path = '/live', init?: RequestInit) {
  const abort = new AbortController()
  const request = new Request(`https://app.example${path}`, { signal: abort.signal, ...init })
  return { abort, request }
}

/** Reads until the text is there. */
async function readTo(response: Response, text: string) {
  const reader = response.body?.getReader()
  if (reader === undefined) throw new Error('no body')
  const decoder = new TextDecoder()
  let read = ''
  while (!read.includes(text)) {
    const { done, value } = await reader.read()
    if (done) throw new Error(`ended after ${JSON.stringify(read)}`)
    read += decoder.decode(value, { stream: true })
  }
  return { reader, read }
}

const refused: string[] = []
beforeEach(() => {
  refused.length = 0
})
process.on('uncaughtException', (error) => refused.push(`${error}`))
process.on('unhandledRejection', (error) => refused.push(`${error}`))
afterEach(() => expect(refused, 'nothing is thrown into the void').toEqual([]))

describe('what upstream gets', () => {
  async function asked(
    path: string,
    init: RequestInit,
    options?: ProxyOptions,
    at = '/s?stream=a',
  ) {
    const server = await upstream()
    const { request, abort } = visit(path, init)
    await readTo(await proxyEventStream(server.url + at, options)(request), 'first')
    abort.abort()
    const [got] = server.requests
    if (got === undefined) throw new Error('not asked')
    return got
  }

  test('Last-Event-ID and Accept, and no cookie or authorization of the visitor', async () => {
    const { headers } = await asked('/live', {
      headers: {
        accept: 'application/x-ndjson',
        'last-event-id': 'k9-44',
        cookie: 'session=s',
        authorization: 'Bearer visitor',
        'x-other': '1',
      },
    })
    expect(headers).toMatchObject({ accept: 'application/x-ndjson', 'last-event-id': 'k9-44' })
    expect(headers.cookie).toBeUndefined()
    expect(headers.authorization).toBeUndefined()
    expect(headers['x-other']).toBeUndefined()
  })

  test('cookies and authorization when they are named', async () => {
    const headers = { cookie: 'session=s', authorization: 'Bearer visitor' }
    const got = await asked('/live', { headers }, { forward: ['Cookie', 'Authorization'] })
    expect(got.headers).toMatchObject(headers)
  })

  test('a secret instead of what the visitor sent under its name', async () => {
    const got = await asked(
      '/live',
      { headers: { authorization: 'Bearer visitor', 'last-event-id': 'k9-1' } },
      {
        forward: ['authorization'],
        headers: async (request) => ({
          Authorization: `Bearer secret for ${new URL(request.url).pathname}`,
        }),
      },
    )
    expect(got.headers).toMatchObject({
      authorization: 'Bearer secret for /live',
      'last-event-id': 'k9-1',
    })
  })

  test('none of the visitor’s parameters but the cursor', async () => {
    const { url } = await asked('/live?stream=secret.>&view=x&last-event-id=k9-3&since=1h', {})
    expect(url).toBe('/s?stream=a&last-event-id=k9-3')
  })

  test('parameters that are named, but not in place of its own', async () => {
    const options = { params: ['since', 'last', 'stream'] }
    const { url } = await asked('/live?since=1h&stream=secret.>&last=5&limit=9', {}, options)
    expect(url).toBe('/s?stream=a&since=1h&last=5')
  })

  test('every value of a parameter that is named', async () => {
    const { url } = await asked('/live?stream=a&stream=b', {}, { params: ['stream'] }, '/s')
    expect(url).toBe('/s?stream=a&stream=b')
  })

  test('nothing for HEAD, which many servers of streams never answer', async () => {
    const server = await upstream()
    const { request } = visit('/live', { method: 'HEAD' })
    const response = await proxyEventStream(server.url)(request)
    expect([response.status, response.body]).toEqual([200, null])
    expect(server.requests).toEqual([])
  })
})

describe('who may', () => {
  test('false is 403, and nothing is fetched', async () => {
    const server = await upstream()
    const { request } = visit()
    const response = await proxyEventStream(server.url, { authorize: async () => false })(request)
    expect(response.status).toBe(403)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toEqual({
      status: 403,
      detail: 'You may not follow this stream.',
    })
    expect(server.requests).toEqual([])
  })

  test('what is not true is 403, as in JavaScript a return may be forgotten', async () => {
    const server = await upstream()
    const authorize = (() => undefined) as unknown as () => boolean
    const response = await proxyEventStream(server.url, { authorize })(visit().request)
    expect(response.status).toBe(403)
  })

  test('a Response is the answer, of authorize and of upstream', async () => {
    const server = await upstream()
    const own = new Response('sign in', { status: 401 })
    const { request } = visit()
    expect(await proxyEventStream(server.url, { authorize: () => own })(request)).toBe(own)
    expect(await proxyEventStream(async () => own)(request)).toBe(own)
    expect(server.requests).toEqual([])
  })

  test('what a function throws is left to Next.js, and so is a wrong address', async () => {
    const { request } = visit()
    const thrown = new Error('NEXT_REDIRECT')
    const fail = () => {
      throw thrown
    }
    await expect(proxyEventStream('http://x', { authorize: fail })(request)).rejects.toBe(thrown)
    await expect(proxyEventStream(fail)(request)).rejects.toBe(thrown)
    await expect(proxyEventStream('http://x', { headers: fail })(request)).rejects.toBe(thrown)
    await expect(proxyEventStream('undefined/v1')(request)).rejects.toThrow('Invalid URL')
  })
})

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

  test('also when all but the body has been collected as garbage', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const server = await upstream()
    const abort = new AbortController()
    const open = async () => {
      const request = { url: 'https://app.example/', method: 'GET', headers: new Headers() }
      const handler = proxyEventStream(server.url)
      return (await handler({ ...request, signal: abort.signal } as Request)).body
    }
    const body = await open()
    for (let i = 0; i < 5; i++) {
      collect()
      await new Promise((done) => setImmediate(done))
    }
    expect(server.open.size).toBe(1)
    const reader = body?.getReader()
    expect(new TextDecoder().decode((await reader?.read())?.value)).toContain('first')
    abort.abort()
    await until(() => server.open.size === 0, 1000)
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
