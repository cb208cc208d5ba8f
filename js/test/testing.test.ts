import { describe, expect, it } from 'vitest'
import { createTestStream, type TestStream } from '../src/testing/index.js'
import { connected, dataOf, followed } from './testingClient.js'

/** What a request is answered, up to where nothing more is there. */
async function text(stream: TestStream, path: string, headers: HeadersInit = {}) {
  const response = await stream.fetch(`http://hub.test${path}`, { headers })
  stream.end()
  return response.text()
}

describe('a test stream', () => {
  it('says hello, then numbers what it sends', async () => {
    const { stream, client } = await connected({ heartbeat: 5000 })
    expect(stream.send({ n: 1 })).toBe('test-1')
    expect(stream.send([2], { type: 'tick' })).toBe('test-2')
    await client.events(2)
    const hello = {
      version: 'test',
      heartbeat_ms: 5000,
      position: 'test-0',
      streams: ['>'],
      delivery: 'rule',
    }
    expect(client.seen).toEqual([
      { type: 'hub.hello', id: 'test-0', data: hello },
      { type: 'message', id: 'test-1', data: { n: 1 } },
      { type: 'tick', id: 'test-2', data: [2] },
    ])
  })

  it('writes what a hub writes, byte for byte', async () => {
    const stream = createTestStream()
    stream.send('ü', { stream: 'a', type: 't', key: 'k', time: 0 })
    const hello =
      'retry: 100\nid: test-0\nevent: hub.hello\ndata: {"version":"test","heartbeat_ms":15000,' +
      '"position":"test-0","streams":["a"],"delivery":"rule"}\n\n'
    expect(await text(stream, '/v1/streams/a/events?last=1')).toBe(
      `${hello}id: test-1\nevent: t\ndata: "ü"\n\n`,
    )
    expect(await text(stream, '/v1/events?stream=a&last=1')).toBe(
      `${hello}id: test-1\ndata: {"stream":"a","id":"test-1","type":"t",` +
        `"time":"1970-01-01T00:00:00.000Z","key":"k","data":"ü"}\n\n`,
    )
  })

  it('replays what was sent meanwhile, each event once', async () => {
    const { stream, client } = await connected()
    stream.send(1)
    await client.events(1)
    for (let n = 2; n < 60; n += 3) {
      stream.cut()
      stream.send(n)
      stream.send(n + 1)
      await stream.connected()
      stream.send(n + 2)
      await client.events(n + 2)
    }
    expect(dataOf(client.seen)).toEqual(Array.from({ length: 61 }, (_, i) => i + 1))
    expect(stream.requests.map((r) => r.lastEventId).slice(0, 3)).toEqual(['', 'test-1', 'test-4'])
    expect(stream.requests[1]?.headers.get('last-event-id')).toBe('test-1')
    expect(stream.connections).toBe(1)
  })

  it('replays what a cut took from the network', async () => {
    const { stream, client } = await connected()
    await client.has('hub.hello')
    stream.hang()
    stream.send(1)
    stream.cut()
    stream.restore()
    await client.events(1)
    expect(stream.requests).toHaveLength(2)
  })

  it('counts what it no longer has', async () => {
    const stream = createTestStream({ history: 2 })
    for (let n = 1; n <= 5; n++) stream.send(n, { stream: n === 2 ? 'b' : 'a' })
    const client = followed(stream, '/v1/events?stream=a', 'test-1')
    await client.events(2)
    expect(client.seen.slice(1, 3)).toMatchObject([
      {
        type: 'hub.gap',
        id: undefined,
        data: { stream: 'a', from: 'test-1', to: 'test-4', lost: 1, reason: 'evicted' },
      },
      { id: 'test-4', data: { stream: 'a', data: 4 } },
    ])
  })

  it('takes the id of the header before that of the query', async () => {
    const stream = createTestStream()
    for (const n of [1, 2, 3]) stream.send(n)
    const asked = '/live?last-event-id=test-1'
    expect(await text(stream, asked)).toMatch(/id: test-2\ndata: 2\n\nid: test-3/)
    expect(await text(stream, asked, { 'Last-Event-ID': 'test-2' })).not.toContain('data: 2')
    expect(stream.requests.map((r) => r.lastEventId)).toEqual(['test-1', 'test-2'])
  })

  it('says of a cursor that it does not know why', async () => {
    const stream = createTestStream()
    stream.send(1)
    expect(await text(stream, '/live?last-event-id=k9-4')).toContain('"reason":"epoch"')
    expect(await text(stream, '/live?last-event-id=test-2')).toContain('"reason":"unknown"')
    expect(await text(stream, '/live?last-event-id=')).not.toContain('hub.gap')
  })

  it('sends each its own selection', async () => {
    const stream = createTestStream()
    const bare = followed(stream, '/v1/streams/a.x/events')
    const many = followed(stream, '/v1/events?stream=a.*&stream=b')
    const conditional = followed(stream, '/v1/events?stream=a.x%20where%20data%20%3E%203')
    await stream.connected(3)
    stream.send(1, { stream: 'a.x' })
    stream.send(2, { stream: 'b' })
    stream.send(3, { stream: 'c' })
    stream.send(4)
    await Promise.all([bare.events(2), many.events(3), conditional.events(2)])
    expect(dataOf(bare.seen)).toEqual([1, 4])
    expect(dataOf(many.seen)).toMatchObject([
      { stream: 'a.x', id: 'test-1', data: 1 },
      { stream: 'b', id: 'test-2', data: 2 },
      { stream: 'b', id: 'test-4', data: 4 },
    ])
    expect(dataOf(conditional.seen)[0]).toMatchObject({ match: ['a.x where data > 3'] })
  })

  it('begins with what last and since ask for', async () => {
    const stream = createTestStream()
    for (const n of [1, 2, 3]) stream.send(n, { time: Date.now() - (4 - n) * 60_000 })
    expect(await text(stream, '/live?last=1')).toMatch(/"position":"test-2"(.|\n)*data: 3/)
    const since = await text(stream, '/live?since=2m30s')
    expect(since).toContain('data: 2')
    expect(since).not.toContain('data: 1')
  })

  it('has pages of what is kept', async () => {
    const stream = createTestStream()
    for (const n of [1, 2, 3]) stream.send(n, { stream: 'a', time: 0 })
    const get = async (query: string) => {
      const headers = { Accept: 'application/json' }
      const response = await stream.fetch(`http://hub.test/v1/events?${query}`, { headers })
      return response.json()
    }
    const first = await get('stream=a&limit=2&since=1970-01-01T00:00:00Z')
    expect(first).toMatchObject({ events: [{ data: 1 }, { data: 2 }], more: true, gaps: [] })
    const next = await get(`stream=a&limit=2&last-event-id=${first.cursor}`)
    expect(next).toMatchObject({ events: [{ data: 3 }], more: false, cursor: 'test-3' })
    expect(stream.connections).toBe(0)
  })

  it('tells a gap, also to who comes back from before it', async () => {
    const { stream, client } = await connected({}, '/v1/streams/a/events')
    stream.send(1)
    await client.events(1)
    stream.gap({ lost: 12, stream: 'a' })
    await client.has('hub.gap')
    const gap = { stream: 'a', from: 'test-1', to: 'test-14', lost: 12, reason: 'overflow' }
    expect(client.seen.at(-1)).toMatchObject({ id: undefined, data: gap })
    expect(stream.send(2)).toBe('test-14')
    expect(await text(stream, '/v1/streams/a/events?last-event-id=test-1')).toContain('"lost":12')
    expect(() => stream.gap({ lost: 1, reason: 'epoch' })).toThrow(RangeError)
  })

  it('begins a new epoch', async () => {
    const { stream, client } = await connected()
    stream.send(1)
    await client.events(1)
    stream.gap({ reason: 'epoch' })
    stream.send(2)
    await client.events(2)
    expect(client.seen.slice(-2)).toMatchObject([
      { type: 'hub.gap', id: 'test2-0', data: { lost: null, from: null, reason: 'epoch' } },
      { id: 'test2-1', data: 2 },
    ])
    expect(await text(stream, '/live?last-event-id=test-1')).toContain('"reason":"epoch"')
  })

  it('takes ids that only rise', () => {
    const stream = createTestStream()
    expect(stream.send(1, { id: 'test-7' })).toBe('test-7')
    expect(stream.send(2, { id: 'order/1' })).toBe('order/1')
    expect(stream.send(3)).toBe('test-9')
    expect(() => stream.send(4, { id: 'test-9' })).toThrow('ids only rise')
    expect(() => stream.send(4, { id: 'order/1' })).toThrow(RangeError)
    expect(() => stream.send(4, { id: 'a\nb' })).toThrow(RangeError)
    expect(() => stream.send(4, { type: 'hub.gap' })).toThrow(TypeError)
    expect(() => stream.send(undefined)).toThrow(TypeError)
    expect(stream.send(4)).toBe('test-10')
  })

  it('writes raw text and heartbeats', async () => {
    const { stream, client } = await connected()
    stream.sendRaw('data: {"half":')
    stream.sendRaw('1}\n\n')
    stream.heartbeat()
    await client.has('hub.heartbeat')
    expect(client.seen.at(-2)).toMatchObject({ id: undefined, data: { half: 1 } })
    expect(client.seen.at(-1)).toMatchObject({ id: 'test-0', data: { state: 'ok' } })
  })

  it('ends as a server does, after what it sent', async () => {
    const { stream, client } = await connected()
    stream.send(1)
    stream.end({ reason: 'drain', retryMs: 1 })
    expect(stream.connections).toBe(0)
    await client.events(1)
    await client.has('hub.bye')
    await stream.connected()
    expect(stream.requests.at(-1)?.lastEventId).toBe('test-1')
  })
})
