import { headOf } from '../live/want.js'
import { Backoff, type BackoffOptions } from './backoff.js'
import { Decoder, type WireEvent } from './decoder.js'
import { checkResponse, StreamError } from './error.js'
import { isNewer } from './position.js'

/** Where a connection stands. */
export type StreamState =
  | { readonly status: 'connecting' }
  | { readonly status: 'live' }
  /** Down since `since` (epoch ms); the next attempt begins at `retryAt`. */
  | {
      readonly status: 'retrying'
      readonly error: StreamError
      readonly since: number
      readonly retryAt: number
    }
  /** Given up after `error`, or closed by {@link Connection.close}. */
  | { readonly status: 'closed'; readonly error?: StreamError }

/** What a {@link Connection} tells its owner. */
export interface ConnectionOptions {
  /** Sees every event once, in order, control events (`hub.…`) included. */
  readonly onEvent: (event: WireEvent) => void
  readonly onState?: (state: StreamState) => void
  /** Run before every attempt, so that a token may be fresh. */
  readonly headers?: () => HeadersInit | Promise<HeadersInit>
  /** Continue after this id. */
  readonly lastEventId?: string
  /** Ms without a byte before a connection counts as dead. Default 45,000, and
   * 2.5 heartbeats as soon as the server has announced its own. */
  readonly silence?: number
  readonly backoff?: BackoffOptions
  /** Whether to try again after an error. Default: if it is temporary. */
  readonly retryWhen?: (error: StreamError) => boolean
  readonly fetch?: typeof fetch
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
 * const stream = new Connection('/v1/events?stream=logs.>', {
 *   onEvent: (e) => console.log(e.data),
 * })
 */
export class Connection {
  readonly #url: () => string
  readonly #options: ConnectionOptions
  readonly #backoff: Backoff
  #state: StreamState = { status: 'connecting' }
  #lastEventId: string
  #silence: number
  #abort: AbortController | undefined
  #timer: ReturnType<typeof setTimeout> | undefined // the watchdog's, or the next attempt's
  #lastByte = 0
  #downSince = 0
  #wish: number | undefined // the delay that hub.bye asked for

  /** @param url where to connect; a function is asked before every attempt */
  constructor(url: string | (() => string), options: ConnectionOptions) {
    this.#url = typeof url === 'string' ? () => url : url
    this.#options = options
    this.#backoff = new Backoff(options.backoff)
    this.#lastEventId = options.lastEventId ?? ''
    this.#silence = options.silence ?? 45_000
    void this.#connect()
  }

  get state(): StreamState {
    return this.#state
  }

  /** The id after which a reconnect continues. */
  get lastEventId(): string {
    return this.#lastEventId
  }

  /** Connects now, also after {@link close} or when given up. */
  reconnect(): void {
    this.#stop()
    void this.#connect()
  }

  /** Looks whether the connection is still good, as after a sleep: a dead one is
   * replaced and a planned attempt made at once. */
  wake(): void {
    const { status } = this.#state
    const dead = status === 'live' && Date.now() - this.#lastByte > this.#silence
    if (status === 'retrying' || dead) this.reconnect()
  }

  /** Does what is overdue, as the timers of a hidden page may be a minute late. */
  check(): void {
    const { status } = this.#state
    const late =
      this.#state.status === 'retrying'
        ? Date.now() >= this.#state.retryAt
        : Date.now() - this.#lastByte > this.#silence
    if (status !== 'closed' && late) this.reconnect()
  }

  /** Ends the connection for good. No event follows. */
  close(): void {
    this.#stop()
    this.#set({ status: 'closed' })
  }

  async #connect(): Promise<void> {
    const abort = new AbortController()
    this.#abort = abort
    this.#lastByte = Date.now()
    if (this.#state.status === 'closed') this.#set({ status: 'connecting' })
    try {
      this.#watch(abort)
      const body = await checkResponse(await this.#request(abort.signal))
      await this.#read(body, abort)
      throw new StreamError('closed', 'the server ended the stream')
    } catch (cause) {
      // A superseded attempt has no say: its successor owns timer and state.
      if (this.#abort !== abort) return
      this.#fail(asStreamError(cause))
    }
  }

  async #request(signal: AbortSignal): Promise<Response> {
    const headers = new Headers(await this.#options.headers?.())
    headers.set('Accept', 'text/event-stream')
    let url = this.#url()
    if (this.#lastEventId !== '') {
      // The header would cost a preflight across origins, which servers refuse
      // only when a client reconnects; the parameter costs nothing.
      if (isCrossOrigin(url)) url = withParameter(url, 'last-event-id', this.#lastEventId)
      else headers.set('Last-Event-ID', this.#lastEventId)
    }
    const get = this.#options.fetch ?? fetch
    return get(url, { headers, signal, cache: 'no-store', credentials: 'same-origin' })
  }

  async #read(body: ReadableStream<Uint8Array>, abort: AbortController): Promise<void> {
    const decoder = new Decoder(
      {
        event: (event) => {
          if (this.#abort === abort) this.#receive(event)
        },
        retry: (ms) => {
          this.#backoff.min = Math.min(Math.max(ms, MIN_DELAY), MAX_WISH)
        },
      },
      this.#lastEventId,
    )
    const reader = body.getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done || this.#abort !== abort) return
      this.#alive()
      decoder.push(value)
      if (this.#abort === abort) this.#watch(abort)
    }
  }

  #alive(): void {
    this.#lastByte = Date.now()
    if (this.#state.status === 'live') return
    this.#backoff.reset()
    this.#downSince = 0
    this.#set({ status: 'live' })
  }

  #receive(event: WireEvent): void {
    const control = event.type.startsWith('hub.')
    if (event.id !== undefined) {
      // hub.hello and hub.gap say where delivery goes on, even if that is
      // before where we were: the log may have been replaced.
      const newer = isNewer(event.id, this.#lastEventId)
      // A view's row is a state, which may change without a new position.
      if (!control && !newer && !headOf(event.data).row) return
      if (control || newer) this.#lastEventId = event.id
    }
    if (event.type === 'hub.hello') {
      const heartbeat = numberIn(event.data, 'heartbeat_ms')
      if (heartbeat !== undefined && heartbeat > 0) this.#silence = heartbeat * 2.5
    } else if (event.type === 'hub.bye') {
      this.#wish = numberIn(event.data, 'retry_ms')
    }
    this.#options.onEvent(event)
  }

  #watch(abort: AbortController): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      abort.abort(new StreamError('stalled', `no byte came for ${this.#silence / 1000} s`))
    }, this.#silence)
  }

  #fail(error: StreamError): void {
    this.#stop()
    const again = this.#options.retryWhen ?? ((e: StreamError) => e.temporary)
    if (!again(error)) {
      this.#set({ status: 'closed', error })
      return
    }
    const delay = this.#delay(error)
    this.#downSince ||= Date.now()
    this.#timer = setTimeout(() => void this.#connect(), delay)
    const retryAt = Date.now() + delay
    this.#set({ status: 'retrying', error, since: this.#downSince, retryAt })
  }

  /** Ms until the next attempt. What the server asked for when it said goodbye is
   * jittered and holds; a Retry-After is a lower bound. */
  #delay(error: StreamError): number {
    const own = this.#backoff.next()
    const wish = this.#wish ?? Math.max(own, error.retryAfter ?? 0)
    this.#wish = undefined
    return Math.min(Math.max(wish, MIN_DELAY), MAX_WISH)
  }

  #stop(): void {
    clearTimeout(this.#timer)
    const abort = this.#abort
    this.#abort = undefined
    abort?.abort()
  }

  #set(state: StreamState): void {
    this.#state = state
    this.#options.onState?.(state)
  }
}

function asStreamError(cause: unknown): StreamError {
  if (cause instanceof StreamError) return cause
  if (cause instanceof RangeError) return new StreamError('parse', cause.message, { cause })
  return new StreamError('connect', 'the server could not be reached', { cause })
}

function numberIn(json: string, member: string): number | undefined {
  try {
    const value: unknown = JSON.parse(json)
    if (typeof value !== 'object' || value === null) return undefined
    const n = (value as Record<string, unknown>)[member]
    return typeof n === 'number' && Number.isFinite(n) ? n : undefined
  } catch {
    return undefined
  }
}

function isCrossOrigin(url: string): boolean {
  if (typeof location === 'undefined') return false
  return new URL(url, location.href).origin !== location.origin
}

function withParameter(url: string, name: string, value: string): string {
  return `${url}${url.includes('?') ? '&' : '?'}${name}=${encodeURIComponent(value)}`
}
