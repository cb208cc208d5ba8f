import type { WireEvent } from 'streamgauge/live'
import type { Clock } from '../data/clock'
import type { Page } from './page'

/** Nothing of the past for so many ms means that all of it has come. */
const SILENCE = 300

/** After so many ms what has come so far is shown. */
const PATIENCE = 5000

/** A page that reaches farther back than the one on the screen, while its past comes. */
export class Deeper {
  readonly page: Page
  readonly #clock: Clock
  readonly #done: () => void
  readonly #began: number
  #cancelled = false
  #timer: ReturnType<typeof setTimeout> | undefined

  /** @param done is called once, when the page has its past */
  constructor(page: Page, clock: Clock, done: () => void) {
    this.page = page
    this.#clock = clock
    this.#done = done
    this.#began = clock.now()
  }

  /** Takes an event as the page on the screen does. */
  receive(event: WireEvent): void {
    if (this.#cancelled) return
    const { board } = this.page
    const { received } = board
    board.receive(event)
    const live = board.received > received
    if (live && this.#timer !== undefined) return
    clearTimeout(this.#timer)
    const left = this.#began + PATIENCE - this.#clock.now()
    this.#timer = setTimeout(this.#done, Math.max(0, Math.min(SILENCE, left)))
  }

  /** It is not wanted any more. */
  cancel(): void {
    this.#cancelled = true
    clearTimeout(this.#timer)
  }
}
