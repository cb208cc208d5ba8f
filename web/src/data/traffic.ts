/** How long a rate looks back, in s. */
const SECONDS = 10

/** What is known of a stream's way to this page. */
export class Traffic {
  /** Events received. */
  count = 0
  /** The newest event's time, in epoch ms. */
  lastAt = Number.NEGATIVE_INFINITY
  /** Ms from the newest event's time to its arrival; NaN before the first live one. */
  lag = Number.NaN
  gaps = 0
  /** Events known to be lost. */
  lost = 0
  readonly #seconds = new Float64Array(SECONDS)
  #second = 0

  /** Notes an event of time `at` that arrived at `now`, live or from the past. A `row` is
   * of a view: its time is when its window begins, which says nothing of its way. */
  note(at: number, now: number, live: boolean, row = false): void {
    this.count++
    this.lastAt = Math.max(this.lastAt, at)
    if (!live) return
    if (!row) this.lag = Math.max(0, now - at)
    this.#advance(now)
    this.#seconds[this.#second % SECONDS] = (this.#seconds[this.#second % SECONDS] ?? 0) + 1
  }

  /** Live events per second over the last ten. */
  rate(now: number): number {
    this.#advance(now)
    let sum = 0
    for (const n of this.#seconds) sum += n
    return sum / SECONDS
  }

  #advance(now: number): void {
    const second = Math.floor(now / 1000)
    for (let s = Math.max(this.#second + 1, second - SECONDS + 1); s <= second; s++) {
      this.#seconds[s % SECONDS] = 0
    }
    this.#second = Math.max(this.#second, second)
  }
}
