// What the tests of the web platform (web-platform-tests/wpt, folder eventsource) say of a
// client, each in our own words and by the name of its file. What concerns the format alone
// is in protocol/vectors, which decoder.test.ts runs; here is what an event stream does with
// requests and answers, on real sockets.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { openEventStream, type StreamOptions } from '../src/index.js'
import { type Answer, Scripted, says, status } from './scripted.js'

const ends: (() => unknown)[] = []

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** Opens a stream of a server that answers so. */
async function open(answers: Answer[], options: StreamOptions<string> = {}) {
  const server = await Scripted.start(...answers)
  ends.push(() => server.close())
  const retry = { minDelay: 5, maxDelay: 40 }
  const stream = openEventStream<string>(server.url, { parse: String, retry, ...options })
  ends.push(() => stream.close())
  const data: string[] = []
  const types: string[] = []
  stream.on((event) => {
    data.push(event.data)
    types.push(event.type)
  })
  return { server, stream, data, types }
}

/** Answers with an event stream of this type. */
function ofType(type: string, text = 'data: ok\n\n'): Answer {
  return (res) => {
    res.writeHead(200, { 'content-type': type })
    res.write(text)
  }
}

const lastIds = (server: Scripted) => server.requests.map((r) => r.headers['last-event-id'])

describe('an event stream, as the web platform tests it', () => {
  it('request-accept: asks for an event stream', async () => {
    const { server } = await open([says()])
    await expect.poll(() => server.requests.length).toBe(1)
    expect(server.requests[0]?.headers.accept).toBe('text/event-stream')
  })

  it('request-cache-control: wants nothing from a cache', async () => {
    const { server } = await open([says()])
    await expect.poll(() => server.requests.length).toBe(1)
    expect(server.requests[0]?.headers['cache-control']).toBe('no-cache')
  })

  it.each([204, 205, 210, 299, 404, 410])('request-status-error: %i is final', async (code) => {
    const { server, stream } = await open([status(code)])
    await expect.poll(() => stream.state.status).toBe('closed')
    expect(server.requests).toHaveLength(1)
  })

  it('request-status-error: 503 is not, other than with an EventSource', async () => {
    const { data } = await open([status(503), says('data: ok\n\n')])
    await expect.poll(() => data).toEqual(['ok'])
  })

  it.each([301, 302, 303, 307])('request-redirect: a %i is followed', async (code) => {
    const to = await Scripted.start(says('data: there\n\n'))
    ends.push(() => to.close())
    const { data } = await open([status(code, { location: to.url })])
    await expect.poll(() => data).toEqual(['there'])
  })

  it('request-redirect: a 301 to nowhere is final', async () => {
    const { stream } = await open([status(301)])
    await expect.poll(() => stream.state.status).toBe('closed')
  })

  it.each(['x bogus', 'text/html', 'text/event-streams', 'application/json'])(
    'format-mime-bogus: %s is no event stream',
    async (type) => {
      const { stream, data } = await open([ofType(type)])
      await expect.poll(() => stream.state.status).toBe('closed')
      expect(stream.state).toMatchObject({ error: { kind: 'content-type' } })
      expect(data).toEqual([])
    },
  )

  it.each(['text/event-stream;', 'text/event-stream;x=y', 'TEXT/Event-Stream; charset=latin1'])(
    'format-mime-trailing-semicolon, format-mime-valid-bogus, format-utf-8: %s is one, in UTF-8',
    async (type) => {
      const { data } = await open([ofType(type, 'data: ok…\n\n')])
      await expect.poll(() => data).toEqual(['ok…'])
    },
  )

  it('format-field-id: an id of any characters comes back as it was', async () => {
    const { server, data } = await open([says('id: …\ndata: 1\n\n'), says('data: 2\n\n')])
    await expect.poll(() => data).toEqual(['1'])
    server.cut()
    await expect.poll(() => data).toEqual(['1', '2'])
    expect(Buffer.from(String(lastIds(server)[1]), 'latin1').toString()).toBe('…')
  })

  it('format-field-id-2, -3: an id holds until there is another, or an empty one', async () => {
    const { server, data } = await open([
      says('id: 1\ndata: a\n\ndata: b\n\n'),
      says('id: 2\ndata: c\n\n'),
      says('id\ndata: d\n\n'),
      says('data: e\n\n'),
    ])
    for (const want of ['ab', 'abc', 'abcd', 'abcde']) {
      await expect.poll(() => data.join('')).toBe(want)
      if (want !== 'abcde') server.cut()
    }
    expect(lastIds(server)).toEqual([undefined, '1', '2', undefined])
  })

  it('format-field-id-null: an id with NUL is none', async () => {
    const { server, data } = await open([says('id: a\0\ndata: 1\n\n'), says('data: 2\n\n')])
    await expect.poll(() => data).toEqual(['1'])
    server.cut()
    await expect.poll(() => data).toEqual(['1', '2'])
    expect(lastIds(server)).toEqual([undefined, undefined])
  })

  it('format-data-before-final-empty-line: what has no end is none, nor is its id', async () => {
    const half: Answer = (res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.end('id: 1\ndata: a\n\nid: 2\ndata: half')
    }
    const { server, data } = await open([half, says('data: b\n\n')])
    await expect.poll(() => data).toEqual(['a', 'b'])
    expect(lastIds(server)[1]).toBe('1')
  })

  it('format-field-retry: is how long the next attempt waits', async () => {
    const end: Answer = (res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' }).end('retry: 1500\ndata: a\n\n')
    }
    const { stream } = await open([end])
    await expect.poll(() => stream.state.status).toBe('retrying')
    const { error } = stream.state as { error: { retryAt: number } }
    expect(error.retryAt - Date.now()).toBeGreaterThan(1000)
    expect(error.retryAt - Date.now()).toBeLessThanOrEqual(1500)
  })

  it('format-field-retry: none is short enough to make it hammer a server', async () => {
    const end: Answer = (res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' }).end('retry: 0\ndata: a\n\n')
    }
    const { stream } = await open([end])
    const waits: number[] = []
    stream.onState((state) => {
      if (state.status === 'retrying') waits.push(Number(state.error.retryAt) - Date.now())
    })
    await expect.poll(() => waits.length).toBeGreaterThan(1)
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(99)
  })

  it('eventsource-reconnect: an end is no end', async () => {
    const end: Answer = (res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: a\n\n')
    }
    const { stream, data } = await open([end, says('data: b\n\n')])
    const kinds: string[] = []
    stream.onError(({ kind }) => kinds.push(kind))
    await expect.poll(() => data).toEqual(['a', 'b'])
    expect(kinds).toEqual(['closed'])
  })

  it('eventsource-close, eventsource-request-cancellation: close is one for the server', async () => {
    const closed: ServerResponse[] = []
    const answer = (res: ServerResponse, req: IncomingMessage) => {
      res.on('close', () => closed.push(res))
      says('data: a\n\n')(res, req)
    }
    const { stream, data } = await open([answer])
    await expect.poll(() => data).toEqual(['a'])
    stream.close()
    stream.close()
    await expect.poll(() => closed.length).toBe(1)
  })

  it('format-field-event, -event-empty: a type is an event’s own', async () => {
    const { types } = await open([says('event: x\ndata: 1\n\ndata: 2\n\nevent:\ndata: 3\n\n')])
    await expect.poll(() => types).toEqual(['x', 'message', 'message'])
  })
})
