import { describe, expect, test } from 'vitest'
import { type ProxyOptions, proxyEventStream } from '../../src/next/index.js'
import { readTo, upstream, visit, watch } from './helpers.js'

watch()

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
