import { Connection, type ConnectOptions, type StreamState } from '../stream/connection.js'
import type { WireEvent } from '../stream/decoder.js'
import { parse, StreamError } from '../stream/error.js'
import { followPage, thisPage } from '../stream/page.js'
import { isNewer } from '../stream/position.js'
import {
  type Envelope,
  type EventStream,
  type StreamEvent,
  type StreamOptions,
  Subscription,
} from '../stream/subscription.js'
import type { Live } from './live.js'
import { includes, isConditional, isSelector, matches, selectorOf } from './selector.js'

/** How a {@link LiveConnection} connects. */
export interface LiveConnectionOptions extends Omit<ConnectOptions, 'transport' | 'lastEventId'> {
  /** Whether all tabs of this browser share the connection, as far as the browser can
   * (Web Locks and BroadcastChannel). They must be entitled to the same. Default `tab`. */
  readonly share?: 'tab' | 'browser'
}

/** What of a stream is wanted. */
export interface LiveStreamOptions<T>
  extends Pick<StreamOptions<T>, 'types' | 'schema' | 'signal'> {
  /** So many of the events that are kept come first, at most. */
  readonly last?: number
  /** The events of so many ms before now come first. */
  readonly since?: number
  /** What came after this id comes first: the cursor of a page from the server. */
  readonly lastEventId?: string | undefined
}

/** An event of a {@link LiveConnection}. */
export interface LiveEvent<T = unknown> extends StreamEvent<T> {
  readonly stream: string
  /** RFC 3339, in UTC. */
  readonly time: string
  readonly key?: string
}

const CONNECTING: StreamState = { status: 'connecting' }
/** Ms within which changes of what is wanted are taken together. */
const SETTLE = 30
/** Ms for which a stream, or the connection, is held that nobody wants any more. */
const LINGER = 250

/**
 * Many streams over one connection to a hub, with one cursor. Streams may be opened and
 * closed at any time: whatever else is open neither misses nor repeats anything.
 *
 * @example
 * const live = new LiveConnection('/v1/events')
 * live.open<Cpu>('host.cpu').on(({ data }) => console.log(data.percent))
 * live.open<Line>('logs.>', { last: 100 }).on(({ stream, data }) => show(stream, data))
 */
export class LiveConnection {
  readonly #at: string
  readonly #options: LiveConnectionOptions
  readonly #members = new Set<Listener>()
  readonly #states = new Set<(state: StreamState) => void>()
  #asked = new Set<string>()
  /** The selectors of what the connection is known to bring. */
  #brings: readonly string[] = []
  #link: Connection | Live | undefined
  #stop = new AbortController()
  #timer: ReturnType<typeof setTimeout> | undefined

  /** @param url where the hub's `/v1/events` is found */
  constructor(url: string | URL, options: LiveConnectionOptions = {}) {
    this.#at = `${url}${String(url).includes('?') ? '&' : '?'}`
    this.#options = options
  }

  get state(): StreamState {
    return this.#link?.state ?? CONNECTING
  }

  /** Everything up to here, of all that is wanted, has come. */
  get lastEventId(): string {
    return this.#link?.lastEventId ?? ''
  }

  /** Hears how the connection stands whenever that changes. Returns what ends that. */
  onState(listener: (state: StreamState) => void): () => void {
    this.#states.add(listener)
    return () => this.#states.delete(listener)
  }

  /**
   * Opens a stream, or all that a pattern such as `logs.>` selects, perhaps with a
   * condition: `logs.> where data.severity_number >= 13`. Throws a TypeError for what is
   * no selector. As an iterable it keeps what it has not given yet.
   */
  open<T = unknown>(stream: string, options: LiveStreamOptions<T> = {}): EventStream<T> {
    if (!isSelector(selectorOf(stream))) {
      throw new TypeError(`"${stream}" is neither a stream's name nor a pattern such as "logs.>"`)
    }
    const member = new Member<T>(this, stream, options)
    this.#members.add(member)
    this.#begin(member)
    this.#settle(this.#link === undefined ? 0 : SETTLE)
    return member.until(options.signal)
  }

  /** Connects now, also when given up. */
  reconnect(): void {
    this.#link?.reconnect()
  }

  /** @internal */
  dismiss(member: Listener): void {
    this.#members.delete(member)
    this.#settle(LINGER)
  }

  /** Asks for what is wanted, soon. */
  #settle(ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#ask(), ms)
  }

  #ask(): void {
    const wanted = new Set([...this.#members].map((member) => member.selector))
    const before = this.#asked
    this.#asked = wanted
    if (wanted.size === 0) {
      this.#stop.abort()
      this.#link?.close()
      this.#link = undefined
      this.#brings = []
    } else if (wanted.size !== before.size || [...wanted].some((s) => !before.has(s))) {
      if (before.size === 0) this.#connect()
      else if (this.#link instanceof Connection) this.#link.reconnect()
      else this.#link?.want(this.#want)
    }
  }

  get #want() {
    return { streams: [...this.#asked], views: [], since: 0 }
  }

  #connect(): void {
    this.#stop = new AbortController()
    const { signal } = this.#stop
    const sink = {
      onEvent: (event: WireEvent) => this.#receive(event),
      onState: (state: StreamState) => {
        for (const listener of this.#states) listener(state)
        for (const member of this.#members) member.changed(state)
      },
    }
    if (this.#options.share === 'browser') {
      // Most do without what it takes to share with other tabs.
      void import('./live.js').then(({ Live }) => {
        if (signal.aborted) return
        const live = new Live(this.#at.slice(0, -1), sink, { ...this.#options, share: true })
        this.#link = live
        live.want(this.#want)
      })
      return
    }
    const at = () => this.#at + new URLSearchParams(this.#want.streams.map((s) => ['stream', s]))
    const connection = new Connection(at, { ...this.#options, ...sink })
    this.#link = connection
    const arrive = () => {
      if (connection.state.status === 'paused') connection.reconnect()
    }
    const life = {
      wake: () => connection.wake(),
      hide() {},
      rest: () => connection.pause(),
      arrive,
    }
    followPage(thisPage(), life, signal)
  }

  #receive(event: WireEvent): void {
    const { type, data } = event
    if (!type.startsWith('hub.')) {
      const envelope = parse(data) as unknown as Envelope & { match?: readonly string[] }
      const bare = { ...event, type: envelope.type ?? 'message' }
      for (const member of this.#members) {
        const { selector } = member
        const wanted = isConditional(selector)
          ? envelope.match?.includes(selector)
          : matches(selector, String(envelope.stream))
        if (wanted) member.take(bare, envelope)
      }
      return
    }
    const { stream, streams, reason } = parse(data)
    if (type === 'hub.hello' && Array.isArray(streams)) this.#brings = streams
    const isVoid = reason === 'epoch' || reason === 'unknown'
    for (const member of this.#members) {
      const isTheirs = typeof stream !== 'string' || matches(selectorOf(member.selector), stream)
      if (isTheirs) member.receive(event)
      this.#begin(member, isVoid)
    }
  }

  /** What a member wants to have first is read, if the connection brings what follows. */
  #begin(member: Listener, again = false): void {
    if (this.#brings.some((wider) => includes(wider, member.selector))) {
      member.begin(this.#at, this.#options, again)
    }
  }
}

/** Who listens to a stream of a connection. */
interface Listener {
  readonly selector: string
  begin(at: string, options: ConnectOptions, again: boolean): void
  take(event: WireEvent, envelope: Envelope): void
  receive(event: WireEvent): void
  changed(state: StreamState): void
}

/** A stream that is open. */
class Member<T> extends Subscription<T> implements Listener {
  readonly selector: string
  readonly #live: LiveConnection
  readonly #wish: LiveStreamOptions<T>
  #after: string // what it has had, of what may come again
  #begun = false
  #reading = new AbortController()
  /** What comes while it reads what was before. */
  #queue: [WireEvent, Envelope][] | undefined

  constructor(live: LiveConnection, selector: string, wish: LiveStreamOptions<T>) {
    super(wish)
    this.#live = live
    this.selector = selector
    this.#wish = wish
    this.#after = wish.lastEventId ?? ''
  }

  get standing(): StreamState {
    return this.#live.state
  }

  get lastEventId(): string {
    const { lastEventId } = this.#live
    const ahead = this.#after !== '' && isNewer(this.#after, lastEventId)
    return ahead || !this.#begun || this.#queue !== undefined ? this.#after : lastEventId
  }

  renew(): void {
    this.#live.reconnect()
  }

  leave(): void {
    this.#reading.abort()
    this.#live.dismiss(this)
  }

  begin(at: string, options: ConnectOptions, again: boolean): void {
    if (this.#begun && !again) return
    this.#begun = true
    this.#reading.abort()
    if (again) this.#after = ''
    const { last, since } = this.#wish
    const query = new URLSearchParams({ stream: this.selector })
    if (this.#after !== '') query.set('last-event-id', this.#after)
    else if (last !== undefined) query.set('last', String(last))
    else if (since !== undefined) query.set('since', `${Math.ceil(since / 1000)}s`)
    this.#queue = query.size > 1 ? [] : undefined
    if (this.#queue !== undefined) void this.#read(at, query, options)
  }

  async #read(at: string, query: URLSearchParams, options: ConnectOptions): Promise<void> {
    this.#reading = new AbortController()
    const { signal } = this.#reading
    try {
      const { history } = await import('./history.js')
      for await (const { events, cursor, gaps = [] } of history(at, query, options, signal)) {
        if (signal.aborted) return
        for (const gap of gaps) this.#say('hub.gap', JSON.stringify(gap), cursor)
        for (const event of events) this.#say(event.type ?? 'message', '', event.id, event)
        this.#after = cursor
      }
    } catch (cause) {
      if (signal.aborted) return
      const why = 'the events before could not be read'
      const known = cause instanceof StreamError
      this.failed(known ? cause : new StreamError('connect', why, { cause }))
    }
    const queue = this.#queue ?? []
    this.#queue = undefined
    for (const [event, envelope] of queue) this.take(event, envelope)
  }

  /** Takes an event of the connection. */
  take(event: WireEvent, envelope: Envelope): void {
    if (!this.#begun) return
    if (this.#queue !== undefined) this.#queue.push([event, envelope])
    else if (this.#after === '' || event.id === undefined || isNewer(event.id, this.#after)) {
      this.#after = ''
      this.receive(event, envelope)
    }
  }

  /** Hands out what was on a page. */
  #say(type: string, data: string, id: string, envelope?: Envelope): void {
    this.#after = id
    this.receive({ type, data, id, lastEventId: id }, envelope)
  }
}
