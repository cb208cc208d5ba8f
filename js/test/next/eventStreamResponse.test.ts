import { EventEmitter } from 'node:events'
import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  type EventStreamOptions,
  type EventStreamSend,
  type EventStreamSource,
  eventStreamResponse,
} from '../../src/next/index.js'
import { Decoder, type WireEvent } from '../../src/stream/decoder.js'
import { until } from './upstream.mjs'

const astray: unknown[] = []
process.on('uncaughtException', (error) => astray.push(error))
process.on('unhandledRejection', (error) => astray.push(error))
beforeEach(() => {
  astray.length = 0
})
afterEach(() => {
  vi.useRealTimers()
  expect(astray, 'nothing is thrown into the void').toEqual([])
})

/** Answers, and gives the test all that the source was given. */
function open(source: EventStreamSource = () => {}, options?: EventStreamOptions) {
  const visitor = new AbortController()
  const request = new Request('https://app.example/', { signal: visitor.signal })
  let send: EventStreamSend | undefined
  let signal: AbortSignal | undefined
  const response = eventStreamResponse(
    request,
    (its, own) => {
      send = its
      signal = own
      return source(its, own)
    },
    options,
  )
  const reader = response.body?.getReader()
  if (send === undefined || signal === undefined || reader === undefined) throw new Error('not run')
  return { response, reader, send, signal, visitor }
}

async function textOf(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const { done, value } = await reader.read()
  return done ? '' : new TextDecoder().decode(value)
}

async function eventsOf(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<WireEvent[]> {
  const events: WireEvent[] = []
  const decoder = new Decoder({ event: (event) => events.push(event), retry: () => {} }, '')
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return events
    decoder.push(value)
  }
}

describe('the wire', () => {
  test('headers that keep it unbuffered', () => {
    const { response } = open()
    expect(Object.fromEntries(response.headers)).toEqual({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    })
  })

  test('bytes at once, with a retry spread from 0.5 to 1.5', async () => {
    const asked = new Set<number>()
    for (let i = 0; i < 200; i++) {
      const { reader, visitor } = open(undefined, { retry: 1000 })
      const [, retry] = /^: open\nretry: (\d+)\n\n$/.exec(await textOf(reader)) ?? []
      asked.add(Number(retry))
      visitor.abort()
    }
    expect(Math.min(...asked)).toBeGreaterThanOrEqual(500)
    expect(Math.max(...asked)).toBeLessThanOrEqual(1500)
    expect(Math.max(...asked) - Math.min(...asked)).toBeGreaterThan(500)
  })

  test('type, id, retry and JSON on one line, whatever is in it', async () => {
    const data = { text: 'a\nb\r\nid: forged\r\u2028\0', nested: [null, 1.5] }
    const { reader } = open(async (send) => {
      expect(send(data, { type: 'tick', id: 'k9-1', retry: 50 })).toBe(true)
      send('plain')
      send(undefined)
    })
    const events = await eventsOf(reader)
    expect(events.map(({ type, id, data }) => [type, id, JSON.parse(data)])).toEqual([
      ['tick', 'k9-1', data],
      ['message', undefined, 'plain'],
      ['message', undefined, null],
    ])
  })

  test.each([
    ['id', 'a\nb'],
    ['id', 'a\rb'],
    ['id', 'a\0b'],
    ['type', 'a\ndata: forged'],
    ['type', '\r'],
    ['type', '\0'],
  ])('an %s of %j is refused', (name, value) => {
    const { send } = open()
    const field = name === 'type' ? 'event' : name
    expect(() => send(1, { [name]: value })).toThrow(
      new TypeError(`send: ${field} has a line break or NUL`),
    )
  })

  test('a heartbeat every 15 s, or as asked, or never', async () => {
    vi.useFakeTimers()
    const normal = open()
    const fast = open(undefined, { heartbeat: 1000 })
    const none = open(undefined, { heartbeat: 0 })
    for (const { reader } of [normal, fast, none]) expect(await textOf(reader)).toMatch(/^: /)
    vi.advanceTimersByTime(1000)
    expect(await textOf(fast.reader)).toBe(':\n\n')
    const heard = vi.fn()
    const silence = textOf(none.reader)
    const beat = textOf(normal.reader)
    void Promise.race([beat, silence]).then(heard)
    await vi.advanceTimersByTimeAsync(13_999)
    expect(heard).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(await beat).toBe(':\n\n')
    for (const { visitor } of [normal, fast, none]) visitor.abort()
    expect(await silence).toBe('')
    expect(vi.getTimerCount()).toBe(0)
  })

  test('no heartbeat on top of what waits already', () => {
    vi.useFakeTimers()
    const onError = vi.fn()
    const { send, visitor } = open(undefined, { heartbeat: 1, onError })
    send('x'.repeat(20_000))
    vi.advanceTimersByTime(2_000_000)
    expect(onError).not.toHaveBeenCalled()
    visitor.abort()
  })

  test('HEAD runs no source', () => {
    const source = vi.fn()
    const request = new Request('https://app.example/', { method: 'HEAD' })
    expect(eventStreamResponse(request, source).body).toBeNull()
    expect(source).not.toHaveBeenCalled()
  })
})

describe('the end', () => {
  const ways = {
    'the signal': ({ visitor }: ReturnType<typeof open>) => visitor.abort(),
    cancel: ({ reader }: ReturnType<typeof open>) => void reader.cancel(),
    both: ({ reader, visitor }: ReturnType<typeof open>) => {
      void reader.cancel()
      visitor.abort()
    },
  }

  test.each(Object.entries(ways))('10 of 10 cleaned, once, by %s', async (_, leave) => {
    vi.useFakeTimers()
    let ticks = 0
    const cleaned = vi.fn()
    const streams = Array.from({ length: 10 }, () =>
      open((send) => {
        const timer = setInterval(() => {
          ticks++
          send(ticks)
        }, 100)
        return () => {
          clearInterval(timer)
          cleaned()
        }
      }),
    )
    await vi.advanceTimersByTimeAsync(300)
    expect(ticks).toBe(30)
    for (const stream of streams) leave(stream)
    expect(cleaned).toHaveBeenCalledTimes(10)
    for (const stream of streams) leave(stream)
    await vi.advanceTimersByTimeAsync(2000)
    expect([ticks, cleaned.mock.calls.length, vi.getTimerCount()]).toEqual([30, 10, 0])
    for (const { signal, send } of streams) {
      expect(signal.aborted).toBe(true)
      expect(send('late')).toBe(false)
      expect(await send.ready()).toBe(false)
    }
  })

  test.each(Object.entries(ways))(
    'a cleanup that comes after %s is called, too',
    async (_, leave) => {
      const cleaned = vi.fn()
      let subscribed = () => {}
      const stream = open(async () => {
        await new Promise<void>((done) => {
          subscribed = done
        })
        return cleaned
      })
      leave(stream)
      expect(stream.signal.aborted).toBe(true)
      subscribed()
      await until(() => cleaned.mock.calls.length > 0)
      expect(cleaned).toHaveBeenCalledOnce()
    },
  )

  test('the visitor had left before: the source is not run', async () => {
    const source = vi.fn()
    const request = new Request('https://app.example/', { signal: AbortSignal.abort() })
    expect(await eventStreamResponse(request, source).text()).toBe('')
    expect(source).not.toHaveBeenCalled()
  })

  test('an async source that returns nothing ends it, after all its events', async () => {
    const { reader, signal } = open(async (send) => {
      for (let i = 0; i < 3; i++) send(i)
    })
    expect((await eventsOf(reader)).map(({ data }) => data)).toEqual(['0', '1', '2'])
    expect(signal.aborted).toBe(true)
  })

  test('a source that returns nothing at once goes on by its signal', async () => {
    const emitter = new EventEmitter()
    const { reader, visitor } = open((send, signal) => {
      emitter.on('event', send)
      signal.addEventListener('abort', () => emitter.off('event', send))
    })
    await textOf(reader)
    emitter.emit('event', 1)
    expect(await textOf(reader)).toBe('data: 1\n\n')
    visitor.abort()
    expect(emitter.listenerCount('event')).toBe(0)
  })

  test.each([
    ['at once', () => Promise.reject(new Error('no database'))],
    [
      'without being async',
      () => {
        throw new Error('no database')
      },
    ],
    ['by an event that is none', (send: EventStreamSend) => void send({ n: 1n })],
  ])('a source that throws %s ends it and is reported', async (_, source) => {
    const onError = vi.fn()
    const { reader, signal } = open(source as EventStreamSource, { onError })
    expect(await eventsOf(reader)).toEqual([])
    expect(signal.aborted).toBe(true)
    expect(onError).toHaveBeenCalledOnce()
    expect(onError.mock.calls[0]?.[0]).toBeInstanceOf(Error)
  })

  test('errors are printed when nobody else wants them', async () => {
    const print = vi.spyOn(console, 'error').mockImplementation(() => {})
    const error = new Error('no database')
    await eventsOf(open(() => Promise.reject(error)).reader)
    expect(print).toHaveBeenCalledWith(error)
    print.mockRestore()
  })

  test('a cleanup that throws is reported, and the stream ends all the same', async () => {
    const onError = vi.fn()
    const { reader, visitor } = open(
      () => () => {
        throw new Error('closed twice')
      },
      { onError },
    )
    await textOf(reader)
    await Promise.resolve() // what was returned is known a moment later
    visitor.abort()
    expect(await textOf(reader)).toBe('')
    await until(() => onError.mock.calls.length > 0)
  })
})

describe('backpressure', () => {
  test('send says that the subscriber is behind, ready when it has caught up', async () => {
    const { send, reader } = open()
    expect(send('x'.repeat(10_000))).toBe(true)
    expect(send('x'.repeat(10_000))).toBe(false)
    let ready = false
    const waiting = send.ready().then((there) => {
      ready = there
    })
    await Promise.resolve()
    expect(ready).toBe(false)
    await textOf(reader)
    await textOf(reader)
    await waiting
    expect(ready).toBe(true)
    expect(await send.ready()).toBe(true)
    void reader.cancel()
  })

  test('ready ends with the subscriber', async () => {
    const { send, visitor } = open()
    send('x'.repeat(20_000))
    const waiting = [send.ready(), send.ready()]
    visitor.abort()
    expect(await Promise.all(waiting)).toEqual([false, false])
  })

  test('a source that waits loses nothing and queues little', async () => {
    let sent = 0
    const { reader } = open(async (send) => {
      while (sent < 1000 && (await send.ready())) send('x'.repeat(1000), { id: `${++sent}` })
    })
    await textOf(reader)
    await new Promise((done) => setImmediate(done))
    expect(sent).toBeLessThan(20)
    expect(await eventsOf(reader)).toHaveLength(1000)
  })

  test('a subscriber that is 1 MiB behind is cut, cleaned and reported', async () => {
    const onError = vi.fn()
    const cleaned = vi.fn()
    const { send, reader, signal } = open(() => cleaned, { onError })
    await Promise.resolve()
    for (let i = 0; i < 2000 && !signal.aborted; i++) send('x'.repeat(1000))
    expect(cleaned).toHaveBeenCalledOnce()
    expect(onError.mock.calls[0]?.[0].message).toContain('1 MiB')
    await expect(reader.read()).rejects.toThrow('1 MiB')
  })
})

test('10 real visitors who drop their sockets: all cleaned within 1 s', async () => {
  let cleaned = 0
  const server = createServer((incoming, outgoing) => {
    const visitor = new AbortController()
    outgoing.on('close', () => visitor.abort())
    const request = new Request('http://x/', { signal: visitor.signal })
    const { body } = eventStreamResponse(request, (send) => {
      const timer = setInterval(() => send(Date.now()), 5)
      return () => {
        clearInterval(timer)
        cleaned++
      }
    })
    if (body === null) throw new Error(`no body for ${incoming.url}`)
    const readable = Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0])
    readable.on('error', () => {}) // the visitor's leaving
    readable.pipe(outgoing)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  const incoming = await Promise.all(
    Array.from(
      { length: 10 },
      () => new Promise<IncomingMessage>((done) => get({ port, host: '127.0.0.1' }, done)),
    ),
  )
  await Promise.all(
    incoming.map(
      (one) =>
        new Promise<void>((done) => {
          let read = ''
          one.on('error', () => {})
          one.on('data', (chunk) => {
            read += chunk
            if (read.split('data: ').length > 5) done()
          })
        }),
    ),
  )
  for (const one of incoming) one.destroy()
  await until(() => cleaned === 10, 1000)
  server.close()
})
