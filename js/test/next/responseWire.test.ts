import { afterEach, describe, expect, test, vi } from 'vitest'
import { eventStreamResponse } from '../../src/next/index.js'
import { eventsOf, open, textOf, watch } from './helpers.js'

watch()
afterEach(() => void vi.useRealTimers())

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
