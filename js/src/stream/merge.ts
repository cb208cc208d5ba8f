import type { StreamState } from './connection.js'
import type { WireEvent } from './decoder.js'
import { parse, type StreamError } from './error.js'
import { hasCome, isNewer, isNews } from './position.js'
import { pool, type Shared } from './shared.js'
import type { Listener, Source, Subscription } from './subscription.js'

/**
 * Lets a stream that came later, and has a connection of its own for it, be one of those
 * that share a connection as soon as it has come as far as that. Until then, and if this is
 * never loaded, it goes on alone.
 *
 * @param own the connection that nobody else has
 * @param key what those who share a connection have in common
 * @param open opens the one to share, if the others have gone
 */
export function merge<T>(
  stream: Subscription<T>,
  own: Shared,
  key: string,
  open: () => Shared,
): void {
  if (!own.seats.has(stream)) return // it was closed meanwhile
  let shared = pool.get(key)
  if (shared === undefined) {
    shared = open()
    shared.connection.lastEventId = own.lastEventId
  }
  if (shared.state.status === 'closed') shared.reconnect()
  join(stream, own, shared)
}

function join<T>(stream: Subscription<T>, own: Shared, shared: Shared): void {
  const look = () => {
    if (!own.seats.has(guest)) return
    if (own.seats.has(stream)) {
      const { ordered } = shared.connection
      const here = own.lastEventId
      if (shared.state.status !== 'live' || !hasCome(here, shared.lastEventId, ordered)) return
      const { status } = stream.state
      own.leave(stream)
      if (ordered) new Ahead(stream, shared, here)
      else move(stream, shared)
      if (status !== 'live') stream.changed(shared.state)
    }
    forget()
    own.leave(guest)
    shared.leave(guest)
  }
  // Not before all have been told what is told now: a gap comes with the hello before it.
  const check = () => queueMicrotask(look)
  // Hears of both, and keeps the others' connection for whom it is to join.
  const guest: Listener = { held: undefined, receive: check, changed: check, failed() {} }
  const forget = stream.onState(check) // also that it is closed
  own.seats.add(guest)
  shared.seats.add(guest)
  check()
}

function move<T>(stream: Subscription<T>, shared: Shared): void {
  stream.source = shared
  shared.seats.add(stream)
}

/** Stands between a connection and a stream that has had more already, until more comes. */
class Ahead<T> implements Source, Listener {
  readonly lastEventId: string
  readonly #stream: Subscription<T>
  readonly #shared: Shared

  /** @param lastEventId everything up to here the stream has had */
  constructor(stream: Subscription<T>, shared: Shared, lastEventId: string) {
    this.lastEventId = lastEventId
    this.#stream = stream
    this.#shared = shared
    stream.source = this
    shared.seats.add(this)
  }

  get state(): StreamState {
    return this.#shared.state
  }

  get held(): Promise<unknown> | undefined {
    return this.#stream.held
  }

  reconnect(): void {
    this.#shared.reconnect()
  }

  leave(): void {
    this.#shared.leave(this)
  }

  receive(event: WireEvent): void {
    const { id, type, data } = event
    // What the others missed, or where they go on, may be nothing to who is ahead.
    const to = type === 'hub.gap' ? (id ?? parse(data).to) : id
    const isPast = typeof to === 'string' && !isNewer(to, this.lastEventId)
    if (!isNews(event, this.lastEventId) || (type === 'hub.gap' && isPast)) return
    if (id !== undefined && !isPast) {
      this.#shared.seats.delete(this)
      move(this.#stream, this.#shared)
    }
    this.#stream.receive(event)
  }

  changed(state: StreamState): void {
    this.#stream.changed(state)
  }

  failed(error: StreamError): void {
    this.#stream.failed(error)
  }
}
