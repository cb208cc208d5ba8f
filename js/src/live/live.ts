import type { ConnectOptions, StreamState } from '../stream/connection.js'
import type { WireEvent } from '../stream/decoder.js'
import { Election, type Rank } from '../stream/election.js'
import { followPage, thisPage } from '../stream/page.js'
import { fromPlain, toPlain } from '../stream/plain.js'
import { HubConnection, type Start } from './hubConnection.js'
import { Later } from './later.js'
import type { Channel, Message, Word } from './message.js'
import { Receiver } from './receiver.js'
import { Roster } from './roster.js'
import type { Want } from './want.js'

/** Ms within which changes of what is wanted are taken together. */
const SETTLE = 30
/** Ms between the batches that a leader passes on. */
const BATCH = 30

/** What a {@link Live} hands out. */
export interface LiveSink {
  /** Sees every event that is wanted, and every control event (`hub.…`). */
  onEvent(event: WireEvent): void
  onState(state: StreamState): void
}

/** How a {@link Live} connects; see {@link ConnectionOptions} for most. */
export interface LiveOptions extends Omit<ConnectOptions, 'transport'> {
  /** Whether all tabs of this origin share one connection to the same hub, as far as
   * the browser can (BroadcastChannel). They must be entitled to the same. Default
   * false. */
  readonly share?: boolean
  /** The page whose life it follows. Default: the one that it runs in, if any. */
  readonly page?: Window
  /** Opens a channel to the other tabs. Default: a BroadcastChannel, if there is any. */
  readonly channel?: (name: string) => Channel
  /** Default: the browser's, which has them in secure contexts only. */
  readonly locks?: LockManager | undefined
}

/**
 * One connection to a hub for everything that a page wants or, shared, for all pages
 * of this origin in this browser. It survives what an {@link Connection} survives,
 * and the end of the tab that holds the connection.
 *
 * What is wanted comes in order and once: first the history, if any is wanted, then
 * what happens. Rows of views are states, which may be repeated. While the page rests
 * in the back/forward cache it is not connected; then it continues where it was.
 *
 * @example
 * const live = new Live('/v1/events', {
 *   onEvent: (e) => console.log(e.data),
 *   onState: (s) => console.log(s.status),
 * }, { share: true })
 * live.want({ streams: ['logs.>'], views: [], since: 900_000 })
 */
export class Live {
  readonly #id = newId()
  readonly #name: string
  readonly #sink: LiveSink
  readonly #options: LiveOptions
  readonly #page: Window | undefined
  readonly #stop = new AbortController()
  readonly #receiver: Receiver
  readonly #connection: HubConnection
  readonly #roster: Roster
  readonly #settle: Later // an own want
  readonly #serve: Later // wants of others
  readonly #pass: Later // a batch for the others
  #channel: Channel | undefined
  #election: Election | undefined
  #state: StreamState = { status: 'connecting' }
  #next: Want | undefined
  #rate: number | undefined
  #resting = false
  #start: Start | undefined
  #batch: WireEvent[] = []
  #passed = '' // everything up to this position
  #passedAt = 0

  /** @param events where the hub's `/v1/events` is found */
  constructor(events: string | URL, sink: LiveSink, options: LiveOptions = {}) {
    const url = new URL(events, globalThis.location?.href)
    this.#name = `streamgauge/1 ${url.href}`
    this.#sink = sink
    this.#options = options
    this.#page = options.page ?? thisPage()
    this.#receiver = new Receiver(this.#id, (event) => sink.onEvent(event))
    this.#roster = new Roster(this.#id)
    this.#connection = new HubConnection(url, options, {
      onStart: (start) => this.#began(start),
      onEvent: (event) => this.#received(event),
      onState: (state) => this.#connected(state),
    })
    const hidden = () => this.#page?.document.visibilityState === 'hidden'
    this.#settle = new Later(() => this.#ask(), hidden)
    this.#serve = new Later(() => this.#open(), hidden)
    this.#pass = new Later(() => this.#passOn(), hidden)
    this.#followPage()
    this.#arrive()
  }

  /** Where the connection stands, whichever tab holds it. */
  get state(): StreamState {
    return this.#state
  }

  /** Everything that is wanted up to here has been handed out. */
  get lastEventId(): string {
    return this.#receiver.ticket.resume
  }

  /**
   * Wants this from now on, and nothing else. What is wanted begins anew, with so much
   * history as `since` says; with none it continues where the last want was, so that
   * nothing is lost of what both have. Changes within 30 ms are taken together.
   */
  want(want: Want): void {
    if (this.#stop.signal.aborted) return
    this.#next = { ...want, rate: this.#rate }
    this.#settle.request(SETTLE)
  }

  /**
   * From now on something comes at most so many times a second, which costs both sides
   * less; nothing is left out for it. Undefined is at once. Of tabs that share a
   * connection the fastest decides.
   */
  pace(rate: number | undefined): void {
    if (this.#stop.signal.aborted || rate === this.#rate) return
    this.#rate = rate
    if (this.#next !== undefined) this.#next = { ...this.#next, rate }
    else {
      this.#receiver.pace(rate)
      this.#join()
    }
  }

  /** Connects now, also when given up. */
  reconnect(): void {
    if (this.#leading) this.#connection.reconnect()
    else this.#channel?.postMessage({ kind: 'reconnect' })
  }

  /** Lets go for good. No event follows. */
  close(): void {
    this.#stop.abort()
    this.#settle.cancel()
    this.#depart()
    this.#setState({ status: 'closed' })
  }

  /** Without others it leads itself. */
  get #leading(): boolean {
    return this.#election === undefined || this.#election.mine !== undefined
  }

  #followPage(): void {
    const life = {
      wake: () => this.#wake(),
      // Timers come late from now on.
      hide: () => {
        for (const task of [this.#settle, this.#serve, this.#pass]) task.hurry()
      },
      rest: () => {
        this.#depart()
        this.#resting = true
      },
      arrive: () => {
        if (this.#resting) this.#arrive()
      },
    }
    followPage(this.#page, life, this.#stop.signal)
  }

  #wake(): void {
    if (this.#leading) this.#connection.wake()
    else this.#election?.check()
  }

  /** Joins the other tabs, or connects itself where there can't be any. */
  #arrive(): void {
    this.#resting = false
    if (this.#channel !== undefined || this.#stop.signal.aborted) return
    this.#channel = this.#options.share ? openChannel(this.#name, this.#options.channel) : undefined
    if (this.#channel === undefined) {
      this.#join()
      return
    }
    this.#channel.onmessage = ({ data }) => this.#hear(data)
    const locks = 'locks' in this.#options ? this.#options.locks : globalThis.navigator?.locks
    this.#election = new Election(this.#id, this.#name, locks ?? undefined, {
      lead: (before) => this.#lead(before),
      follow: () => this.#follow(),
      ask: () => this.#channel?.postMessage({ kind: 'ask', leader: this.#election?.leader }),
      announce: () => this.#say({ kind: 'state', state: toPlain(this.#state) }),
    })
    this.#election.start()
    this.#join()
  }

  /** Leaves the other tabs. A leader hands over what it has first. */
  #depart(): void {
    if (this.#leading) this.#pass.hurry()
    const next = this.#roster.others[0]
    if (this.#election?.mine) this.#say({ kind: 'resign', to: next })
    this.#channel?.postMessage({ kind: 'leave', id: this.#id })
    this.#election?.close()
    this.#election = undefined
    this.#channel?.close()
    this.#channel = undefined
    this.#roster.clear()
    this.#idle()
    this.#receiver.leave()
  }

  /** Holds no connection and has nothing to pass on. */
  #idle(): void {
    this.#connection.close()
    this.#serve.cancel()
    this.#pass.cancel()
    this.#batch = []
    this.#start = undefined
    this.#roster.unserve()
  }

  #ask(): void {
    if (this.#next === undefined) return
    this.#receiver.ask(this.#next)
    this.#next = undefined
    this.#join()
  }

  /** Shows its own ticket to whoever serves it. A page that rests does so when it comes
   * back. */
  #join(): void {
    if (this.#resting) return
    const { ticket } = this.#receiver
    if (ticket.version > 0) this.#roster.admit(ticket)
    if (this.#leading) this.#open()
    else if (ticket.version > 0)
      this.#channel?.postMessage({ kind: 'join', leader: this.#election?.leader, ticket })
  }

  #hear(message: Message): void {
    const election = this.#election
    if (election === undefined) return
    switch (message.kind) {
      case 'ask':
        election.challenge(message.leader)
        if (election.mine === undefined) return
        this.#connection.wake(false)
        this.#say({ kind: 'state', state: toPlain(this.#state) })
        return
      case 'join':
        election.challenge(message.leader)
        if (this.#roster.admit(message.ticket) && election.mine) this.#serve.request(SETTLE)
        return
      case 'leave':
        this.#roster.dismiss(message.id)
        if (election.mine) this.#connection.narrow(this.#roster.want)
        return
      case 'reconnect':
        if (election.mine) this.#connection.reconnect()
        return
      default:
        if (election.hear(message.rank)) this.#follows(message)
    }
  }

  /** The leader's word to those who follow. */
  #follows(word: Word): void {
    switch (word.kind) {
      case 'state':
        this.#setState(fromPlain(word.state))
        return
      case 'events':
        if (!this.#receiver.reaches(word.after)) this.#join()
        else for (const event of word.events) this.#receiver.receive(event)
        return
      case 'resign':
        this.#roster.dismiss(word.rank.id)
        this.#election?.resigned(word.rank, word.to)
        return
      case 'refuse':
        if (word.tabs.includes(this.#id)) this.#goAlone()
        return
      case 'start': {
        const whole = this.#receiver.start(word.start, word.served.get(this.#id), word.again)
        if (!whole || word.roll) this.#join()
      }
    }
  }

  /** The others' connection has no room for what this tab wants. */
  #goAlone(): void {
    this.#depart()
    this.#join()
  }

  #lead(before: Rank | undefined): void {
    this.#receiver.detach()
    this.#roster.unserve()
    // It is most likely gone. If not, it will show its ticket.
    if (before !== undefined && before.id !== this.#id) this.#roster.dismiss(before.id)
    this.#setState({ status: 'connecting' })
    this.#say({ kind: 'state', state: toPlain(this.#state) })
    this.#join()
  }

  #follow(): void {
    this.#idle()
    this.#receiver.detach()
    this.#join()
  }

  /** Serves whoever is not served yet, on the present connection if that will do. */
  #open(): void {
    if (!this.#leading) return
    const connection = this.#connection
    const { want, history, resume, pending, refused } = this.#roster.plan(connection.position)
    if (refused.length > 0) this.#say({ kind: 'refuse', tabs: refused })
    if (!pending) return
    const missed = resume !== '' && resume !== connection.position
    if (missed || !connection.serves(want, history)) {
      this.#pass.hurry()
      this.#start = undefined
      this.#roster.serve()
      connection.open(want, history, resume)
      return
    }
    this.#roster.serve()
    connection.narrow(want)
    if (this.#start !== undefined) {
      this.#announce({ ...this.#start, after: connection.position, history: 0, reset: false }, true)
    }
  }

  #began(start: Start): void {
    this.#start = start
    this.#announce(start, false)
  }

  #announce(start: Start, again: boolean): void {
    this.#pass.hurry()
    const roll = this.#roster.call()
    const { served, want } = this.#roster
    this.#connection.narrow(want)
    this.#passed = start.after
    this.#say({ kind: 'start', start, again, served, roll })
    if (!this.#receiver.start(start, served.get(this.#id), again)) this.#join()
  }

  #received(event: WireEvent): void {
    this.#receiver.receive(event)
    if (this.#roster.others.length === 0) return
    this.#batch.push(event)
    this.#pass.request(this.#passedAt + BATCH - Date.now())
  }

  #passOn(): void {
    const events = this.#batch
    const after = this.#passed
    this.#batch = []
    this.#passedAt = Date.now()
    this.#passed = this.#connection.position
    if (events.length > 0) this.#say({ kind: 'events', after, events })
  }

  #connected(state: StreamState): void {
    this.#setState(state)
    this.#say({ kind: 'state', state: toPlain(state) })
  }

  #setState(state: StreamState): void {
    const same = JSON.stringify(toPlain(state)) === JSON.stringify(toPlain(this.#state))
    if (same) return
    this.#state = state
    this.#sink.onState(state)
  }

  #say(word: Spoken): void {
    const rank = this.#election?.mine
    if (rank !== undefined) this.#channel?.postMessage({ ...word, rank } as Word)
  }
}

/** A leader's word without its rank. */
type Spoken = Word extends infer W ? (W extends Word ? Omit<W, 'rank'> : never) : never

function openChannel(name: string, open: LiveOptions['channel']): Channel | undefined {
  try {
    return open?.(name) ?? new BroadcastChannel(name)
  } catch {
    return undefined // an old browser, or an origin that may not
  }
}

/** Tells tabs apart; crypto.randomUUID is for secure contexts only. */
function newId(): string {
  return Math.random().toString(36).slice(2) + Math.random().toString(36).slice(2)
}
