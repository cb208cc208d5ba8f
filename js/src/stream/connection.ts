import { backoff, type RetryOptions } from './backoff.js'
import { Decoder, type WireEvent } from './decoder.js'
import { checkResponse, isDenied, isTemporary, parse, StreamError } from './error.js'
import { isNewer, isNews } from './position.js'

/** Where a connection stands. */
export type StreamState =
  | { readonly status: 'connecting' | 'live' }
  /** Not connected on purpose, as the page is hidden. It continues where it was. */
  | { readonly status: 'paused' }
  /** Down since `since` (epoch ms), because of `error`, which says when the next attempt
   * begins. */
  | { readonly status: 'retrying'; readonly error: StreamError; readonly since: number }
  /** Given up after `error`, or closed. */
  | { readonly status: 'closed'; readonly error?: StreamError }

/** How to connect. */
export interface ConnectOptions {
  /** Headers of the request, or a function that is run before every attempt, so that a
   * token is fresh. After a 401 or 403 a function is asked once more. */
  readonly headers?: HeadersInit | (() => HeadersInit | Promise<HeadersInit>)
  /** Whether cookies are sent. Default `same-origin`. */
  readonly credentials?: RequestCredentials
  /** Continue after this id. */
  readonly lastEventId?: string | undefined
  /** Ms without a byte before a connection counts as dead; 0 is never. Default 45,000,
   * and 2.5 heartbeats as soon as a hub has announced its own. */
  readonly heartbeatTimeout?: number
  readonly retry?: RetryOptions
  /** `eventsource` uses the browser's own EventSource, which can't send headers and
   * does not see comments. Default `fetch`. */
  readonly transport?: 'fetch' | 'eventsource'
  /** Instead of the global fetch. */
  readonly fetch?: typeof fetch
}

/** What a {@link Connection} tells its owner. */
export interface ConnectionSink {
  /** Sees every event once, in order, control events (`hub.…`) included. */
  readonly onEvent?: (event: WireEvent) => void
  readonly onState?: (state: StreamState) => void
  /** Hears what is wrong with a single event. */
  readonly onError?: (error: StreamError) => void
  /** Holds back the reading, and so the server, until it resolves. */
  readonly ready?: () => unknown
}

/** How a {@link Connection} connects, and what it tells. */
export interface ConnectionOptions extends ConnectOptions, ConnectionSink {
  /** The types that an EventSource has to listen to, beside messages. */
  readonly types?: readonly string[] | undefined
}

/** Longest delay that a server may ask for, in ms: an hour. */
const MAX_WISH = 3_600_000
/** Shortest delay before a retry, in ms: no wish makes us hammer a server. */
const MIN_DELAY = 100

/**
 * A connection to a text/event-stream that survives what a browser's
 * EventSource does not: answers other than 200, and connections that are dead
 * without saying so. It resumes after the last id, so nothing is lost, and drops
 * what it has already delivered, so nothing is repeated.
 *
 * @example
 * const connection = new Connection('/v1/events?stream=logs.>', {
 *   onEvent: (e) => console.log(e.data),
 * })
 */
export class Connection {
  /** Where it stands. */
  state: StreamState = { status: 'connecting' }
  /** The id after which a reconnect continues. */
  lastEventId: string
  /** Whether ids are positions, as a hub has said hello. Of others nothing is known. */
  ordered = false
  readonly #url: () => string
  readonly #options: ConnectionOptions
  readonly #sink: ConnectionSink
  #delay: number // ms before a first retry
  #silence: number
  #failures = 0
  #abort = new AbortController() // of the present attempt
  #timer: ReturnType<typeof setTimeout> | undefined // the watchdog's, or the next attempt's
  #due = 0 // when that runs
  #bye: Record<string, unknown> = {} // what the server said when it ended this attempt
  #renewed = false // headers were asked for again after they were refused

  /**
   * @param url where to connect; a function is asked before every attempt
   * @param options how; they are read when they are needed
   */
  constructor(
    url: string | (() => string),
    options: ConnectionOptions,
    sink: ConnectionSink = options,
  ) {
    this.#url = typeof url === 'string' ? () => url : url
    this.#options = options
    this.#sink = sink
    const { minDelay = 500, random = Math.random } = options.retry ?? {}
    this.#delay = minDelay * (0.5 + random())
    this.lastEventId = options.lastEventId ?? ''
    this.#silence = options.heartbeatTimeout ?? 45_000
    const { signal } = this.#abort
    // Not before whoever made it is ready to hear of it.
    queueMicrotask(() => {
      if (!signal.aborted) void this.#connect()
    })
  }

  /** Connects now, also when paused, closed or given up. */
  reconnect(): void {
    if (this.state.status === 'closed') this.#failures = 0
    this.#stop()
    this.#renewed = false
    void this.#connect()
  }

  /** Replaces a connection that is dead, as after a sleep, and makes an attempt that is
   * due; one that is planned for later too, if it is to be at once. */
  wake(atOnce = true): void {
    const late = Date.now() > this.#due || (atOnce && this.state.status === 'retrying')
    if (late && !isOff(this.state)) this.reconnect()
  }

  /** Disconnects until {@link reconnect}. */
  pause(): void {
    if (this.state.status !== 'closed') this.#stop({ status: 'paused' })
  }

  /** Ends the connection for good. No event follows. */
  close(): void {
    this.#stop({ status: 'closed' })
  }

  async #connect(): Promise<void> {
    const { headers: given, credentials = 'same-origin', transport, types } = this.#options
    const { lastEventId } = this
    this.#abort = new AbortController()
    const { signal } = this.#abort
    this.#bye = {}
    this.#watch()
    if (isOff(this.state)) this.#set({ status: 'connecting' })
    try {
      const headers = new Headers(typeof given === 'function' ? await given() : given)
      headers.set('accept', 'text/event-stream')
      const isSource = transport === 'eventsource'
      const get = isSource
        ? (await import('./sourceFetch.js')).sourceFetch(types)
        : (this.#options.fetch ?? fetch)
      signal.throwIfAborted()
      let url = this.#url()
      // The header would cost a preflight across origins, which servers refuse
      // only when a client reconnects; the parameter costs nothing.
      if (lastEventId !== '') {
        if (isSource || isCrossOrigin(url)) {
          url += `${url.includes('?') ? '&' : '?'}last-event-id=${encodeURIComponent(lastEventId)}`
        } else {
          // A header is bytes: those of UTF-8.
          const bytes = new TextEncoder().encode(lastEventId)
          headers.set('last-event-id', String.fromCharCode(...bytes))
        }
      }
      const response = await get(url, { headers, signal, credentials, cache: 'no-store' })
      const reader = (await checkResponse(response)).getReader()
      const decoder = new Decoder(
        {
          event: (event) => {
            if (!signal.aborted) this.#receive(event)
          },
          retry: (ms) => {
            this.#delay = within(ms)
          },
          tooLong: () => this.#sink.onError?.(new StreamError('parse', 'an event was too long')),
        },
        lastEventId,
      )
      for (;;) {
        const { done, value } = await reader.read()
        if (signal.aborted) return
        if (done) throw new StreamError('closed', 'the server ended the stream')
        clearTimeout(this.#timer)
        if (this.state.status !== 'live') this.#set({ status: 'live' })
        await this.#sink.ready?.()
        if (signal.aborted) return
        decoder.push(value)
        if (signal.aborted) return
        // A block without data is no event, but its id counts.
        this.#pass(decoder.lastEventId)
        this.#watch()
      }
    } catch (cause) {
      // A superseded attempt has no say: its successor owns timer and state.
      if (signal.aborted) return
      const why = `the server could not be reached: ${String(cause)}`
      this.#fail(cause instanceof StreamError ? cause : new StreamError('connect', why, { cause }))
    }
  }

  /** Notes an id, if it may be newer. */
  #pass(id: string): void {
    if (!this.ordered || isNewer(id, this.lastEventId)) this.lastEventId = id
  }

  #receive(event: WireEvent): void {
    const { type, id, data } = event
    if (this.ordered && !isNews(event, this.lastEventId)) return
    this.#failures = 0
    this.#renewed = false
    if (!type.startsWith('hub.')) this.#pass(event.lastEventId)
    else {
      // hub.hello and hub.gap say where delivery goes on, even if that is
      // before where we were: the log may have been replaced.
      if (id !== undefined) this.lastEventId = id
      const said = parse(data)
      const beat = Number(said.heartbeat_ms)
      if (this.#silence > 0 && beat > 0) this.#silence = beat * 2.5
      if (type === 'hub.hello') this.ordered = true
      if (type === 'hub.bye') this.#bye = said
    }
    this.#sink.onEvent?.(event)
  }

  /** Waits for the next byte, for so long as a connection may be silent. */
  #watch(): void {
    const ms = this.#silence
    const dead = () => this.#fail(new StreamError('stalled', `no byte came for ${ms / 1000} s`))
    if (ms > 0) this.#plan(ms, dead)
    else this.#due = Number.POSITIVE_INFINITY
  }

  #plan(ms: number, run: () => void): void {
    clearTimeout(this.#timer)
    this.#due = Date.now() + ms
    this.#timer = setTimeout(run, ms)
  }

  #fail(error: StreamError): void {
    const { retry = {}, headers } = this.#options
    const { signal } = this.#abort
    const { retry_ms, reason } = this.#bye
    const denied = reason === 'revoked' || reason === 'expired' || isDenied(error)
    const renew = denied && typeof headers === 'function' && !this.#renewed
    const attempt = ++this.#failures
    // What the server asked for when it said goodbye is jittered and holds; a
    // Retry-After is a lower bound.
    const own = backoff(attempt, this.#delay, retry)
    const delay = within(Number(retry_ms) || Math.max(own, error.retryAfter ?? 0))
    this.#renewed ||= renew
    Object.assign(error, { attempt })
    let again = denied ? renew : isTemporary(error)
    try {
      again = retry.when?.(error) ?? again
    } catch {} // who can't say leaves it as it is
    if (signal.aborted) return // who was asked has closed it, or begun anew
    const { maxAttempts = attempt + 1 } = retry
    if (again && attempt < maxAttempts) {
      const { state } = this
      this.#stop()
      // Before anybody hears of it, who may close it.
      this.#plan(delay, () => void this.#connect())
      Object.assign(error, { retryAt: this.#due })
      const since = state.status === 'retrying' ? state.since : Date.now()
      this.#set({ status: 'retrying', error, since })
    } else this.#stop({ status: 'closed', error: Object.assign(error, { fatal: true }) })
  }

  #stop(state?: StreamState): void {
    clearTimeout(this.#timer)
    this.#abort.abort()
    if (state !== undefined) this.#set(state)
  }

  #set(state: StreamState): void {
    this.state = state
    this.#sink.onState?.(state)
  }
}

/** Whether it is not connected on purpose. */
function isOff({ status }: StreamState): boolean {
  return status === 'closed' || status === 'paused'
}

/** The delay that is granted to who asks for one, in ms. */
function within(wish: number): number {
  return Math.min(Math.max(wish, MIN_DELAY), MAX_WISH)
}

function isCrossOrigin(url: string): boolean {
  const { location } = globalThis
  return location !== undefined && new URL(url, location.href).origin !== location.origin
}
