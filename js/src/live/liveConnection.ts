import { Connection, type ConnectOptions, type StreamState } from '../stream/connection.js'
import type { WireEvent } from '../stream/decoder.js'
import { checkResponse, type Gap, parse, StreamError } from '../stream/error.js'
import {
  type Envelope,
  type EventStream,
  Opened,
  type StreamEvent,
  type StreamOptions,
} from '../stream/eventStream.js'
import { followPage, thisPage } from '../stream/page.js'
import { isNewer } from '../stream/position.js'
import type { Listener, Place } from '../stream/shared.js'
import type { Live } from './live.js'
import { includes, isConditional, isSelector, matches, selectorOf } from './selector.js'

/** How a {@link LiveConnection} connects. */
export interface LiveConnectionOptions extends Omit<ConnectOptions, 'transport'> {
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

/** What brings the events of all streams that are wanted. */
interface Link {
  readonly state: StreamState
  /** Everything up to here has come. */
  readonly position: string
  want(streams: readonly string[]): void
  reconnect(): void
  close(): void
}

interface LinkSink {
  onEvent(event: WireEvent): void
  onState(state: StreamState): void
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
  readonly #url: string
  readonly #options: LiveConnectionOptions
  readonly #members = new Set<Member>()
  readonly #states = new Set<(state: StreamState) => void>()
  #asked = new Set<string>()
  /** The selectors of what the connection is known to bring. */
  #brings: readonly string[] = []
  #link: Link | undefined
  #timer: ReturnType<typeof setTimeout> | undefined

  /** @param url where the hub's `/v1/events` is found */
  constructor(url: string | URL, options: LiveConnectionOptions = {}) {
    this.#url = String(url)
    this.#options = options
  }

  get state(): StreamState {
    return this.#link?.state ?? CONNECTING
  }

  /** Everything up to here, of all that is wanted, has come. */
  get position(): string {
    return this.#link?.position ?? ''
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
    return new Opened<T>(options, (listener) => {
      const member = new Member(this, listener, stream, options)
      this.#members.add(member)
      this.#begin(member)
      this.#settle(this.#link === undefined ? 0 : SETTLE)
      return member
    })
  }

  /** Connects now, also when given up. */
  reconnect(): void {
    this.#link?.reconnect()
  }

  /** @internal */
  dismiss(member: Member): void {
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
      this.#link?.close()
      this.#link = undefined
      this.#brings = []
    } else if (wanted.size !== before.size || [...wanted].some((s) => !before.has(s))) {
      this.#link ??= newLink(this.#url, this.#options, {
        onEvent: (event) => this.#receive(event),
        onState: (state) => {
          for (const listener of this.#states) listener(state)
          for (const { listener } of this.#members) listener.changed(state)
        },
      })
      this.#link.want([...wanted])
    }
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
      if (isTheirs) member.listener.receive(event)
      this.#begin(member, isVoid)
    }
  }

  /** What a member wants to have first comes from a page, if the connection brings what
   * follows. */
  #begin(member: Member, again = false): void {
    if (!this.#brings.some((wider) => includes(wider, member.selector))) return
    const query = member.begin(again)
    if (query !== undefined) void this.#read(member, query)
  }

  async #read(member: Member, first: URLSearchParams): Promise<void> {
    const { headers: given, credentials = 'same-origin' } = this.#options
    const { signal } = member.read()
    try {
      for (let query: URLSearchParams | undefined = first; query !== undefined; ) {
        const headers = new Headers(typeof given === 'function' ? await given() : given)
        headers.set('accept', 'application/json')
        const init = { headers, signal, credentials, cache: 'no-store' } as const
        const response = await (this.#options.fetch ?? fetch)(withQuery(this.#url, query), init)
        if (!response.ok) await checkResponse(response)
        const { events, cursor, more, gaps = [] } = (await response.json()) as Page
        if (signal.aborted) return
        for (const gap of gaps) member.listener.receive(control('hub.gap', gap, cursor))
        for (const event of events) member.deliver(event)
        query = more ? member.query(cursor) : undefined
        member.pass(cursor)
      }
    } catch (cause) {
      if (signal.aborted) return
      const why = 'the events before could not be read'
      const known = cause instanceof StreamError
      member.listener.failed(known ? cause : new StreamError('connect', why, { cause }))
    }
    member.goOn()
  }
}

/** A page of what is kept. */
interface Page {
  readonly events: readonly (Envelope & { readonly id: string })[]
  readonly cursor: string
  readonly more: boolean
  readonly gaps?: readonly Gap[]
}

/** A stream that is open. */
class Member implements Place {
  readonly listener: Listener
  readonly selector: string
  readonly #live: LiveConnection
  readonly #options: LiveStreamOptions<unknown>
  #after: string // what it has had, of what may come again
  #begun = false
  #reading: AbortController | undefined
  /** What comes while a page is read. */
  #queue: [WireEvent, Envelope][] | undefined

  constructor(
    live: LiveConnection,
    listener: Listener,
    selector: string,
    options: Pick<LiveStreamOptions<unknown>, 'last' | 'since' | 'lastEventId'>,
  ) {
    this.#live = live
    this.listener = listener
    this.selector = selector
    this.#options = options
    this.#after = options.lastEventId ?? ''
  }

  get state(): StreamState {
    return this.#live.state
  }

  get lastEventId(): string {
    const { position } = this.#live
    const ahead = this.#after !== '' && isNewer(this.#after, position)
    return ahead || !this.#begun || this.#queue !== undefined ? this.#after : position
  }

  reconnect(): void {
    this.#live.reconnect()
  }

  leave(): void {
    this.#reading?.abort()
    this.#live.dismiss(this)
  }

  /** Begins, unless it has. Returns what has to be read first, if anything. */
  begin(again: boolean): URLSearchParams | undefined {
    if (this.#begun && !again) return undefined
    this.#begun = true
    this.#reading?.abort()
    if (again) this.#after = ''
    const { last, since = 0 } = this.#options
    const query = this.query(this.#after)
    if (this.#after === '' && last !== undefined) query.set('last', String(last))
    else if (this.#after === '' && since > 0) query.set('since', `${Math.ceil(since / 1000)}s`)
    else if (this.#after === '') {
      this.#queue = undefined
      return undefined
    }
    this.#queue = []
    return query
  }

  /** What to ask for to get a page of what follows an id. */
  query(after: string): URLSearchParams {
    const query = new URLSearchParams({ stream: this.selector })
    if (after !== '') query.set('last-event-id', after)
    return query
  }

  /** Reads pages until that is aborted. */
  read(): AbortController {
    this.#reading = new AbortController()
    return this.#reading
  }

  /** Has had everything up to here. */
  pass(position: string): void {
    this.#after = position
  }

  /** Takes what came while it read, and what comes. */
  goOn(): void {
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
      this.listener.receive(event, envelope)
    }
  }

  /** Takes an event of a page. */
  deliver(envelope: Envelope): void {
    const { id = '', type = 'message' } = envelope
    this.#after = id
    this.listener.receive({ type, data: '', id, lastEventId: id }, envelope)
  }
}

/** The connection of this tab alone, or one that all tabs share. */
function newLink(url: string, options: LiveConnectionOptions, sink: LinkSink): Link {
  return options.share === 'browser'
    ? new SharedLink(url, options, sink)
    : new OwnLink(url, options, sink)
}

class OwnLink implements Link {
  readonly #stop = new AbortController()
  readonly #connect: () => Connection
  #streams: readonly string[] = []
  #connection: Connection | undefined

  constructor(url: string, options: LiveConnectionOptions, sink: LinkSink) {
    const address = () =>
      withQuery(url, new URLSearchParams(this.#streams.map((stream) => ['stream', stream])))
    this.#connect = () => new Connection(address, { ...options, ...sink })
    const arrive = () => {
      if (this.state.status === 'paused') this.reconnect()
    }
    const life = {
      wake: () => this.#connection?.wake(),
      hide() {},
      rest: () => this.#connection?.pause(),
      arrive,
    }
    followPage(thisPage(), life, this.#stop.signal)
  }

  get state(): StreamState {
    return this.#connection?.state ?? CONNECTING
  }

  get position(): string {
    return this.#connection?.lastEventId ?? ''
  }

  want(streams: readonly string[]): void {
    this.#streams = streams
    if (this.#connection === undefined) this.#connection = this.#connect()
    else this.#connection.reconnect()
  }

  reconnect(): void {
    this.#connection?.reconnect()
  }

  close(): void {
    this.#stop.abort()
    this.#connection?.close()
  }
}

class SharedLink implements Link {
  #streams: readonly string[] = []
  #live: Live | undefined
  #closed = false

  constructor(url: string, options: LiveConnectionOptions, sink: LinkSink) {
    // Most do without what it takes to share with other tabs.
    void import('./live.js').then(({ Live }) => {
      if (this.#closed) return
      this.#live = new Live(url, sink, { ...options, share: true })
      this.want(this.#streams)
    })
  }

  get state(): StreamState {
    return this.#live?.state ?? CONNECTING
  }

  get position(): string {
    return this.#live?.position ?? ''
  }

  want(streams: readonly string[]): void {
    this.#streams = streams
    this.#live?.want({ streams, views: [], since: 0 })
  }

  reconnect(): void {
    this.#live?.reconnect()
  }

  close(): void {
    this.#closed = true
    this.#live?.close()
  }
}

function withQuery(url: string, query: URLSearchParams): string {
  return `${url}${url.includes('?') ? '&' : '?'}${query}`
}

function control(type: string, data: unknown, id: string): WireEvent {
  return { type, data: JSON.stringify(data), id, lastEventId: id }
}
