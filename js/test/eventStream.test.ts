import { describe, expect, it, vi } from 'vitest'
import {
  type EventStream,
  openEventStream,
  type StreamError,
  type StreamOptions,
} from '../src/index.js'
import { Hub } from './hub.js'
import { says, status } from './scripted.js'
import { stage, upTo } from './stage.js'

const { ends, hub, newName, scripted } = await stage()

/** Opens a stream for the time of a test, and notes what it brings. */
function open<T = number>(url: string, options: StreamOptions<T> = {}) {
  const retry = { minDelay: 5, maxDelay: 40 }
  const stream: EventStream<T> = openEventStream(url, { retry, ...options })
  ends.push(() => stream.close())
  const data: T[] = []
  const errors: StreamError[] = []
  stream.on((event) => data.push(event.data))
  stream.onError((error) => errors.push(error))
  return { stream, data, errors }
}

describe('an event stream', () => {
  it('gives typed events', async () => {
    const name = newName()
    const { stream } = open<{ n: number }>(hub.at(name))
    const events: unknown[] = []
    stream.on((event) => events.push(event))
    await expect.poll(() => stream.state.status).toBe('live')
    const before = Date.now()
    const id = await hub.publish(name, { n: 1 })
    await expect.poll(() => events.length).toBe(1)
    const [event] = events as [{ receivedAt: number }]
    expect(event).toMatchObject({ data: { n: 1 }, type: 'message', id })
    expect(event.receivedAt).toBeGreaterThanOrEqual(before)
    expect(stream.lastEventId).toBe(id)
  })

  it('goes on after an event that is no JSON, and says so', async () => {
    const server = await scripted(says('id: 7\ndata: {"n"\n\ndata: 2\n\n'))
    const { data, errors, stream } = open(server.url)
    await expect.poll(() => data).toEqual([2])
    expect(errors.map((e) => e.kind)).toEqual(['parse'])
    expect(errors[0]?.message).toMatch(/^event 7: SyntaxError/)
    expect(stream.state.status).toBe('live')
    expect(server.requests.length).toBe(1)
  })

  it('leaves text as it is where String parses', async () => {
    const server = await scripted(says('data: one line\ndata: and another\n\n'))
    const { data } = open(server.url, { parse: String })
    await expect.poll(() => data).toEqual(['one line\nand another'])
  })

  it('checks what it gives with a schema', async () => {
    const server = await scripted(says('data: "x"\n\ndata: 2\n\n'))
    const schema = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value: unknown) =>
          typeof value === 'number'
            ? { value: value * 10 }
            : { issues: [{ message: 'no number' }] },
      },
    }
    const { data, errors } = open(server.url, { schema })
    await expect.poll(() => data).toEqual([20])
    expect(errors[0]?.message).toMatch('no number')
  })

  it('hands out the types that are asked for, of control events too', async () => {
    const server = await scripted(
      says('event: a\ndata: 1\n\nevent: b\ndata: 2\n\nevent: hub.heartbeat\ndata: 3\n\n'),
    )
    const { data } = open(server.url, { types: ['b', 'hub.heartbeat'] })
    await expect.poll(() => data).toEqual([2, 3])
  })

  it('loses nothing when a listener connects anew in the middle of what came', async () => {
    const server = await scripted((res, req) => {
      const after = Number(String(req.headers['last-event-id'] ?? 'a-0').split('-')[1])
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.write(
        upTo(100, after + 1)
          .map((n) => `id: a-${n}\ndata: ${n}\n\n`)
          .join(''),
      )
    })
    const { stream, data } = open(server.url)
    stream.on((event) => {
      if (event.data % 10 === 0) stream.reconnect()
    })
    await expect.poll(() => data.at(-1)).toBe(100)
    expect(data).toEqual(upTo(100))
  })

  it('hands out no event by whose parsing it was closed', async () => {
    const server = await scripted(says('data: 1\n\ndata: 2\n\n'))
    const parse = (data: string) => {
      if (data === '2') stream.close()
      return Number(data)
    }
    const { stream, data } = open(server.url, { parse })
    await expect.poll(() => stream.state.status).toBe('closed')
    expect(data).toEqual([1])
  })

  it('is not cut by a listener that throws', async () => {
    const server = await scripted(says('data: 1\n\ndata: 2\n\n'))
    const { stream, data } = open(server.url)
    const thrown: unknown[] = []
    const catching = (error: unknown) => thrown.push(error)
    const before = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException').on('uncaughtException', catching)
    stream.on(() => {
      throw new Error('mine')
    })
    await expect.poll(() => thrown.length).toBe(2)
    process.removeListener('uncaughtException', catching)
    for (const listener of before) process.on('uncaughtException', listener)
    expect(data).toEqual([1, 2])
    expect(server.requests.length).toBe(1)
  })

  it('says what was lost, with the count, and goes on', async () => {
    const small = await Hub.start({ keep: 5 })
    ends.push(() => small.close())
    const first = await small.publish('n', 1)
    await small.publish('n', ...upTo(10, 2))
    // Until it has let go of what it sent last, a hub may give more than it keeps.
    await small.server.stop()
    await small.server.run()
    const { data, errors, stream } = open(small.at('n'), { lastEventId: first })
    await expect.poll(() => data).toEqual(upTo(10, 6))
    expect(errors.map((e) => [e.kind, e.gap?.lost, e.gap?.reason])).toEqual([['gap', 4, 'evicted']])
    expect(errors[0]?.message).toBe('4 events of n are lost (evicted)')
    expect(stream.state.status).toBe('live')
  })

  it('says when the server has another log', async () => {
    const { errors } = open(hub.at(newName()), { lastEventId: 'zz-17' })
    await expect.poll(() => errors.map((e) => e.gap?.reason)).toEqual(['epoch'])
  })

  it('ends by its signal, also by one that is aborted already', async () => {
    const name = newName()
    const stop = new AbortController()
    const { stream } = open(hub.at(name), { signal: stop.signal })
    await expect.poll(() => hub.subscribers()).toBe(1)
    stop.abort()
    expect(stream.state).toEqual({ status: 'closed' })
    await expect.poll(() => hub.subscribers()).toBe(0)
    expect(open(hub.at(name), { signal: stop.signal }).stream.state).toEqual({ status: 'closed' })
  })

  it.each([204, 400, 404, 410])('gives up after a %i', async (code) => {
    const server = await scripted(
      status(
        code,
        { 'content-type': 'application/problem+json' },
        code === 204 ? '' : '{"detail":"why"}',
      ),
    )
    const { stream, errors } = open(server.url)
    await expect.poll(() => stream.state.status).toBe('closed')
    expect(errors).toHaveLength(1)
    expect(errors[0]).toMatchObject({ kind: 'http', status: code, fatal: true, attempt: 1 })
    expect(errors[0]?.message).toMatch(code === 204 ? '204' : `${code}: why`)
    expect(server.requests).toHaveLength(1)
    stream.reconnect()
    await expect.poll(() => server.requests.length).toBe(2)
  })

  it('gives up after as many attempts as it may make', async () => {
    const server = await scripted(status(503))
    const { stream, errors } = open(server.url, { retry: { minDelay: 1, maxAttempts: 3 } })
    await expect.poll(() => stream.state.status).toBe('closed')
    expect(errors.map((e) => [e.attempt, e.fatal ?? false])).toEqual([
      [1, false],
      [2, false],
      [3, true],
    ])
  })

  it('waits as long as Retry-After says', async () => {
    const server = await scripted(status(503, { 'retry-after': '60' }))
    const { stream, errors } = open(server.url)
    await expect.poll(() => stream.state.status).toBe('retrying')
    expect(Number(errors[0]?.retryAt) - Date.now()).toBeGreaterThan(55_000)
  })

  it('asks once more for its headers when they are refused', async () => {
    const server = await scripted(status(401), says('data: 1\n\n'), status(403))
    let token = 0
    const headers = () => ({ authorization: `Bearer ${++token}` })
    const { stream, data } = open(server.url, { headers })
    await expect.poll(() => data).toEqual([1])
    expect(server.requests.map((r) => r.headers.authorization)).toEqual(['Bearer 1', 'Bearer 2'])
    server.cut()
    await expect.poll(() => stream.state.status).toBe('closed')
    expect(token).toBe(4) // renewed once after it had worked
  })

  it('does not come back with a token that the server has revoked', async () => {
    const bye = 'event: hub.bye\ndata: {"reason":"revoked","retry_ms":1}\n\n'
    const server = await scripted((res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' }).end(bye)
    })
    const fixed = open(server.url, { headers: { authorization: 'Bearer 1' } })
    await expect.poll(() => fixed.stream.state.status).toBe('closed')
    expect(server.requests).toHaveLength(1)
  })

  it.each(['close', 'reconnect'] as const)(
    'may be told to %s by who hears of an error',
    async (what) => {
      const server = await scripted(status(503), says('data: 1\n\n'))
      if (what === 'close') vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
      ends.push(() => vi.useRealTimers())
      const { stream, data } = open(server.url)
      const end = stream.onError(() => {
        end()
        stream[what]()
      })
      if (what === 'reconnect') {
        await expect.poll(() => data).toEqual([1])
        expect(server.open.size).toBe(1)
        expect(server.requests).toHaveLength(2)
        return
      }
      await expect.poll(() => stream.state.status).toBe('closed')
      vi.advanceTimersByTime(60_000)
      await (await fetch(server.url)).body?.cancel() // comes after the attempt, if there was one
      expect(server.requests).toHaveLength(2)
    },
  )

  it('tries again when its headers can’t be had, or never come', async () => {
    const server = await scripted(says('data: 1\n\n'))
    let asked = 0
    const headers = () => {
      if (++asked === 1) throw new Error('no token')
      return asked === 2 ? new Promise<never>(() => {}) : {}
    }
    const { data, errors } = open(server.url, { headers, heartbeatTimeout: 500 })
    await expect.poll(() => data).toEqual([1])
    expect(errors.map((e) => e.kind)).toEqual(['connect', 'stalled'])
    expect(errors[0]?.message).toMatch('no token')
  })

  it('knows no order of ids but a hub’s', async () => {
    const server = await scripted(says('id: order-5\ndata: 1\n\nid: order-3\ndata: 2\n\n'))
    const { data, stream } = open(server.url)
    await expect.poll(() => data).toEqual([1, 2])
    expect(stream.lastEventId).toBe('order-3')
  })

  it('counts its attempts anew when told to try again', async () => {
    const server = await scripted(status(503))
    const { stream, errors } = open(server.url, { retry: { minDelay: 1, maxAttempts: 2 } })
    await expect.poll(() => stream.state.status).toBe('closed')
    stream.reconnect()
    await expect.poll(() => errors.map((e) => e.attempt)).toEqual([1, 2, 1, 2])
    expect(stream.state.status).toBe('closed')
  })

  it('decides itself when who is asked throws', async () => {
    const server = await scripted(status(503), says('data: 1\n\n'))
    const when = () => {
      throw new Error('mine')
    }
    const { data } = open(server.url, { retry: { minDelay: 1, when } })
    await expect.poll(() => data).toEqual([1])
  })

  it('waits longer and longer for a server that accepts and hangs up', async () => {
    const server = await scripted((res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' }).end(':\n\n')
    })
    const { errors } = open(server.url, { retry: { minDelay: 100 } })
    await expect.poll(() => errors.length).toBe(4)
    expect(errors.map((e) => e.attempt)).toEqual([1, 2, 3, 4])
  })

  it('sends its headers and no cookies elsewhere by default', async () => {
    const server = await scripted(says())
    open(server.url, { headers: { 'x-mine': 'yes' } })
    await expect.poll(() => server.requests.length).toBe(1)
    const { headers } = server.requests[0] as { headers: Record<string, string> }
    expect(headers).toMatchObject({ 'x-mine': 'yes', accept: 'text/event-stream' })
  })
})

describe('a loop over an event stream', () => {
  it('gets every event, across cuts', async () => {
    const name = newName()
    const first = await hub.publish(name, 1)
    const { stream } = open(hub.at(name), { lastEventId: first })
    const seen: number[] = []
    const loop = (async () => {
      for await (const { data } of stream) {
        seen.push(data)
        if (data % 10 === 0) stream.reconnect()
        if (data === 60) return
      }
    })()
    for (const n of upTo(60, 2)) await hub.publish(name, n)
    await loop
    expect(seen).toEqual(upTo(60, 2))
  })

  it('ends when the stream is closed', async () => {
    const { stream } = open(hub.at(newName()))
    const loop = (async () => {
      for await (const _ of stream);
      return 'done'
    })()
    stream.close()
    expect(await loop).toBe('done')
  })

  it('throws when the stream is given up', async () => {
    const server = await scripted(says('data: 1\n\n'), status(410))
    const { stream } = open(server.url)
    const seen: number[] = []
    const loop = (async () => {
      for await (const { data } of stream) {
        seen.push(data)
        server.cut()
      }
    })()
    await expect(loop).rejects.toMatchObject({ kind: 'http', status: 410 })
    expect(seen).toEqual([1])
  })

  it('leaves nothing open when it is left', async () => {
    const name = newName()
    await hub.publish(name, 1)
    for await (const _ of openEventStream(hub.at(name, 'last=1'))) break
    await expect.poll(() => hub.subscribers()).toBe(0)
  })

  it('holds up nobody once its stream is closed', async () => {
    const name = newName()
    const slow = open(hub.at(name), { share: 'tab' })
    const other = open(hub.at(name), { share: 'tab' })
    const loop = slow.stream[Symbol.asyncIterator]()
    const first = loop.next()
    await expect.poll(() => hub.subscribers()).toBe(1)
    await hub.publish(name, 0)
    await first
    for (let i = 0; i < 20; i++) await hub.publish(name, ...upTo(i * 100 + 100, i * 100 + 1))
    await expect.poll(() => other.data.length).toBeGreaterThan(256)
    slow.stream.close()
    await expect.poll(() => other.data.at(-1)).toBe(2000)
  })

  it('is not overrun: who reads slowly holds the server back, and loses nothing', async () => {
    const BYTES = 1000
    let sent = 0
    let full = false
    const server = await scripted((res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      const write = () => {
        full = false
        while (!full) full = !res.write(`data: "${String(sent++).padEnd(BYTES)}"\n\n`)
        res.once('drain', write)
      }
      write()
    })
    const { stream } = open<string>(server.url)
    const seen: string[] = []
    let goOn = () => {}
    const held = new Promise<void>((done) => {
      goOn = done
    })
    const loop = (async () => {
      for await (const { data } of stream) {
        seen.push(data.trim())
        if (seen.length === 1) await held
        if (seen.length === 50_000) return
      }
    })()
    // The server stands still when all buffers on the way are full.
    let before = -1
    await expect
      .poll(
        () => {
          const still = full && before === sent
          before = sent
          return still
        },
        { interval: 200 },
      )
      .toBe(true)
    expect(sent).toBeLessThan(20_000)
    goOn()
    await loop
    expect(seen).toEqual(upTo(49_999, 0).map(String))
  })
})
