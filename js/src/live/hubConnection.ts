import { Connection, type ConnectOptions, type StreamState } from '../stream/connection.js'
import type { WireEvent } from '../stream/decoder.js'
import { isNewer } from '../stream/position.js'
import { covers, eventsURL, isNothing, NOTHING, type Want } from './want.js'

/** The hub's word where delivery goes on. */
export interface Start {
  /** The `hub.hello` that said so. */
  readonly hello: WireEvent
  /** Everything that is wanted and newer than this position follows. */
  readonly after: string
  /** How many ms of history that is, at least. */
  readonly history: number
  /** Whether the log is another one, so that older positions mean nothing. */
  readonly reset: boolean
}

/** Who hears what a {@link HubConnection} brings. */
export interface ConnectionSink {
  /** Delivery begins, or goes on after a cut. */
  onStart(start: Start): void
  /** Every event but `hub.hello`. */
  onEvent(event: WireEvent): void
  onState(state: StreamState): void
}

/** The one connection to a hub, for whatever is wanted at the time. */
export class HubConnection {
  readonly #events: URL
  readonly #options: ConnectOptions
  readonly #sink: ConnectionSink
  #stream: Connection | undefined
  #want: Want = NOTHING
  #position = ''
  #started = false
  #history = 0

  constructor(events: URL, options: ConnectOptions, sink: ConnectionSink) {
    this.#events = events
    this.#options = options
    this.#sink = sink
  }

  /** Everything older has been delivered, or was not wanted. */
  get position(): string {
    return this.#position
  }

  /** Whether it brings, or will have brought, so many ms of all that is wanted. */
  serves(want: Want, history: number): boolean {
    const coming = this.#started ? 0 : this.#history
    if (this.#stream === undefined || want.rate !== this.#want.rate) return false
    return covers(this.#want, want) && history <= coming
  }

  /**
   * Connects anew.
   *
   * @param history ms of it, also of what was delivered before; 0 is none
   * @param after where delivery may begin, at the latest; '' is anywhere
   */
  open(want: Want, history: number, after: string): void {
    this.#drop()
    this.#want = want
    this.#history = history
    this.#position = after
    this.#started = false
    if (!isNothing(want)) this.#connect(history > 0 ? '' : after)
  }

  #connect(cursor: string): void {
    this.#drop()
    // A server that can't use a cursor answers as if there were none: from the start.
    const url = () => {
      const fresh = stream === undefined || stream.lastEventId === ''
      const history = fresh && cursor === '' ? this.#history : this.#want.since
      return eventsURL(this.#events, this.#want, history)
    }
    let stream: Connection | undefined
    const current = () => stream !== undefined && stream === this.#stream
    stream = new Connection(url, {
      ...this.#options,
      ...(cursor === '' ? {} : { lastEventId: cursor }),
      onEvent: (event) => {
        if (current()) this.#receive(event, cursor)
      },
      onState: (state) => {
        if (current()) this.#sink.onState(state)
      },
    })
    this.#stream = stream
  }

  /** Wants no more than this of what it wants. It asks for less when it connects next. */
  narrow(want: Want): void {
    if (!covers(this.#want, want)) return
    this.#want = { ...want, rate: this.#want.rate } // at the rate that it has
    if (isNothing(want)) this.#drop()
  }

  /** See {@link Connection.wake}. */
  wake(atOnce = true): void {
    this.#stream?.wake(atOnce)
  }

  reconnect(): void {
    this.#stream?.reconnect()
  }

  close(): void {
    this.#drop()
  }

  #drop(): void {
    const stream = this.#stream
    this.#stream = undefined
    stream?.close()
  }

  #receive(event: WireEvent, cursor: string): void {
    if (event.type === 'hub.hello') {
      this.#start(event, cursor)
      return
    }
    if (event.id !== undefined) this.#position = event.id
    this.#sink.onEvent(event)
  }

  #start(hello: WireEvent, cursor: string): void {
    const before = this.#position
    const after = hello.id ?? before
    const asked = this.#started ? before : cursor
    if (asked === '' && before !== '' && after !== before && isNewer(after, before)) {
      // The history that was asked for begins later than what has been delivered.
      this.#connect(before)
      return
    }
    const history = this.#started ? 0 : this.#history
    this.#started = true
    this.#position = after
    const reset = asked !== '' && after !== asked
    this.#sink.onStart({ hello, after, history, reset })
  }
}
