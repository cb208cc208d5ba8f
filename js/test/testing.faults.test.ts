import { afterEach, describe, expect, it, vi } from 'vitest'
import { createTestStream } from '../src/testing/index.js'
import { connected, dataOf } from './testingClient.js'

const undo: (() => void)[] = []

afterEach(() => {
  vi.useRealTimers()
  for (const run of undo.splice(0).reverse()) run()
})

describe('what goes wrong on demand', () => {
  it('answers the next attempts with a failure', async () => {
    vi.useFakeTimers()
    const { stream, client } = await connected()
    await client.has('hub.hello')
    stream.fail(503, { retryAfter: 2500, times: 2 })
    stream.cut()
    const failures = () => client.states.filter((s) => s.status === 'retrying')
    await vi.advanceTimersByTimeAsync(200)
    expect(failures().at(-1)).toMatchObject({ error: { status: 503, retryAfter: 3000 } })
    expect(stream.connections).toBe(0)
    const back = stream.connected()
    await vi.advanceTimersByTimeAsync(10_000)
    await back
    expect(stream.requests).toHaveLength(4)
  })

  it('fails like a network, until it is restored', async () => {
    const stream = createTestStream()
    stream.fail(0, { times: Number.POSITIVE_INFINITY })
    for (let i = 0; i < 3; i++) await expect(stream.fetch('/live')).rejects.toThrow(TypeError)
    stream.restore()
    expect((await stream.fetch('/live')).status).toBe(200)
    stream.fail(204)
    expect((await stream.fetch('/live')).status).toBe(204)
    expect(() => stream.fail(200)).toThrow(RangeError)
    expect(() => stream.fail(500, { times: 0 })).toThrow(RangeError)
  })

  it('falls silent: the watchdog notices, and nothing is lost', async () => {
    vi.useFakeTimers()
    const { stream, client } = await connected({ heartbeat: 1000 })
    await client.has('hub.hello')
    stream.hang()
    stream.send(1)
    await vi.advanceTimersByTimeAsync(2600)
    expect(client.states.at(-1)).toMatchObject({ status: 'retrying', error: { kind: 'stalled' } })
    expect(stream.connections).toBe(0)
    await vi.advanceTimersByTimeAsync(1000)
    expect(stream.requests).toHaveLength(2) // and it is not answered
    expect(stream.connections).toBe(0)
    stream.restore()
    await client.events(1)
    expect(dataOf(client.seen)).toEqual([1])
  })

  it('sends what stayed back to who has waited', async () => {
    const { stream, client } = await connected()
    await client.has('hub.hello')
    stream.hang()
    stream.send(1)
    expect(dataOf(client.seen)).toEqual([])
    stream.restore()
    await client.events(1)
    expect(stream.requests).toHaveLength(1)
  })

  it('runs on fake timers alone', async () => {
    vi.useFakeTimers()
    const { stream, client } = await connected()
    stream.send(1)
    await client.events(1)
    client.connection.close()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('aborting', () => {
  it('breaks a reading off', async () => {
    const stream = createTestStream()
    const abort = new AbortController()
    const { body } = await stream.fetch('/live', { signal: abort.signal })
    const reader = body?.getReader()
    await reader?.read()
    const reading = reader?.read()
    expect(stream.connections).toBe(1)
    abort.abort()
    await expect(reading).rejects.toMatchObject({ name: 'AbortError' })
    expect(stream.connections).toBe(0)
  })

  it('rejects an attempt that has been or is aborted', async () => {
    const stream = createTestStream()
    const signal = AbortSignal.abort()
    await expect(stream.fetch('/live', { signal })).rejects.toMatchObject({ name: 'AbortError' })
    stream.hang()
    const abort = new AbortController()
    const attempt = stream.fetch(new Request('http://hub.test/live', { signal: abort.signal }))
    abort.abort(new Error('enough'))
    await expect(attempt).rejects.toThrow('enough')
    stream.restore()
    expect(stream.connections).toBe(0)
    expect(stream.requests).toHaveLength(2)
  })

  it('notices a reader who cancels', async () => {
    const stream = createTestStream()
    const response = await stream.fetch('/live')
    await response.body?.cancel()
    expect(stream.connections).toBe(0)
    stream.send(1)
  })
})

describe('which addresses it serves', () => {
  it('passes others on to the fetch that was there', async () => {
    const before = globalThis.fetch
    const real = vi.fn(async () => new Response('real'))
    globalThis.fetch = real
    undo.push(() => {
      globalThis.fetch = before
    })
    const stream = createTestStream({ url: '/live' })
    const restore = stream.install()
    expect(await (await fetch('http://other.test/x')).text()).toBe('real')
    expect((await fetch('http://any.test/live?x=1')).headers.get('content-type')).toMatch('stream')
    restore()
    expect(globalThis.fetch).toBe(real)
    expect(stream.requests).toHaveLength(1)
  })

  it('says so if there is no other fetch', async () => {
    const before = globalThis.fetch
    Reflect.deleteProperty(globalThis, 'fetch')
    undo.push(() => {
      globalThis.fetch = before
    })
    const stream = createTestStream({ url: (url) => url.pathname === '/live' })
    await expect(stream.fetch('http://other.test/x')).rejects.toThrow('http://other.test/x')
  })

  it('compares as much of an address as is given', async () => {
    const serves = async (url: string | RegExp, asked: string) => {
      const real = globalThis.fetch
      globalThis.fetch = async () => new Response(null, { status: 204 })
      const stream = createTestStream({ url })
      globalThis.fetch = real
      return (await stream.fetch(asked)).status === 200
    }
    expect(await serves('/v1/events?stream=a', 'http://h/v1/events?stream=a')).toBe(true)
    expect(await serves('/v1/events?stream=a', 'http://h/v1/events?stream=b')).toBe(false)
    expect(await serves('http://h/live', 'http://h/live?x')).toBe(true)
    expect(await serves('http://h/live', 'http://other/live')).toBe(false)
    expect(await serves(/\/v1\//g, 'http://h/v1/streams/a/events')).toBe(true)
  })

  it('can be installed with using', () => {
    const before = globalThis.fetch
    const stream = createTestStream()
    {
      using _ = stream.install()
      expect(globalThis.fetch).toBe(stream.fetch)
    }
    expect(globalThis.fetch).toBe(before)
  })

  it('refuses what a hub refuses', async () => {
    const stream = createTestStream()
    const problem = async (path: string, init: RequestInit = {}) => {
      const response = await stream.fetch(path, init)
      return [response.status, (await response.json()).detail] as const
    }
    expect(await problem('/v1/events')).toEqual([400, expect.stringContaining('No stream')])
    expect(await problem('/v1/events?stream=a..b')).toEqual([400, expect.stringContaining('a..b')])
    expect(await problem('/v1/streams/a.*/events')).toEqual([400, expect.stringContaining('a.*')])
    expect(await problem('/live?last=0')).toEqual([400, expect.stringContaining('last')])
    expect(await problem('/live?since=x')).toEqual([400, expect.stringContaining('since')])
    expect(await problem('/v1/events?view=count(a)')).toEqual([
      400,
      expect.stringContaining('view'),
    ])
    expect((await problem('/live', { method: 'POST' }))[0]).toBe(405)
    expect(stream.connections).toBe(0)
  })
})
