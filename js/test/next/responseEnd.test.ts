import { EventEmitter } from 'node:events'
import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { afterEach, describe, expect, test, vi } from 'vitest'
import {
  type EventStreamSend,
  type EventStreamSource,
  eventStreamResponse,
} from '../../src/next/index.js'
import { collectGarbage, eventsOf, open, textOf, watch } from './helpers.js'
import { until } from './upstream.mjs'

watch()
afterEach(() => void vi.useRealTimers())

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

  test('a request that has been collected as garbage still ends it', async () => {
    const cleaned = vi.fn()
    const { visitor, reader } = open(() => cleaned)
    await collectGarbage()
    visitor.abort()
    expect(cleaned).toHaveBeenCalledOnce()
    await reader.read()
  })

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
