import { afterEach, describe, expect, it, vi } from 'vitest'
import { backoff } from '../src/stream/backoff.js'
import { Connection, type StreamState } from '../src/stream/connection.js'
import { parseRetryAfter } from '../src/stream/error.js'
import { isNewer } from '../src/stream/position.js'
import { FakeHub } from './fake.mjs'

const open: { hub: FakeHub; stream: Connection }[] = []

afterEach(async () => {
  for (const { hub, stream } of open.splice(0)) {
    stream.close()
    await hub.close()
  }
})

/** A hub, a stream connected to it, and what that has delivered. */
async function connected(options: { silence?: number; heartbeat?: number } = {}) {
  const hub = new FakeHub()
  hub.retry = 10
  if (options.heartbeat !== undefined) hub.heartbeat = options.heartbeat
  const base = await hub.listen()
  const seen: number[] = []
  const types: string[] = []
  const states: StreamState[] = []
  const stream = new Connection(`${base}/v1/events?stream=%3E`, {
    retry: { minDelay: 5, maxDelay: 40 },
    ...(options.silence === undefined ? {} : { heartbeatTimeout: options.silence }),
    onEvent: (e) => {
      types.push(e.type)
      if (e.type === 'message') seen.push(JSON.parse(e.data).data)
    },
    onState: (s) => states.push(s),
  })
  open.push({ hub, stream })
  await expect.poll(() => stream.state.status).toBe('live')
  return { hub, base, stream, seen, types, states }
}

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1)

describe('an event stream', () => {
  it('delivers every event once and in order across cut connections', async () => {
    const { hub, seen } = await connected()
    for (let i = 1; i <= 300; i++) {
      hub.publish('n', i)
      if (i % 60 === 0) {
        hub.cut()
        await expect.poll(() => hub.subscribers.size).toBe(1)
      }
    }
    await expect.poll(() => seen.length).toBe(300)
    expect(seen).toEqual(upTo(300))
  })

  it('continues after its last id, sent as a header', async () => {
    const { hub, stream } = await connected()
    hub.publish('n', 1)
    await expect.poll(() => stream.lastEventId).toBe('fk1-1')
    hub.cut()
    await expect.poll(() => hub.requests.length).toBe(2)
    expect(hub.requests[0]?.['last-event-id']).toBeUndefined()
    expect(hub.requests[1]?.['last-event-id']).toBe('fk1-1')
  })

  it('drops what it has delivered already', async () => {
    const { hub, seen } = await connected()
    hub.publish('n', 1)
    hub.publish('n', 2)
    const [first] = hub.events
    hub.send(`id: ${first?.id}\ndata: ${JSON.stringify(first)}\n\n`)
    hub.publish('n', 3)
    await expect.poll(() => seen.at(-1)).toBe(3)
    expect(seen).toEqual([1, 2, 3])
  })

  it('follows a log that was replaced, whose numbers begin anew', async () => {
    const { hub, stream, seen } = await connected()
    hub.publish('n', 1)
    hub.send('id: other-0\nevent: hub.gap\ndata: {"reason":"epoch"}\n\n')
    hub.send('id: other-1\ndata: {"stream":"n","data":9}\n\n')
    await expect.poll(() => seen).toEqual([1, 9])
    expect(stream.lastEventId).toBe('other-1')
  })

  it.each([502, 503, 504, 429, 500])('survives answers of %i', async (status) => {
    const { hub, seen, states } = await connected()
    hub.refuse = status
    hub.cut()
    await expect.poll(() => hub.requests.length).toBeGreaterThan(2)
    hub.publish('n', 1)
    hub.refuse = 0
    await expect.poll(() => seen).toEqual([1])
    const errors = states.flatMap((s) => (s.status === 'retrying' ? [s.error.status] : []))
    expect(errors).toContain(status)
  })

  it('survives a server that is gone and comes back', async () => {
    const { hub, base, stream, seen } = await connected()
    hub.publish('n', 1)
    await expect.poll(() => seen.length).toBe(1)
    await hub.close()
    await expect.poll(() => stream.state.status).toBe('retrying')
    hub.publish('n', 2)
    const again = new FakeHub()
    again.events = hub.events
    await again.listen(Number(new URL(base).port))
    open.push({ hub: again, stream })
    await expect.poll(() => seen).toEqual([1, 2])
  })

  it('gives up on what cannot get better, until told to try again', async () => {
    const { hub, stream } = await connected()
    hub.refuse = 403
    hub.cut()
    await expect.poll(() => stream.state.status).toBe('closed')
    hub.refuse = 0
    stream.reconnect()
    await expect.poll(() => stream.state.status).toBe('live')
  })

  it('replaces a connection on which no byte comes', async () => {
    const { hub, states } = await connected({ heartbeat: 40 })
    await expect.poll(() => hub.requests.length).toBeGreaterThan(1)
    const kinds = states.flatMap((s) => (s.status === 'retrying' ? [s.error.kind] : []))
    expect(kinds).toContain('stalled')
  })

  it('waits as long as a goodbye asks for', async () => {
    const { hub, states } = await connected()
    hub.send('event: hub.bye\ndata: {"reason":"drain","retry_ms":60000}\n\n')
    await expect.poll(() => states.length).toBeGreaterThan(0)
    for (const res of hub.subscribers) res.end()
    await expect.poll(() => states.at(-1)?.status).toBe('retrying')
    const state = states.at(-1)
    const wait = state?.status === 'retrying' ? Number(state.error.retryAt) - Date.now() : 0
    expect(wait).toBeGreaterThan(55_000)
    expect(wait).toBeLessThanOrEqual(60_000)
  })

  it('delivers nothing after it was closed', async () => {
    const { hub, stream, seen } = await connected()
    stream.close()
    await expect.poll(() => hub.subscribers.size).toBe(0)
    hub.publish('n', 1)
    expect(stream.state.status).toBe('closed')
    expect(seen).toEqual([])
  })
})

describe('positions', () => {
  it.each([
    ['a-2', 'a-1', true],
    ['a-1', 'a-1', false],
    ['a-1', 'a-2', false],
    ['a-10', 'a-9', true],
    ['a-18446744073709551615', 'a-18446744073709551614', true],
    ['b-1', 'a-2', true],
    ['opaque', 'opaque', true],
    ['a-1', '', true],
  ])('%s is newer than %s: %s', (a, b, want) => {
    expect(isNewer(a, b)).toBe(want)
  })
})

describe('the back-off', () => {
  it('grows from the server’s wish to its cap, with jitter below it', () => {
    const delays = (random: number) =>
      [1, 2, 3, 4, 5, 6, 7].map((n) => backoff(n, 1000, { random: () => random }))
    expect(delays(0)).toEqual([1000, 1000, 2000, 4000, 8000, 15_000, 15_000])
    expect(delays(0.999999)).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
  })

  it('never exceeds its cap after a thousand failures', () => {
    for (let n = 1; n < 1000; n++) {
      expect(backoff(n, 500, { random: () => 1 })).toBeLessThanOrEqual(30_000)
    }
  })

  it('spreads the first retries of those whom the server has told nothing', async () => {
    const waits = await Promise.all(
      [0, 0.5, 0.999].map(async (random) => {
        const states: StreamState[] = []
        const connection = new Connection('http://127.0.0.1:1/', {
          retry: { minDelay: 10_000, random: () => random },
          onEvent: () => {},
          onState: (state) => states.push(state),
        })
        await expect.poll(() => states.length).toBe(1)
        connection.close()
        const [state] = states
        return state?.status === 'retrying' ? Number(state.error.retryAt) - Date.now() : 0
      }),
    )
    for (const [i, want] of [5000, 10_000, 15_000].entries()) {
      expect(Math.abs(Number(waits[i]) - want)).toBeLessThan(1000)
    }
  })
})

describe('Retry-After', () => {
  it.each([
    ['120', 120_000],
    ['Sun, 22 Nov 2026 12:00:30 GMT', 30_000],
    ['Sun, 22 Nov 2026 11:00:00 GMT', -3_600_000],
    ['soon', undefined],
    ['0', undefined],
    [null, undefined],
  ])('%s is %s ms', (header, want) => {
    vi.setSystemTime('2026-11-22T12:00:00Z')
    const ms = parseRetryAfter(header)
    vi.useRealTimers()
    if (header === '0') expect(ms).toBeLessThan(0)
    else expect(ms).toBe(want)
  })
})
