const KEPT = 16
const ENOUGH = 5
const BURST = 250

/** Learns how often a stream has something new, from the times of its events. */
export class Cadence {
  readonly #intervals: number[] = []
  #count = 0
  #last = Number.NEGATIVE_INFINITY
  #interval: number | undefined
  #stale = false

  /** Notes an event's time, in ms. A burst counts once: how fast its events follow
   * each other says nothing about when to expect the next. */
  note(at: number): void {
    if (at - this.#last < BURST) return
    if (Number.isFinite(this.#last)) {
      this.#intervals[this.#count++ % KEPT] = at - this.#last
      this.#stale = true
    }
    this.#last = at
  }

  /** The usual ms between events, or undefined while too few are known or they
   * come irregularly, so that nothing can be expected. */
  get interval(): number | undefined {
    if (this.#stale) {
      this.#stale = false
      this.#interval = usual(this.#intervals)
    }
    return this.#interval
  }

  /** Whether enough is known to say that nothing can be expected. */
  get isIrregular(): boolean {
    return this.#intervals.length >= ENOUGH && this.interval === undefined
  }
}

function usual(intervals: readonly number[]): number | undefined {
  if (intervals.length < ENOUGH) return undefined
  const sorted = [...intervals].sort((a, b) => a - b)
  const median = sorted[sorted.length >> 1] as number
  const high = sorted[Math.floor(sorted.length * 0.8)] as number
  return high <= 2.5 * median ? median : undefined
}

/** How far a stream is behind what is expected of it. */
export type Freshness = 'fresh' | 'late' | 'stale'

/** Late is more than twice the usual interval, stale more than five times; a
 * second's grace is for the network. Without an interval nothing is late. */
export function freshness(age: number, interval: number | undefined): Freshness {
  if (interval === undefined || age <= 2 * interval + 1000) return 'fresh'
  return age <= 5 * interval + 1000 ? 'late' : 'stale'
}
