import { backoff, type RetryOptions } from './backoff.js'
import { Decoder, type WireEvent } from './decoder.js'
import { checkResponse, isTemporary, parse, StreamError } from './error.js'
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

/** What a {@link Connection} tells its owner, and how it connects. */
export interface ConnectionOptions extends ConnectOptions {
  /** Sees every event once, in order, control events (`hub.…`) included. */
  readonly onEvent?: (event: WireEvent) => void
  readonly onState?: (state: StreamState) => void
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
  #delay: number // ms before a first retry
  #silence: number
  #failures = 0
  #abort: AbortController | undefined
  #timer: ReturnType<typeof setTimeout> | undefined // the watchdog's, or the next attempt's
  #lastByte = 0
  #downSince = 0
  #wish: number | undefined // the delay that hub.bye asked for
  #denied = false // these credentials are no longer good
  #renewed = false // headers were asked for again after they were refused

  /** @param url where to connect; a function is asked before every attempt */
  constructor(url: string | (() => string), options: ConnectionOptions) {
    this.#url = typeof url === 'string' ? () => url : url
    this.#options = options
    const { minDelay = 500, random = Math.random } = options.retry ?? {}
    this.#delay = minDelay * (0.5 + random())
    this.lastEventId = options.lastEventId ?? ''
    this.#silence = options.heartbeatTimeout ?? 45_000
    // Not before whoever made it is ready to hear of it.
    queueMicrotask(() => {
      if (this.#abort === undefined && this.state.status === 'connecting') void this.#connect()
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
    const { state } = this
    const late =
      state.status === 'retrying'
        ? atOnce || Date.now() >= Number(state.error.retryAt)
        : this.#silence > 0 && Date.now() - this.#lastByte > this.#silence
    if (late && !isOff(state)) this.reconnect()
  }

  /** Disconnects until {@link reconnect}. */
  pause(): void {
    if (this.state.status !== 'closed') this.#stop({ status: 'paused' })
  }

  /** Ends the connection for good. No event follows. */
  close(): void {
    this.#stop({ status: 'closed' })
  }

  /** Hands out an event. */
  protected deliver(event: WireEvent): void {
    this.#options.onEvent?.(event)
  }

  /** The state is another. */
  protected changed(): void {
    this.#options.onState?.(this.state)
  }

  /** Something is wrong with a single event. */
  protected failed(_error: StreamError): void {}

  /** Holds back the reading, and so the server, until it resolves. */
  protected ready(): unknown {
    return undefined
  }

  async #connect(): Promise<void> {
    const { headers: given, credentials = 'same-origin', transport, types } = this.#options
    const { lastEventId } = this
    const abort = new AbortController()
    const { signal } = abort
    const current = () => this.#abort === abort
    this.#abort = abort
    this.#denied = false
    if (isOff(this.state)) this.#set({ status: 'connecting' })
    const aborted = new Promise<never>((_, fail) => {
      signal.onabort = () => fail(signal.reason)
    })
    aborted.catch(() => {})
    try {
      this.#watch(abort)
      const fields = typeof given === 'function' ? await Promise.race([given(), aborted]) : given
      const headers = new Headers(fields)
      headers.set('accept', 'text/event-stream')
      const get =
        transport === 'eventsource'
          ? (await import('./sourceFetch.js')).sourceFetch(types)
          : (this.#options.fetch ?? fetch)
      let url = this.#url()
      // The header would cost a preflight across origins, which servers refuse
      // only when a client reconnects; the parameter costs nothing.
      if (lastEventId !== '' && (transport === 'eventsource' || isCrossOrigin(url))) {
        url += `${url.includes('?') ? '&' : '?'}last-event-id=${encodeURIComponent(lastEventId)}`
      } else if (lastEventId !== '') {
        // A header is bytes: those of UTF-8.
        const bytes = new TextEncoder().encode(lastEventId)
        headers.set('last-event-id', String.fromCharCode(...bytes))
      }
      const response = await get(url, { headers, signal, credentials, cache: 'no-store' })
      const reader = (await checkResponse(response)).getReader()
      const decoder = new Decoder(
        {
          event: (event) => {
            if (current()) this.#receive(event)
          },
          retry: (ms) => {
            this.#delay = within(ms)
          },
          tooLong: () => this.failed(new StreamError('parse', 'an event was too long')),
        },
        lastEventId,
      )
      for (;;) {
        const { done, value } = await reader.read()
        if (!current()) return
        if (done) throw new StreamError('closed', 'the server ended the stream')
        if (this.state.status !== 'live') {
          this.#downSince = 0
          this.#set({ status: 'live' })
        }
        clearTimeout(this.#timer)
        await this.ready()
        if (!current()) return
        decoder.push(value)
        if (!current()) return
        // A block without data is no event, but its id counts.
        this.#pass(decoder.lastEventId)
        this.#watch(abort)
      }
    } catch (cause) {
      // A superseded attempt has no say: its successor owns timer and state.
      if (!current()) return
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
    if (id !== undefined) this.#pass(id)
    if (type.startsWith('hub.')) {
      // hub.hello and hub.gap say where delivery goes on, even if that is
      // before where we were: the log may have been replaced.
      if (id !== undefined) this.lastEventId = id
      const { heartbeat_ms, retry_ms, reason } = parse(data)
      if (this.#silence > 0 && Number(heartbeat_ms) > 0) this.#silence = Number(heartbeat_ms) * 2.5
      if (type === 'hub.hello') this.ordered = true
      if (type === 'hub.bye') {
        this.#wish = Number(retry_ms) || undefined
        this.#denied = reason === 'revoked' || reason === 'expired'
      }
    }
    this.deliver(event)
  }

  #watch(abort: AbortController): void {
    clearTimeout(this.#timer)
    this.#lastByte = Date.now()
    const ms = this.#silence
    if (ms <= 0) return
    const dead = () => abort.abort(new StreamError('stalled', `no byte came for ${ms / 1000} s`))
    this.#timer = setTimeout(dead, ms)
  }

  #fail(error: StreamError): void {
    const { retry = {}, headers } = this.#options
    const denied = this.#denied || error.status === 401 || error.status === 403
    const renew = denied && typeof headers === 'function' && !this.#renewed
    const attempt = ++this.#failures
    // What the server asked for when it said goodbye is jittered and holds; a
    // Retry-After is a lower bound.
    const own = backoff(attempt, this.#delay, retry)
    const delay = within(this.#wish ?? Math.max(own, error.retryAfter ?? 0))
    this.#wish = undefined
    this.#renewed ||= renew
    Object.assign(error, { attempt })
    let again = denied ? renew : isTemporary(error)
    try {
      again = retry.when?.(error) ?? again
    } catch {} // who can't say leaves it as it is
    if (again && attempt < (retry.maxAttempts ?? Number.POSITIVE_INFINITY)) {
      this.#downSince ||= Date.now()
      Object.assign(error, { retryAt: Date.now() + delay })
      this.#stop()
      // Before anybody hears of it, who may close it.
      this.#timer = setTimeout(() => void this.#connect(), delay)
      this.#set({ status: 'retrying', error, since: this.#downSince })
    } else this.#stop({ status: 'closed', error: Object.assign(error, { fatal: true }) })
  }

  #stop(state?: StreamState): void {
    clearTimeout(this.#timer)
    const abort = this.#abort
    this.#abort = undefined
    abort?.abort()
    if (state !== undefined) this.#set(state)
  }

  #set(state: StreamState): void {
    this.state = state
    this.changed()
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
