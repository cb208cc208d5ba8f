import type { Connection, StreamState } from './connection.js'
import type { WireEvent } from './decoder.js'
import { Election, type Rank } from './election.js'
import { fromPlain, type PlainState, toPlain } from './plain.js'
import { hasCome, isNewer, isNews } from './position.js'

type Message =
  /** Who leads? */
  | { readonly kind: 'ask'; readonly leader: Rank | undefined }
  /** What came after an id, and how the connection stands. */
  | {
      readonly kind: 'events'
      readonly rank: Rank
      readonly after: string
      readonly events: readonly WireEvent[]
      /** The id in force now. */
      readonly to: string
      readonly state: PlainState
    }
  /** The leader goes. */
  | { readonly kind: 'resign'; readonly rank: Rank }
  /** The leader is to connect anew. */
  | { readonly kind: 'reconnect' }

/** What a tab does with what it hears. */
export interface TabSink {
  event(event: WireEvent): void
  state(state: StreamState): void
}

/** Ms between the batches that a leader passes on. */
const BATCH = 30

/**
 * The tabs of a browser that follow the same stream. One leads, and passes on what its
 * connection brings. A tab that comes connects itself, until it has come as far as the
 * leader; and so does one that has missed something.
 */
export class Tabs {
  readonly #connection: Connection
  readonly #sink: TabSink
  readonly #channel: BroadcastChannel
  readonly #election: Election
  #following = false
  #state: StreamState | undefined // the leader's
  #batch: WireEvent[] = []
  #after: string // where the batch begins
  #timer: ReturnType<typeof setTimeout> | undefined

  /** @param name what the tabs have in common */
  constructor(name: string, connection: Connection, sink: TabSink) {
    this.#connection = connection
    this.#sink = sink
    this.#after = connection.lastEventId
    this.#channel = new BroadcastChannel(name)
    this.#channel.onmessage = ({ data }: MessageEvent<Message>) => this.#hear(data)
    const id = Math.random().toString(36).slice(2)
    this.#election = new Election(id, name, globalThis.navigator?.locks, {
      lead: () => this.#lead(),
      follow: () => {},
      ask: () => this.#ask(),
      announce: () => this.#pass(),
    })
    this.#election.start()
  }

  /** The leader's state, for who has no connection of its own. */
  get state(): StreamState | undefined {
    return this.#following ? this.#state : undefined
  }

  /** Passes on what came, if this tab leads; else asks how far its leader has come. */
  received(event: WireEvent): void {
    if (this.#election.mine === undefined) {
      // It may have come as far as the leader, who may have nothing to say for long.
      this.#timer ??= setTimeout(() => this.#ask(), BATCH)
      return
    }
    this.#batch.push(event)
    // In a hidden page, whose timers come late, at once.
    if (globalThis.document?.visibilityState === 'hidden') this.#pass()
    else this.#timer ??= setTimeout(() => this.#pass(), BATCH)
  }

  /** Passes on how the connection stands, if this tab leads. */
  changed(): void {
    this.#pass()
  }

  /** Connects anew, whichever tab has the connection. */
  reconnect(): void {
    if (this.#following) this.#post({ kind: 'reconnect' })
    else this.#connection.reconnect()
  }

  /** Looks whether there is a leader still. */
  check(): void {
    this.#election.check()
  }

  /** Takes no more part. What it has is passed on first. */
  close(): void {
    this.#pass()
    const { mine } = this.#election
    if (mine !== undefined) this.#post({ kind: 'resign', rank: mine })
    this.#following = false
    this.#election.close()
    this.#channel.close()
  }

  #lead(): void {
    const alone = this.#following
    this.#following = false
    this.#after = this.#connection.lastEventId
    if (alone) this.#connection.reconnect()
    this.#pass()
  }

  #hear(message: Message): void {
    const election = this.#election
    if (message.kind === 'ask') {
      election.challenge(message.leader)
      this.#pass()
    } else if (message.kind === 'resign') election.resigned(message.rank, undefined)
    else if (message.kind === 'reconnect') {
      if (election.mine !== undefined) this.#connection.reconnect()
    } else if (election.hear(message.rank)) this.#follow(message)
  }

  #follow({ after, events, to, state }: Message & { readonly kind: 'events' }): void {
    const connection = this.#connection
    // Of a batch that begins before it has anything, a leader says where it ends.
    const caughtUp = [after, to].some((there) =>
      hasCome(connection.lastEventId, there, connection.ordered),
    )
    if (caughtUp) this.#state = fromPlain(state)
    if (caughtUp !== this.#following) {
      this.#following = caughtUp
      if (caughtUp) connection.pause()
      else connection.reconnect()
    }
    if (!caughtUp) return
    // Where the leader began is no way back for who is ahead of it.
    const pass = (id: string) => {
      if (!connection.ordered || isNewer(id, connection.lastEventId)) connection.lastEventId = id
    }
    for (const event of events) {
      if (connection.ordered && !isNews(event, connection.lastEventId)) continue
      pass(event.lastEventId)
      this.#sink.event(event)
    }
    pass(to)
    this.#sink.state(fromPlain(state))
  }

  #ask(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#post({ kind: 'ask', leader: this.#election.leader })
  }

  /** Says what has come, if this tab leads. */
  #pass(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const rank = this.#election.mine
    if (rank === undefined) return
    const { lastEventId, state } = this.#connection
    const message = { after: this.#after, events: this.#batch, state: toPlain(state) }
    const to = lastEventId
    this.#batch = []
    this.#after = lastEventId
    this.#post({ kind: 'events', rank, to, ...message })
  }

  #post(message: Message): void {
    this.#channel.postMessage(message)
  }
}
