import type { StreamState } from './connection.js'
import type { WireEvent } from './decoder.js'
import { type Gap, parse, StreamError } from './error.js'
import type { Share, SharingOptions } from './shared.js'

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
   * Whether what is opened at the same address, with the same `key`, shares one
   * connection: `tab` within this tab; `browser` within all tabs of this origin, as far
   * as the browser can (BroadcastChannel) and the server gives events ids; false not at
   * all. With `headers` or a `fetch` of its own a stream is shared only if it has a `key`.
   * Default `tab` in a browser, false elsewhere, where requests of different people are
   * made side by side. How a shared connection connects is decided by who opens it first.
   */
  readonly share?: Share
  /** What tells connections to the same address apart: such as whose headers are sent. */
  readonly key?: string
  /** Closes the stream. */
  readonly signal?: AbortSignal
}

/**
 * A stream of events that goes on until it is closed.
 *
 * As an iterable it gives every event from the beginning of the iteration on. It is
 * read no faster than the loop runs: a loop that lags holds up its connection, and so
 * whoever shares that. The loop ends when the stream is closed and throws when it is given
 * up. Who leaves it closes the stream, unless somebody listens to it still.
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

/** Who hears what comes. */
export interface Listener {
  /** Holds up where the events come from until it resolves. */
  readonly held: Promise<unknown> | undefined
  receive(event: WireEvent): void
  changed(state: StreamState): void
  failed(error: StreamError): void
}

/** Where the events of a {@link Subscription} come from. */
export interface Source {
  readonly state: StreamState
  readonly lastEventId: string
  reconnect(): void
  leave(listener: Listener): void
}

/** An event stream, wherever its events come from. */
export class Subscription<T> implements EventStream<T>, Listener {
  source: Source
  /** What loops wait for that begin, or have to catch up. */
  held: Promise<unknown> | undefined
  readonly #options: StreamOptions<T>
  readonly #events = new Set<(event: StreamEvent<T>) => void>()
  readonly #states = new Set<(state: StreamState) => void>()
  readonly #errors = new Set<(error: StreamError) => void>()
  #closed: StreamState | undefined

  constructor(source: Source, options: StreamOptions<T>) {
    this.source = source
    this.#options = options
  }

  /** Closes it when its signal is aborted. */
  untilAborted(): this {
    const { signal } = this.#options
    if (signal?.aborted) this.close()
    else signal?.addEventListener('abort', this.close)
    return this
  }

  get state(): StreamState {
    return this.#closed ?? this.source.state
  }

  get lastEventId(): string {
    return this.source.lastEventId
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
    if (this.#closed === undefined) this.source.reconnect()
  }

  readonly close = (): void => {
    if (this.#closed !== undefined) return
    this.#closed = { status: 'closed' }
    this.#options.signal?.removeEventListener('abort', this.close)
    this.source.leave(this)
    this.changed(this.#closed)
  }

  async *[Symbol.asyncIterator](): AsyncIterator<StreamEvent<T>> {
    const hold = (until: Promise<unknown>) => {
      this.held = Promise.allSettled([this.held, until]).then(() => {})
    }
    const code = import('./iterate.js')
    hold(code) // nothing may pass before it listens
    try {
      yield* (await code).iterate(this, hold)
    } finally {
      if (this.#events.size === 0) this.close()
    }
  }

  /** @param envelope what the event's data is, if that is known already */
  receive({ type, data, lastEventId: id }: WireEvent, envelope?: Envelope): void {
    if (this.#closed !== undefined) return
    if (type === 'hub.gap') this.failed(gapError(data))
    const { types, parse = JSON.parse as (data: string) => T, schema } = this.#options
    if (!(types?.includes(type) ?? !type.startsWith('hub.'))) return
    let event: StreamEvent<T>
    try {
      let value = envelope === undefined ? parse(data, { type, id }) : (envelope.data as T)
      if (schema !== undefined) {
        const result = schema['~standard'].validate(value) as SchemaResult<T>
        if (!('value' in result)) {
          const why = result.issues?.map(({ message }) => message).join('; ')
          throw new TypeError(why ?? 'the schema is asynchronous')
        }
        value = result.value
      }
      event = { ...envelope, data: value, type, id, receivedAt: Date.now() }
    } catch (cause) {
      this.failed(new StreamError('parse', `event ${id || type}: ${String(cause)}`, { cause }))
      return
    }
    if (this.#closed === undefined) tell(this.#events, event)
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
export function tell<A>(listeners: Set<(what: A) => void>, what: A): void {
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
