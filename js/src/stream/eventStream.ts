import type { StreamState } from './connection.js'
import type { WireEvent } from './decoder.js'
import { type Gap, parse, StreamError } from './error.js'
import {
  type Listener,
  type Place,
  Seat,
  type Share,
  type Shared,
  type SharingOptions,
} from './shared.js'

/** An event as it was received. */
export interface StreamEvent<T = unknown> {
  readonly data: T
  /** The event's type; `message` where it has none. */
  readonly type: string
  /** The event's id, or that of the last event that had one. */
  readonly id: string
  /** When it came here, in epoch ms. */
  readonly receivedAt: number
}

/** What a hub sends for an event of a connection with many streams (`/v1/events`). */
export interface Envelope<T = unknown> {
  readonly stream: string
  readonly id?: string
  readonly type?: string
  /** RFC 3339, in UTC. */
  readonly time: string
  readonly key?: string
  readonly data: T
}

/** The part of Standard Schema 1 (https://standardschema.dev) that is used. */
export interface Schema<T> {
  readonly '~standard': {
    readonly validate: (value: unknown) => SchemaResult<T> | Promise<SchemaResult<T>>
    readonly types?: { readonly output: T } | undefined
  }
}

type SchemaResult<T> =
  | { readonly value: T; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string }[] }

/** How an event stream is opened. */
export interface StreamOptions<T = unknown> extends Omit<SharingOptions, 'types'> {
  /** Only events of these types. Default: all but control events (`hub.…`). */
  readonly types?: readonly string[]
  /** Makes a T of an event's data. Default `JSON.parse`; `String` leaves text as it is.
   * What it throws becomes an error of the kind `parse`. */
  readonly parse?: (data: string, event: { readonly type: string; readonly id: string }) => T
  /** Checks what was parsed: any Standard Schema, such as one of zod, that is not
   * asynchronous. */
  readonly schema?: Schema<T>
  /**
   * Whether what is opened at the same address, with the same headers, shares one
   * connection: `tab` within this tab; `browser` with all tabs of this origin that call
   * for it with the same `key`, as far as the browser can (Web Locks, which need a secure
   * context, and BroadcastChannel) and the server gives events ids; false not at all.
   * Default `tab` in a browser, false elsewhere, where requests of different people are
   * made side by side.
   */
  readonly share?: Share
  /** What tells connections to the same address apart, or makes them one although
   * their `headers` or `fetch` are not the same object. */
  readonly key?: string
  /** Closes the stream. */
  readonly signal?: AbortSignal
}

/**
 * A stream of events that goes on until it is closed.
 *
 * As an iterable it gives every event from the beginning of the iteration on. It is
 * read no faster than the loop runs, and the loop ends when the stream is closed and
 * throws when it is given up.
 */
export interface EventStream<T = unknown> extends AsyncIterable<StreamEvent<T>> {
  readonly state: StreamState
  /** Everything up to here has been handed out. */
  readonly lastEventId: string
  /** Hears every event. Returns what ends that. */
  on(listener: (event: StreamEvent<T>) => void): () => void
  /** Hears how the connection stands whenever that changes. */
  onState(listener: (state: StreamState) => void): () => void
  /** Hears of everything that goes wrong, also of what does not end the stream: an event
   * that can't be parsed, or a gap. */
  onError(listener: (error: StreamError) => void): () => void
  /** Connects now, also when given up. */
  reconnect(): void
  /** Ends it for good. */
  close(): void
}

/** The connections of this tab. */
const pool = new Map<string, Shared>()

/**
 * Opens an event stream: any `text/event-stream`, best one of a Streamgauge hub. It
 * connects at once, again after every cut, and continues after the last event, so that
 * none is lost and none comes twice, as far as the server can.
 *
 * @param url where; relative to the page in a browser
 * @example
 * const prices = openEventStream<Price>('/v1/streams/prices/events')
 * prices.on(({ data }) => console.log(data.amount))
 *
 * for await (const { data } of openEventStream<Price>(url, { signal })) save(data)
 */
export function openEventStream<T = unknown>(
  url: string | URL,
  options: StreamOptions<T> = {},
): EventStream<T> {
  return openAt(String(url), options, () => false)
}

/** As {@link openEventStream}, for one to whom only the newest event matters: if others
 * have one already, that is where it begins. */
export function openNewest<T>(url: string, options: StreamOptions<T>): EventStream<T> {
  return openAt(url, options, ({ type }) => options.types?.includes(type) ?? true)
}

function openAt<T>(
  url: string,
  options: StreamOptions<T>,
  newest: (event: WireEvent) => boolean,
): EventStream<T> {
  const key = keyOf(url, options)
  return new Opened(options, (stream) => new Seat(stream, pool, key, url, options, newest))
}

/** How many events may wait for a loop before reading stops. */
const AHEAD = 256

/** An event stream at a connection. */
export class Opened<T> implements EventStream<T>, Listener {
  readonly #options: StreamOptions<T>
  readonly #place: Place
  readonly #events = new Set<(event: StreamEvent<T>) => void>()
  readonly #states = new Set<(state: StreamState) => void>()
  readonly #errors = new Set<(error: StreamError) => void>()
  readonly #queues = new Set<StreamEvent<T>[]>()
  #drained = () => {}
  #closed: StreamState | undefined

  /** @param join takes a place at the connection */
  constructor(options: StreamOptions<T>, join: (listener: Listener) => Place) {
    this.#options = options
    this.#place = join(this)
    const { signal } = options
    const close = () => this.close()
    if (signal?.aborted) close()
    else signal?.addEventListener('abort', close)
  }

  get state(): StreamState {
    return this.#closed ?? this.#place.state
  }

  get lastEventId(): string {
    return this.#place.lastEventId
  }

  on(listener: (event: StreamEvent<T>) => void): () => void {
    return enter(this.#events, listener)
  }

  onState(listener: (state: StreamState) => void): () => void {
    return enter(this.#states, listener)
  }

  onError(listener: (error: StreamError) => void): () => void {
    return enter(this.#errors, listener)
  }

  reconnect(): void {
    if (this.#closed === undefined) this.#place.reconnect()
  }

  close(): void {
    if (this.#closed !== undefined) return
    this.#closed = { status: 'closed' }
    this.#place.leave()
    this.changed(this.#closed)
  }

  async *[Symbol.asyncIterator](): AsyncIterator<StreamEvent<T>> {
    const queue: StreamEvent<T>[] = []
    let wake = () => {}
    const put = (event: StreamEvent<T>) => {
      queue.push(event)
      wake()
    }
    const ends = [this.on(put), this.onState(() => wake()), enter(this.#queues, queue)]
    try {
      for (;;) {
        const event = queue.shift()
        const { status, error } = this.state as { status: string; error?: StreamError }
        if (event !== undefined) yield event
        else if (status === 'closed') {
          if (error === undefined) return
          throw error
        } else {
          this.#drained()
          await new Promise<void>((done) => {
            wake = done
          })
        }
      }
    } finally {
      for (const end of ends) end()
      this.#drained()
    }
  }

  async ready(): Promise<void> {
    while ([...this.#queues].some((queue) => queue.length > AHEAD)) {
      await new Promise<void>((done) => {
        this.#drained = done
      })
    }
  }

  receive({ type, data, lastEventId: id }: WireEvent, envelope?: Envelope): void {
    if (type === 'hub.gap') this.failed(gapError(data))
    const { types, parse = JSON.parse as (data: string) => T, schema } = this.#options
    if (!(types?.includes(type) ?? !type.startsWith('hub.'))) return
    let event: StreamEvent<T>
    try {
      let value = envelope === undefined ? parse(data, { type, id }) : (envelope.data as T)
      if (schema !== undefined) {
        const result = schema['~standard'].validate(value)
        if (result instanceof Promise) throw new TypeError('the schema is asynchronous')
        if (result.issues) throw new TypeError(result.issues.map((i) => i.message).join('; '))
        value = result.value
      }
      event = { ...envelope, data: value, type, id, receivedAt: Date.now() }
    } catch (cause) {
      this.failed(new StreamError('parse', `event ${id || type}: ${cause}`, { cause }))
      return
    }
    tell(this.#events, event)
  }

  changed(state: StreamState): void {
    tell(this.#states, state)
    if ('error' in state && state.error !== undefined) this.failed(state.error)
  }

  failed(error: StreamError): void {
    tell(this.#errors, error)
  }
}

/** Tells all. What one of them throws is no fault of the stream's, nor the others'. */
function tell<A>(listeners: Set<(what: A) => void>, what: A): void {
  for (const listener of listeners) {
    try {
      listener(what)
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }
}

function enter<F>(listeners: Set<F>, listener: F): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

function gapError(data: string): StreamError {
  const gap = parse(data) as unknown as Gap
  const { stream, lost, reason } = gap
  const what = `${lost ?? 'some'} events${stream ? ` of ${stream}` : ''} are lost (${reason})`
  return new StreamError('gap', what, { gap })
}

const names = new WeakMap<object, number>()
let named = 0

/** What connections have in common that can be one; undefined if that is none. */
function keyOf<T>(url: string, options: StreamOptions<T>): string | undefined {
  const { key, headers, fetch, transport } = options
  const share = options.share ?? (typeof document === 'object' ? 'tab' : false)
  if (share === false) return undefined
  // Functions are not the same in other tabs.
  const whose = key ?? (share === 'tab' && [fetch, headers].map(nameOf))
  const at = share === 'tab' ? url : new URL(url, location.href)
  return JSON.stringify([
    share,
    at,
    whose,
    options.credentials,
    transport,
    transport && options.types,
  ])
}

function nameOf(what: object | undefined): unknown {
  if (typeof what !== 'function') return what && [...new Headers(what as HeadersInit)]
  if (!names.has(what)) names.set(what, named++)
  return names.get(what)
}
