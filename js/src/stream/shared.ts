import { Connection, type ConnectOptions, type StreamState } from './connection.js'
import type { WireEvent } from './decoder.js'
import type { StreamError } from './error.js'
import type { Envelope } from './eventStream.js'
import { followPage, thisPage } from './page.js'
import { hasCome, isNewer, isNews } from './position.js'
import type { Tabs } from './tabs.js'

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

/** Who listens to a connection. */
export interface Listener {
  /** @param envelope what the event's data is, if that is known already */
  receive(event: WireEvent, envelope?: Envelope): void
  changed(state: StreamState): void
  failed(error: StreamError): void
  /** What holds it up. */
  ready(): Promise<void>
}

/** A listener's place at a connection. */
export interface Place {
  readonly state: StreamState
  /** Everything up to here it has heard. */
  readonly lastEventId: string
  reconnect(): void
  /** Gives it up. Nothing more is heard. */
  leave(): void
}

/** Ms for which a connection outlives its last listener, who may be back at once. */
const LINGER = 250

/** A connection and all who listen to it. */
export class Shared {
  readonly connection: Connection
  readonly seats = new Set<Seat>()
  /** Those who will listen as soon as they have caught up. */
  readonly coming = new Set<Seat>()
  /** The last event that was no control event. */
  newest: WireEvent | undefined
  /** The id after which it began, until something has come. */
  begin: string | undefined
  readonly #stop = new AbortController()
  #tabs: Tabs | undefined

  /** @param name what all tabs of the browser call it, if they share it */
  constructor(url: string, options: SharingOptions, name?: string) {
    const memory = options.persist ? globalThis.sessionStorage : undefined
    const item = `streamgauge ${url}`
    const lastEventId = options.lastEventId ?? memory?.getItem(item) ?? ''
    memory?.removeItem(item) // once: what is opened later begins anew
    this.begin = lastEventId
    const { seats, coming } = this
    const event = (event: WireEvent) => {
      this.begin = undefined
      if (!event.type.startsWith('hub.')) this.newest = event
      for (const seat of seats) seat.take(event)
      for (const seat of coming) seat.merge()
    }
    const state = (state: StreamState) => {
      for (const seat of seats) seat.listener.changed(state)
    }
    const connection = new Connection(url, {
      ...options,
      lastEventId,
      onEvent: (received) => {
        event(received)
        this.#tabs?.received(received)
      },
      onState: () => {
        state(this.state)
        this.#tabs?.changed()
      },
      onError: (error) => {
        for (const seat of seats) seat.listener.failed(error)
      },
      ready: () => Promise.all([...seats].map((seat) => seat.listener.ready())),
    })
    this.connection = connection
    const { signal } = this.#stop
    const join = async () => {
      if (name === undefined) return
      // Most do without what it takes to share with other tabs.
      const { Tabs } = await import('./tabs.js')
      if (!signal.aborted) this.#tabs ??= new Tabs(name, connection, { event, state })
    }
    const pause = () => {
      this.#tabs?.close()
      this.#tabs = undefined
      connection.pause()
    }
    const arrive = () => {
      if (this.state.status !== 'paused') return
      connection.reconnect()
      void join()
    }
    let timer: ReturnType<typeof setTimeout> | undefined
    const life = {
      wake: () => {
        clearTimeout(timer)
        arrive()
        this.#tabs?.check()
        connection.wake()
      },
      hide() {
        if (options.pauseWhenHidden !== undefined)
          timer = setTimeout(pause, options.pauseWhenHidden)
      },
      rest() {
        memory?.setItem(item, connection.lastEventId)
        pause()
      },
      arrive,
    }
    followPage(thisPage(), life, signal)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      this.#tabs?.close()
      connection.close()
    })
    void join()
  }

  get state(): StreamState {
    return this.#tabs?.state ?? this.connection.state
  }

  reconnect(): void {
    const connected = this.#tabs ?? this.connection
    connected.reconnect()
  }

  /** Whether it is over. */
  get ended(): boolean {
    return this.#stop.signal.aborted
  }

  /** Ends the connection, in so many ms, if nobody listens then. */
  leave(linger: number): void {
    const end = () => {
      if (this.seats.size + this.coming.size === 0) this.#stop.abort()
    }
    if (linger > 0) setTimeout(end, linger)
    else end()
  }
}

/** One listener's place at a connection that may be shared. It hears what it would hear
 * at a connection of its own: it has one until that has come as far as the other. */
export class Seat implements Place {
  readonly listener: Listener
  #home: Shared
  #into: Shared | undefined
  #after = '' // what it has had already of what comes
  #before: string | undefined // where it is until it has had what came last
  #linger = LINGER

  /**
   * @param pool where connections are shared, by key
   * @param key what connections have in common that can be one; none is an own one
   * @param newest whether an event is all that matters of what has been
   */
  constructor(
    listener: Listener,
    pool: Map<string, Shared>,
    key: string | undefined,
    url: string,
    options: SharingOptions & { readonly share?: Share },
    newest: (event: WireEvent) => boolean,
  ) {
    this.listener = listener
    const shared = key === undefined ? undefined : pool.get(key)
    if (shared === undefined || shared.ended) {
      this.#home = new Shared(url, options, options.share === 'browser' ? key : undefined)
      if (key === undefined) this.#linger = 0
      else pool.set(key, this.#home)
    } else {
      const { connection, newest: last } = shared
      const there = connection.lastEventId
      const after = options.lastEventId ?? ''
      if (shared.state.status === 'closed') shared.reconnect()
      this.#home = shared
      // Without ids there is nothing to catch up by.
      if (shared.begin === after || there === '') this.#after = ''
      else if (hasCome(after, there)) this.#after = after
      else if (last !== undefined && newest(last)) {
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
    this.#home.seats.add(this)
  }

  get state(): StreamState {
    return this.#home.state
  }

  get lastEventId(): string {
    return this.#before ?? (this.#after || this.#home.connection.lastEventId)
  }

  reconnect(): void {
    this.#home.reconnect()
  }

  take(event: WireEvent): void {
    if (this.#after !== '') {
      if (!isNews(event, this.#after)) return
      if (event.id !== undefined && isNewer(event.id, this.#after)) this.#after = ''
    }
    this.listener.receive(event)
    this.merge()
  }

  /** Moves to the other connection if it has come as far. */
  merge(): void {
    const into = this.#into
    const here = this.lastEventId
    if (into === undefined || !hasCome(here, into.connection.lastEventId)) return
    this.#leave(0)
    into.seats.add(this)
    this.#home = into
    this.#after = here
  }

  leave(): void {
    this.#leave(this.#linger)
  }

  #leave(linger: number): void {
    const into = this.#into
    this.#into = undefined
    this.#home.seats.delete(this)
    this.#home.leave(into === undefined ? linger : 0)
    if (into?.coming.delete(this)) into.leave(this.#linger)
  }
}
