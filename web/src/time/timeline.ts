import { Value } from '../page/value'

/** The times that a page shows, in epoch ms. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** Whether time goes on, stands still, or goes over the past again. */
export type Mode =
  | { readonly kind: 'live' }
  | { readonly kind: 'paused'; readonly at: number }
  | { readonly kind: 'replay'; readonly speed: number }

/** The speeds of a replay. */
export const SPEEDS = [1, 2, 5, 10, 20] as const

/** The windows on offer, in ms. */
export const WINDOWS = [60_000, 300_000, 900_000, 3_600_000, 21_600_000, 86_400_000]

/** What charts span unless somebody says otherwise, in ms. */
export const DEFAULT_WINDOW = 5 * 60_000

/** The shortest time that charts span, in ms, so that a new page moves visibly. */
const MIN_SPAN = 60_000

/**
 * The one clock of a page: all panels show the same instant. It follows the
 * server's clock, stands still, or replays the past; and while a pointer rests on
 * a chart, every panel shows the instant under it.
 */
export class Timeline {
  /** How far charts reach back, in ms. */
  readonly window: Value<number>
  readonly mode = new Value<Mode>({ kind: 'live' })
  /** The instant that is pointed at, in epoch ms. */
  readonly hover = new Value<number | undefined>(undefined)
  readonly #now: () => number
  #oldest = Number.POSITIVE_INFINITY
  #reach = Number.POSITIVE_INFINITY
  #whole = false
  #start = { at: 0, began: 0 } // of a replay: from where, and when

  /** @param now the server's clock, in epoch ms */
  constructor(now: () => number, window = DEFAULT_WINDOW) {
    this.#now = now
    this.window = new Value(window)
  }

  /** The instant that is now on the page, in epoch ms. */
  get now(): number {
    const mode = this.mode.get()
    if (mode.kind === 'live') return this.#now()
    if (mode.kind === 'paused') return mode.at
    const { at, began } = this.#start
    const reached = at + (this.#now() - began) * mode.speed
    if (reached < this.#now()) return reached
    // It has caught up with what happens.
    queueMicrotask(() => this.live())
    return this.#now()
  }

  /** The instant whose values are shown: what is pointed at, or now. */
  get moment(): number {
    return this.hover.get() ?? this.now
  }

  /** What is behind the page's now, in ms: 0 while live. */
  get behind(): number {
    return this.mode.get().kind === 'live' ? 0 : Math.max(0, this.#now() - this.now)
  }

  /** What charts show. Without a window of the reader's choice they reach back no
   * farther than there is anything. */
  get span(): Span {
    const to = this.now
    const window = this.window.get()
    const reach = this.#whole ? window : Math.min(Math.max(to - this.#oldest, MIN_SPAN), window)
    return { from: to - reach, to }
  }

  /** Chooses how far charts reach back, in ms. */
  choose(window: number): void {
    this.#whole = true
    this.window.set(window)
  }

  /** Notes that there is something of that time. */
  note(at: number): void {
    if (at >= this.#oldest || at < this.#now() - this.#reach) return
    this.#oldest = at
  }

  /** Forgets what there is, as another page begins, which asks for so many ms of the
   * past. */
  reset(window: number, reach: number): void {
    this.#oldest = Number.POSITIVE_INFINITY
    this.#reach = reach
    this.#whole = false
    this.window.set(window)
  }

  /** Goes farther back than the page did so far. */
  extend(reach: number): void {
    this.#reach = reach
  }

  live(): void {
    this.mode.set({ kind: 'live' })
  }

  /** Stands still, now or at another instant. */
  pause(at = this.now): void {
    this.mode.set({ kind: 'paused', at: Math.min(at, this.#now()) })
  }

  /** Goes over the past again from the page's now. */
  replay(speed: number): void {
    this.#start = { at: this.now, began: this.#now() }
    this.mode.set({ kind: 'replay', speed })
  }

  /** Pauses what goes on, or goes back to live. */
  toggle(): void {
    if (this.mode.get().kind === 'paused') this.live()
    else this.pause()
  }

  /** Moves the page's now by so many ms, and stands still there. */
  step(ms: number): void {
    this.pause(this.now + ms)
  }
}
