import { Connection, type ConnectOptions, type StreamState } from './connection.js'
import type { WireEvent } from './decoder.js'
import type { StreamError } from './error.js'
import type { Extras } from './extras.js'
import { followPage, thisPage } from './page.js'
import { hasCome, isNewer, isNews } from './position.js'
import { type StreamOptions, Subscription } from './subscription.js'

/** How to connect, and for how long. */
export interface SharingOptions extends ConnectOptions {
  /** Ms after which the connection of a page at which nobody looks is closed, until
   * somebody does. Then it continues where it was. Default: never. */
  readonly pauseWhenHidden?: number
  /** Whether a page that is loaded again continues where it was (sessionStorage). */
  readonly persist?: boolean
  readonly types?: readonly string[]
}

/** Whether a connection is shared, and how widely. */
export type Share = 'tab' | 'browser' | false

/** Ms for which a connection outlives its last listener, who may be back at once. */
const LINGER = 250

/** Who listens to a connection. */
interface Listener {
  readonly held: Promise<unknown> | undefined
  take(event: WireEvent): void
  merge(): void
  changed(state: StreamState): void
  failed(error: StreamError): void
}

/** The connections of this tab that may be shared, by what they have in common. */
const pool = new Map<string, Shared>()

/** A connection and all who listen to it. */
class Shared extends Connection {
  readonly seats = new Set<Listener>()
  /** Those who will listen as soon as they have caught up. */
  readonly coming = new Set<Listener>()
  /** The last event that was no control event. */
  newest: WireEvent | undefined
  /** The id after which it began, until something has come. */
  begin: string | undefined
  readonly #key: string | undefined
  readonly #stop = new AbortController()
  #extras: Extras | undefined

  /** @param key under which others find it, if any do */
  constructor(url: string, options: SharingOptions & { readonly share?: Share }, key?: string) {
    const { persist, pauseWhenHidden, share } = options
    const item = `streamgauge ${url}`
    const lastEventId = options.lastEventId ?? ((persist && sessionStorage.getItem(item)) || '')
    if (persist) sessionStorage.removeItem(item) // once: what is opened later begins anew
    super(url, { ...options, lastEventId })
    this.begin = lastEventId
    this.#key = key
    if (key !== undefined) pool.set(key, this)
    const arrive = () => {
      if (this.standing.status === 'paused') this.reconnect()
    }
    const wake = () => {
      arrive()
      this.wake()
    }
    const { signal } = this.#stop
    followPage(thisPage(), { wake, hide() {}, rest: () => this.pause(), arrive }, signal)
    const name = share === 'browser' ? key : undefined
    if (persist || pauseWhenHidden !== undefined || name !== undefined) {
      void import('./extras.js').then(({ Extras }) => {
        const sink = {
          event: (event: WireEvent) => this.#hand(event),
          state: (state: StreamState) => this.#tell(state),
        }
        if (!signal.aborted) this.#extras = new Extras(this, options, item, name, sink, signal)
      })
    }
  }

  /** How it stands, whichever tab has the connection. */
  get standing(): StreamState {
    return this.#extras?.state ?? this.state
  }

  /** Connects anew, whichever tab has the connection. */
  renew(): void {
    const connected = this.#extras ?? (this as Connection)
    connected.reconnect()
  }

  /** Ends, in so many ms, if nobody listens then. */
  leave(linger: number): void {
    const end = () => {
      if (this.seats.size + this.coming.size > 0) return
      if (this.#key !== undefined && pool.get(this.#key) === this) pool.delete(this.#key)
      this.#stop.abort()
      this.close()
    }
    if (linger > 0) setTimeout(end, linger)
    else end()
  }

  protected override deliver(event: WireEvent): void {
    this.#hand(event)
    this.#extras?.received(event)
  }

  protected override changed(): void {
    this.#tell(this.standing)
    this.#extras?.changed()
  }

  protected override failed(error: StreamError): void {
    for (const seat of this.seats) seat.failed(error)
  }

  protected override ready(): Promise<unknown> {
    return Promise.all([...this.seats].map(({ held }) => held))
  }

  #hand(event: WireEvent): void {
    this.begin = undefined
    if (!event.type.startsWith('hub.')) this.newest = event
    for (const seat of this.seats) seat.take(event)
    for (const seat of this.coming) seat.merge()
  }

  #tell(state: StreamState): void {
    for (const seat of this.seats) seat.changed(state)
  }
}

/** An event stream at a connection that may be shared. It hears what it would hear at a
 * connection of its own: it has one until that has come as far as the other. */
export class Seat<T> extends Subscription<T> implements Listener {
  #home: Shared
  #into: Shared | undefined
  #after = '' // what it has had already of what comes
  #before: string | undefined // where it is until it has had what came last
  readonly #linger: number

  /**
   * @param key what connections have in common that can be one; none is an own one
   * @param newest whether an event is all that matters of what has been
   */
  constructor(
    key: string | undefined,
    url: string,
    options: StreamOptions<T>,
    newest: (event: WireEvent) => boolean,
  ) {
    super(options)
    this.#linger = key === undefined ? 0 : LINGER
    const shared = key === undefined ? undefined : pool.get(key)
    this.#home = shared ?? new Shared(url, options, key)
    if (shared !== undefined) {
      const { lastEventId: there, newest: last } = shared
      const after = options.lastEventId ?? ''
      if (shared.standing.status === 'closed') shared.renew()
      if (hasCome(after, there)) this.#after = after
      else if (shared.begin !== after && there !== '') {
        // Without ids there would be nothing to catch up by.
        if (last !== undefined && newest(last)) {
          this.#before = after
          queueMicrotask(() => {
            this.#before = undefined
            if (shared.seats.has(this)) this.take(last)
          })
        } else {
          this.#home = new Shared(url, options)
          this.#into = shared.coming.add(this) && shared
        }
      }
    }
    this.#home.seats.add(this)
  }

  get standing(): StreamState {
    return this.#home.standing
  }

  get lastEventId(): string {
    return this.#before ?? (this.#after || this.#home.lastEventId)
  }

  renew(): void {
    this.#home.renew()
  }

  take(event: WireEvent): void {
    if (this.#after !== '') {
      if (!isNews(event, this.#after)) return
      if (event.id !== undefined && isNewer(event.id, this.#after)) this.#after = ''
    }
    this.receive(event)
    this.merge()
  }

  /** Moves to the other connection if it has come as far. */
  merge(): void {
    const into = this.#into
    const here = this.lastEventId
    if (into === undefined || !hasCome(here, into.lastEventId)) return
    this.leave(0)
    into.seats.add(this)
    this.#home = into
    this.#after = here
  }

  leave(linger = this.#linger): void {
    const into = this.#into
    this.#into = undefined
    this.#home.seats.delete(this)
    this.#home.leave(into === undefined ? linger : 0)
    if (into?.coming.delete(this)) into.leave(this.#linger)
  }
}
