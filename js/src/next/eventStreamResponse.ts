import { UNBUFFERED } from './answer.js'

/** What an event carries besides its data. */
export interface SendOptions {
  /** The SSE `event:`, under which listeners get it. Default `message`. One line. */
  readonly type?: string
  /** What a client sends back as Last-Event-ID. One line; an empty one makes it forget. */
  readonly id?: string
  /** How long clients wait before reconnects from now on: a whole number of ms. */
  readonly retry?: number
}

/** Sends events to one subscriber. */
export interface EventStreamSend {
  /**
   * Sends an event with `data` as JSON, or null if it has no JSON form. It is queued in any
   * case while the subscriber is connected; one that is 1 MiB behind is cut, to come back with
   * its Last-Event-ID.
   *
   * @returns false when the subscriber is behind, with 16 kB or more waiting, or gone; then
   * await {@link ready}, or leave out what can be left out
   * @throws TypeError if `type` or `id` has a line break or NUL, or `data` is circular or has
   * a BigInt
   */
  (data: unknown, options?: SendOptions): boolean
  /** Backpressure: waits until the subscriber has caught up. Resolves to false once it has gone. */
  ready(): Promise<boolean>
}

/**
 * Produces the events of one subscriber. The stream goes on until the subscriber leaves; a
 * source that is async and returns nothing ends it when it is done, and one that throws at
 * once. The `signal` aborts, and the function that it returned is called, exactly once: also
 * when that function comes after the subscriber has left.
 */
export type EventStreamSource = (
  send: EventStreamSend,
  signal: AbortSignal,
  // biome-ignore lint/suspicious/noConfusingVoidType: so async functions without a return are typed
) => void | (() => void) | Promise<void | (() => void)>

/** Settings of {@link eventStreamResponse}. */
export interface EventStreamOptions {
  /** Ms between comments that keep proxies from cutting a silent stream. Default 15,000; 0: none. */
  readonly heartbeat?: number
  /** Ms that clients wait before a reconnect, spread by a random factor from 0.5 to 1.5 so
   * that they don't come back at once. Default 3,000. */
  readonly retry?: number
  /** Told what the source or its cleanup threw, and of a subscriber that was cut. Default: console.error. */
  readonly onError?: (error: unknown) => void
}

/** Bytes that wait for a subscriber before it counts as behind: what a socket buffers. */
const BEHIND = 16_384
/** Bytes that may wait for a slow subscriber, in all. */
const LIMIT = 1_048_576

/**
 * Answers a route handler's request with an event stream of your own.
 *
 * The source is run at once, if the visitor is still there. It is cleaned up once, when the
 * visitor leaves (the request's signal, or the body's cancel: platforms differ), when it ends
 * or when it throws. What it throws is reported and ends the stream; clients then reconnect.
 * A HEAD request, which Next.js hands to GET, does not run it.
 *
 * @param request what the handler was given; where to resume is for the source to read from
 * its `Last-Event-ID` header
 *
 * @example
 * // app/clock/route.ts
 * export function GET(request: Request) {
 *   return eventStreamResponse(request, (send) => {
 *     const timer = setInterval(() => send({ now: Date.now() }, { type: 'tick' }), 1000)
 *     return () => clearInterval(timer)
 *   })
 * }
 */
export function eventStreamResponse(
  request: Request,
  source: EventStreamSource,
  options: EventStreamOptions = {},
): Response {
  // Read before all else: with `cacheComponents` it tells Next.js not to run this at build.
  const head = request.headers && request.method === 'HEAD'
  const body = head ? null : streamOf(request, source, options)
  return new Response(body, { headers: { 'content-type': 'text/event-stream', ...UNBUFFERED } })
}

function streamOf(
  request: Request,
  source: EventStreamSource,
  { heartbeat = 15_000, retry = 3000, onError = console.error }: EventStreamOptions,
): ReadableStream<Uint8Array> {
  const abort = new AbortController()
  const { signal } = abort
  let controller: ReadableStreamDefaultController<Uint8Array>
  let cleanup: Awaited<ReturnType<EventStreamSource>>
  let timer: ReturnType<typeof setInterval>
  let wake = () => {}
  const wait = () => new Promise<void>((done) => (wake = done))
  let drained = wait()

  const room = () => controller.desiredSize ?? 0
  const write = (text: string) => controller.enqueue(new TextEncoder().encode(text))
  // Async so that what it throws, now or later, is told and does not stop us.
  const clean = () => void (async () => cleanup?.())().catch(onError)

  /** Ends everything, once. */
  const end = (error?: unknown) => {
    if (signal.aborted) return
    clearInterval(timer)
    abort.abort()
    wake()
    clean()
    try {
      controller.close()
    } catch {
      // The consumer has cancelled it, or what was waiting has been thrown away.
    }
    if (error !== undefined) onError(error)
  }
  const leave = () => end()

  const send: EventStreamSend = (data, event = {}) => {
    const text = block(data, event)
    if (signal.aborted) return false
    write(text)
    if (room() < BEHIND - LIMIT) {
      const error = new Error('send: cut a subscriber 1 MiB behind')
      controller.error(error) // not close: what waits would be kept until it is read
      end(error)
    }
    return !signal.aborted && room() > 0
  }
  send.ready = async () => {
    if (room() <= 0) await drained
    return !signal.aborted
  }

  const run = async () => {
    const returned = source(send, signal)
    cleanup = await returned
    if (signal.aborted)
      clean() // it came too late for end
    else if (returned && !cleanup) end() // an async source that returns nothing has finished
  }

  return new ReadableStream<Uint8Array>(
    {
      start(it) {
        controller = it
        // Asked of the request here, so that the stream holds on to it: Node forgets a signal
        // whose Request is collected as garbage.
        request.signal.addEventListener('abort', leave)
        if (request.signal.aborted) return leave()
        // At once: Firefox opens a stream with its first byte, and so do some proxies.
        write(`: open\nretry: ${Math.round(retry * (0.5 + Math.random()))}\n\n`)
        if (heartbeat > 0) timer = setInterval(() => room() > 0 && write(':\n\n'), heartbeat)
        run().catch(end)
      },
      pull() {
        wake()
        drained = wait()
      },
      cancel: leave,
    },
    new ByteLengthQueuingStrategy({ highWaterMark: BEHIND }),
  )
}

/** An event as it stands on the wire. JSON has no line breaks, so its data is one line. */
function block(data: unknown, { type, id, retry }: SendOptions): string {
  let text = ''
  for (const [name, value] of Object.entries({ retry, id, event: type })) {
    if (value === undefined) continue
    // A line break would let whoever chose the value write events of their own.
    if (/[\r\n\0]/.test(`${value}`)) {
      throw new TypeError(`send: ${name} has a line break or NUL`)
    }
    text += `${name}: ${value}\n`
  }
  return `${text}data: ${JSON.stringify(data) ?? null}\n\n`
}
