// What the tests of streamgauge/next share: visitors, upstreams, and a watch on what is thrown
// into the void.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, expect } from 'vitest'
import {
  type EventStreamOptions,
  type EventStreamSend,
  type EventStreamSource,
  eventStreamResponse,
} from '../../src/next/index.js'
import { Decoder, type WireEvent } from '../../src/stream/decoder.js'
import { Upstream } from './upstream.mjs'

const upstreams: Upstream[] = []
const astray: unknown[] = []
process.on('uncaughtException', (error) => astray.push(error))
process.on('unhandledRejection', (error) => astray.push(error))

/** Has every test of the file fail that throws something into the void. */
export function watch(): void {
  beforeEach(() => {
    astray.length = 0
  })
  afterEach(async () => {
    await Promise.all(upstreams.splice(0).map((one) => one.close()))
    expect(astray, 'nothing is thrown into the void').toEqual([])
  })
}

/** An upstream that ends with the test. */
export async function upstream(
  handle?: ConstructorParameters<typeof Upstream>[0],
): Promise<Upstream> {
  const started = await new Upstream(handle).listen()
  upstreams.push(started)
  return started
}

/** Collects garbage, and waits for what that sets off. */
export async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let i = 0; i < 5; i++) {
    collect()
    await new Promise((done) => setImmediate(done))
  }
}

/** A request, and what ends it. */
export function visit(path = '/live', init?: RequestInit) {
  const abort = new AbortController()
  const request = new Request(`https://app.example${path}`, { signal: abort.signal, ...init })
  return { abort, request }
}

/** Reads until the text is there. */
export async function readTo(response: Response, text: string) {
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

/** Answers, and gives the test all that the source was given. */
export function open(source: EventStreamSource = () => {}, options?: EventStreamOptions) {
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

/** The next chunk; nothing at the end. */
export async function textOf(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const { done, value } = await reader.read()
  return done ? '' : new TextDecoder().decode(value)
}

/** All events up to the end. */
export async function eventsOf(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): Promise<WireEvent[]> {
  const events: WireEvent[] = []
  const decoder = new Decoder({ event: (event) => events.push(event), retry: () => {} }, '')
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return events
    decoder.push(value)
  }
}
