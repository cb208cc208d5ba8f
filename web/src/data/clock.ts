/** A difference counts for one to two times this long, in ms. */
const MEMORY = 30 * 60_000
/** Smaller differences, in ms, are the network's. */
const TOLERANCE = 1500

/**
 * Estimates the server's clock from what the server says about its time, so that
 * charts end at "now" although a browser's clock is wrong. Its word arrives after
 * it was said, hence the best estimate is the largest difference seen of late.
 */
export class Clock {
  readonly #local: () => number
  #best = Number.NEGATIVE_INFINITY
  #previous = Number.NEGATIVE_INFINITY
  #turned = 0

  /** @param local the browser's clock, in epoch ms */
  constructor(local: () => number = Date.now) {
    this.#local = local
  }

  /** Notes the server's time, in epoch ms, as it has just arrived. */
  note(serverTime: number): void {
    const now = this.#local()
    if (now - this.#turned > MEMORY) {
      this.#turned = now
      this.#previous = this.#best
      this.#best = Number.NEGATIVE_INFINITY
    }
    this.#best = Math.max(this.#best, serverTime - now)
  }

  /** The server's time, in epoch ms. */
  now(): number {
    const difference = Math.max(this.#best, this.#previous)
    const known = Number.isFinite(difference) && Math.abs(difference) > TOLERANCE
    return this.#local() + (known ? difference : 0)
  }
}
