import { Connection, type ConnectOptions, type StreamState } from './connection.js'
import type { WireEvent } from './decoder.js'
import type { Extras } from './extras.js'
import { liveWithPage } from './page.js'
import type { Listener, Source, Subscription } from './subscription.js'

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

/** The connections of this tab that may be shared, by what they have in common. */
export const pool = new Map<string | undefined, Shared>()

/** A connection and all who listen to it. */
export class Shared implements Source {
  readonly seats = new Set<Listener>()
  /** The last event that was no control event. */
  newest: WireEvent | undefined
  /** Under which others find it, if any do. */
  readonly key: string | undefined
  readonly connection: Connection
  readonly #stop = new AbortController()
  #extras: Extras | undefined

  /** @param key under which others find it, if any do */
  constructor(url: string, options: SharingOptions & { readonly share?: Share }, key?: string) {
    const { persist, pauseWhenHidden, share } = options
    const item = `streamgauge ${key ?? url}`
    this.key = key
    if (key !== undefined) pool.set(key, this)
    this.connection = new Connection(url, options, {
      onEvent: (event) => {
        this.receive(event)
        this.#extras?.received(event)
      },
      onState: () => {
        this.changed()
        this.#extras?.changed()
      },
      onError: (error) => {
        for (const seat of this.seats) seat.failed(error)
      },
      ready: () => Promise.all([...this.seats].map(({ held }) => held)),
    })
    if (persist) this.connection.lastEventId ||= takeItem(item)
    const { signal } = this.#stop
    liveWithPage(this.connection, this, signal)
    if (persist || pauseWhenHidden !== undefined || share === 'browser') {
      // If that can't be loaded it does without.
      import('./extras.js')
        .then(({ Extras }) => {
          if (!signal.aborted) this.#extras = new Extras(this, options, item, signal)
        })
        .catch(() => {})
    }
  }

  /** How it stands, whichever tab has the connection. */
  get state(): StreamState {
    return this.#extras?.state ?? this.connection.state
  }

  get lastEventId(): string {
    return this.connection.lastEventId
  }

  /** Hands out an event, whichever tab has the connection. */
  receive(event: WireEvent): void {
    if (!event.type.startsWith('hub.')) this.newest = event
    // Who comes while all are told hears of what comes next.
    for (const seat of [...this.seats]) seat.receive(event)
  }

  /** Tells how it stands, whichever tab has the connection. */
  changed(): void {
    // Who hears it may connect anew: the others hear of that.
    for (const seat of this.seats) seat.changed(this.state)
  }

  /** Connects anew, whichever tab has the connection. */
  reconnect(): void {
    const connected = this.#extras ?? this.connection
    connected.reconnect()
  }

  /** Whether who is at an id hears here all that it would hear alone. Without ids there
   * would be nothing to catch up by. */
  isAt(id = ''): boolean {
    return this.lastEventId === id
  }

  /** Lets somebody hear what comes. */
  join<T>(stream: Subscription<T>): Subscription<T> {
    this.seats.add(stream)
    if (this.state.status === 'closed') this.reconnect()
    return stream.untilAborted()
  }

  /** Lets somebody go. If that was the last it ends; soon, if others might come. */
  leave(seat: Listener): void {
    this.seats.delete(seat)
    const { key } = this
    const end = () => {
      if (this.seats.size > 0) return
      if (pool.get(key) === this) pool.delete(key)
      this.#stop.abort()
      this.connection.close()
    }
    if (key === undefined) end()
    else setTimeout(end, LINGER)
  }
}

/** Takes what the session has kept. Where it may keep nothing, that is nothing. */
function takeItem(item: string): string {
  try {
    const value = sessionStorage.getItem(item)
    sessionStorage.removeItem(item) // once: what is opened later begins anew
    return value ?? ''
  } catch {
    return ''
  }
}
