import { Connection, type ConnectOptions, type StreamState } from '../stream/connection.js'
import type { WireEvent } from '../stream/decoder.js'
import { parse } from '../stream/error.js'
import { liveWithPage } from '../stream/page.js'
import { isNewer } from '../stream/position.js'
import {
  type Envelope,
  type EventStream,
  type Listener,
  type Source,
  type StreamEvent,
  type StreamOptions,
  Subscription,
  tell,
} from '../stream/subscription.js'
import type { Latecomer } from './history.js'
import type { Live } from './live.js'
import { includes, isSelector, matches, selectorOf, WHERE, wants } from './selector.js'

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

/** How many events wait for what was before them. */
const ROOM = 10_000
const GAP = { type: 'hub.gap', id: undefined, lastEventId: '' }

export const CONNECTING: StreamState = { status: 'connecting' }
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
export class LiveConnection implements Source {
  readonly #at: string
  readonly #options: LiveConnectionOptions
  readonly #members = new Set<LiveListener>()
  readonly #states = new Set<(state: StreamState) => void>()
  #asked: readonly string[] = []
  /** The selectors of what the connection is known to bring. */
  #brings: readonly string[] = []
  #link: Connection | Live | undefined
  #stop = new AbortController()

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
   * no selector. What the hub refuses, such as a condition that makes no sense or more than
   * 16 patterns, it refuses for the whole connection. As an iterable it keeps what it has
   * not given yet.
   */
  open<T = unknown>(stream: string, options: LiveStreamOptions<T> = {}): EventStream<T> {
    const [name = '', ...rest] = stream.split(WHERE)
    if (!isSelector(name)) {
      throw new TypeError(`"${stream}" is neither a stream's name nor a pattern such as "logs.>"`)
    }
    // As the hub calls it.
    const selector = rest.length > 0 ? name + WHERE + rest.join(WHERE).trim() : name
    const member = new Member<T>(this, selector, options)
    this.#members.add(member)
    this.#begin(member)
    this.#settle(this.#link === undefined ? 0 : SETTLE)
    return member.untilAborted()
  }

  /** Connects now, also when given up. */
  reconnect(): void {
    this.#link?.reconnect()
  }

  /** @internal */
  leave(member: LiveListener): void {
    member.stop()
    this.#members.delete(member)
    this.#settle(LINGER)
  }

  /** Asks for what is wanted, soon. */
  #settle(ms: number): void {
    setTimeout(() => this.#ask(), ms)
  }

  #ask(): void {
    const wanted = [...new Set([...this.#members].map((member) => member.selector))].sort()
    const before = this.#asked
    if (wanted.join() === before.join()) return
    this.#asked = wanted
    this.#brings = [] // until the connection says so anew
    if (wanted.length === 0) {
      this.#stop.abort()
      this.#link?.close()
      this.#link = undefined
    } else if (before.length === 0) this.#connect()
    else if (this.#link instanceof Connection) this.#link.reconnect()
    else this.#link?.want(this.#want)
  }

  get #want() {
    return { streams: this.#asked, views: [], since: 0 }
  }

  #connect(): void {
    this.#stop = new AbortController()
    const { signal } = this.#stop
    const sink = {
      onEvent: (event: WireEvent) => this.#receive(event),
      onState: (state: StreamState) => {
        tell(this.#states, state)
        for (const member of this.#members) member.changed(this.state)
      },
    }
    const at = () => this.#at + new URLSearchParams(this.#asked.map((s) => ['stream', s]))
    const alone = () => {
      if (signal.aborted) return
      const connection = new Connection(at, this.#options, sink)
      this.#link = connection
      liveWithPage(connection, this, signal)
    }
    if (this.#options.share === 'browser') {
      // Most do without what it takes to share with other tabs.
      import('./live.js').then(({ Live }) => {
        if (signal.aborted) return
        const live = new Live(this.#at.slice(0, -1), sink, { ...this.#options, share: true })
        this.#link = live
        live.want(this.#want)
      }, alone)
    } else alone()
  }

  #receive(event: WireEvent): void {
    const { type, data } = event
    if (!type.startsWith('hub.')) {
      const envelope = parse(data) as unknown as Envelope
      const bare = { ...event, type: envelope.type ?? 'message' }
      for (const member of this.#members) {
        if (wants(member.selector, envelope)) member.take(bare, envelope)
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
  #begin(member: LiveListener, again = false): void {
    if (this.#brings.some((wider) => includes(wider, member.selector))) {
      member.begin(this.#at, this.#options, again)
    }
  }
}

/** Who listens to a stream of a connection. */
interface LiveListener extends Listener {
  readonly selector: string
  begin(at: string, options: ConnectOptions, again: boolean): void
  take(event: WireEvent, envelope: Envelope): void
  stop(): void
}

/** A stream that is open. */
class Member<T> extends Subscription<T> implements LiveListener, Latecomer {
  readonly selector: string
  readonly wish: LiveStreamOptions<T>
  after: string
  #isFull = false // more has come than there was room for
  #begun = false
  #reading = new AbortController()
  /** What comes while it reads what was before. */
  #queue: [WireEvent, Envelope][] | undefined

  constructor(live: LiveConnection, selector: string, wish: LiveStreamOptions<T>) {
    super(live, wish)
    this.selector = selector
    this.wish = wish
    this.after = wish.lastEventId ?? ''
  }

  override get lastEventId(): string {
    const { lastEventId } = this.source
    const ahead = this.after !== '' && isNewer(this.after, lastEventId)
    return ahead || !this.#begun || this.#queue !== undefined ? this.after : lastEventId
  }

  stop(): void {
    this.#reading.abort()
  }

  begin(at: string, options: ConnectOptions, again: boolean): void {
    if (this.#begun && !again) return
    this.#begun = true
    this.stop()
    if (again) this.after = ''
    const { last, since } = this.wish
    const isLate = this.after !== '' || (last ?? since) !== undefined
    this.#queue = isLate ? [] : undefined
    if (isLate) void this.#read(at, options)
  }

  /** Reads what was before. If it can't be had, that is a gap. */
  async #read(at: string, options: ConnectOptions): Promise<void> {
    this.#reading = new AbortController()
    const { signal } = this.#reading
    try {
      const { catchUp } = await import('./history.js')
      // What had no room meanwhile is read as well.
      do {
        this.#isFull = false
        await catchUp(this, at, options, signal)
      } while (this.#isFull && !signal.aborted)
    } catch {
      const gap = { stream: this.selector, from: null, to: null, lost: null, reason: 'backend' }
      if (!signal.aborted) this.receive({ ...GAP, data: JSON.stringify(gap) })
    }
    if (signal.aborted) return
    const queue = this.#queue ?? []
    this.#queue = undefined
    for (const [event, envelope] of queue) this.take(event, envelope)
  }

  /** Takes an event of the connection. */
  take(event: WireEvent, envelope: Envelope): void {
    if (!this.#begun) return
    if (this.#queue !== undefined) {
      this.#isFull ||= this.#queue.push([event, envelope]) > ROOM
      if (this.#isFull) this.#queue = [] // they will be on a page
    } else if (this.after === '' || event.id === undefined || isNewer(event.id, this.after)) {
      this.after = ''
      this.receive(event, envelope)
    }
  }
}
