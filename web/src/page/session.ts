import { createContext, useContext } from 'react'
import { sectionOf } from '../data/arrange'
import { Board, type Outline } from '../data/board'
import { WINDOW } from '../data/numbers'
import { PaintLoop } from '../paint/loop'
import { EventStream, followPage, type StreamState, type WireEvent } from '../stream'
import { API, matches } from './api'
import { Theme } from './theme'
import { Value } from './value'

/** How many idle streams are shown with their past, and how much of it. */
const IDLE_STREAMS = 50
const IDLE_EVENTS = 200

/** Everything that lives as long as the page: one connection, what it brought,
 * and the loop that draws it. */
export class Session {
  readonly api: API
  readonly board: Board
  readonly loop = new PaintLoop()
  readonly theme = new Theme()
  readonly outline: Value<Outline>
  readonly connection = new Value<StreamState>({ status: 'connecting' })
  /** Whether the server says that it can't reach its own log. */
  readonly degraded = new Value(false)
  readonly paused = new Value(false)
  /** Whether it is known that there is no stream but the server's own. */
  readonly empty = new Value(false)
  readonly #stream: EventStream
  #outlinePending = false

  constructor(page: Window) {
    this.api = new API(page.document.baseURI)
    this.board = new Board({
      changed: () => this.loop.invalidate(),
      outlined: () => this.#outlined(),
    })
    this.outline = new Value(this.board.outline)
    this.#stream = new EventStream(this.api.events, {
      onEvent: (event) => this.#receive(event),
      onState: (state) => this.#state(state),
      // A dashboard on a wall has nobody to reload it: whatever a proxy answers
      // while the server is away, it tries again.
      retryWhen: () => true,
    })
    followPage(this.#stream, page)
  }

  /** Stops or resumes drawing; events are received all the same. */
  togglePause(): void {
    const paused = !this.paused.get()
    this.paused.set(paused)
    this.loop.paused = paused
    if (!paused) this.#publishOutline()
  }

  #receive(event: WireEvent): void {
    if (event.type === 'hub.heartbeat') this.degraded.set(/"degraded"/.test(event.data))
    else if (event.type === 'message') this.degraded.set(false)
    this.board.receive(event)
  }

  #state(state: StreamState): void {
    this.connection.set(state)
    if (state.status === 'live') void this.#recall()
  }

  /** Brings in the streams that exist but were silent for as long as history is
   * asked for on the connection. */
  async #recall(): Promise<void> {
    try {
      const all = await this.api.streams()
      if (all[0] !== undefined) this.board.clock.note(all[0].now)
      const wanted = all.filter(({ name }) => this.api.selectors.some((s) => matches(s, name)))
      this.empty.set(!wanted.some(({ name }) => sectionOf(name) === 'yours'))
      const idle = wanted.filter(({ name, age }) => age > WINDOW && !this.board.has(name))
      idle.sort((a, b) => a.age - b.age)
      for (const { name } of idle.slice(0, IDLE_STREAMS)) {
        const events = await this.api.newest(name, IDLE_EVENTS)
        // A live event may have come first; the past does not go after it.
        if (!this.board.has(name)) for (const event of events) this.board.append(event)
      }
    } catch {
      // The list only adds what is idle; the next connection asks again.
    }
  }

  /** React hears of it once per frame, however many streams turned up. */
  #outlined(): void {
    if (this.#outlinePending) return
    this.#outlinePending = true
    this.loop.nextFrame(() => {
      this.#outlinePending = false
      if (!this.paused.get()) this.#publishOutline()
    })
  }

  #publishOutline(): void {
    this.outline.set(this.board.outline)
  }
}

export const SessionContext = createContext<Session | undefined>(undefined)

/** The page's session. */
export function useSession(): Session {
  const session = useContext(SessionContext)
  if (session === undefined) throw new Error('useSession: there is no SessionContext')
  return session
}
