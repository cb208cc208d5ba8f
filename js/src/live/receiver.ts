import type { WireEvent } from '../stream/decoder.js'
import { isNewer } from '../stream/position.js'
import type { Start } from './hubConnection.js'
import { headOf, hears, NOTHING, type Want } from './want.js'

/** What a tab says to be served. */
export interface Ticket {
  readonly id: string
  /** Rises whenever the tab has to be served anew. */
  readonly version: number
  readonly want: Want
  /** Continue after this position; '' is from the history that is wanted. */
  readonly resume: string
}

/**
 * One tab's part in a connection that may be shared: of everything that comes it
 * hands out what the tab wants, in order and once. Everything up to its position it
 * has handed out; what is not newer is a repetition for the sake of others.
 */
export class Receiver {
  readonly #id: string
  readonly #onEvent: (event: WireEvent) => void
  #want: Want = NOTHING
  #version = 0
  #position = ''
  #attached = false

  constructor(id: string, onEvent: (event: WireEvent) => void) {
    this.#id = id
    this.#onEvent = onEvent
  }

  get ticket(): Ticket {
    return { id: this.#id, version: this.#version, want: this.#want, resume: this.#position }
  }

  /** Wants something else. Nothing is handed out until that is served. */
  ask(want: Want): void {
    this.#want = want
    this.#version++
    this.#attached = false
    if (want.since > 0) this.#position = ''
  }

  /** Wants the same at another rate: what comes meanwhile is handed out all the same. */
  pace(rate: number | undefined): void {
    this.#want = { ...this.#want, rate }
    this.#version++
  }

  /** Takes no more from whoever served it until that, or another, begins anew. */
  detach(): void {
    this.#attached = false
  }

  /** Is away, and has to be served anew when it comes back. */
  leave(): void {
    this.#attached = false
    this.#version++
  }

  /**
   * Delivery begins or goes on.
   *
   * @param served the version of the ticket that is served from now on, if any
   * @param again whether it is the same connection still
   * @returns false if events are missing in between, so that the ticket, which has
   * another version now, has to be shown again
   */
  start(start: Start, served: number | undefined, again = false): boolean {
    const { hello, after, history, reset } = start
    if (reset) this.#position = ''
    if (served !== this.#version && !this.#attached) return true
    const position = this.#position
    if (position === '' && !reset && history < this.#want.since) {
      this.leave()
      return false
    }
    if (position !== '' && after !== position && isNewer(after, position)) {
      this.leave()
      if (isNewer(position, after)) this.#forget(after)
      return false
    }
    const news = !again || !this.#attached
    this.#attached = true
    if (position === '') this.#position = after
    if (news) this.#onEvent(hello)
    return true
  }

  /** Reports whether all is there up to the position. If not, the ticket, which has
   * another version now, has to be shown again. */
  reaches(after: string): boolean {
    if (!this.#attached || after === this.#position || !isNewer(after, this.#position)) return true
    this.leave()
    return false
  }

  /** Hands out an event if it is wanted and new. */
  receive(event: WireEvent): void {
    if (!this.#attached) return
    const { id } = event
    const newer = id !== undefined && isNewer(id, this.#position)
    if (newer) this.#position = id
    if (event.type.startsWith('hub.')) {
      this.#onEvent(event)
      return
    }
    const head = headOf(event.data)
    if (id !== undefined && !newer && !head.row) return
    if (hears(this.#want, head)) this.#onEvent(event)
  }

  /** The log was replaced while this tab, and only this one, was away. */
  #forget(after: string): void {
    this.#position = ''
    const data = '{"stream":null,"from":null,"to":null,"lost":null,"reason":"epoch"}'
    this.#onEvent({ type: 'hub.gap', data, id: after, lastEventId: after })
  }
}
