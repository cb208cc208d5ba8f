/** How long to wait between attempts to connect, in ms. */
export interface BackoffOptions {
  /** Before the first retry. Default 500. The server's `retry:` replaces it. */
  readonly min?: number
  /** Never longer than this, unless the server asks for it. Default 30,000. */
  readonly max?: number
  /** Source of jitter in [0, 1). Default Math.random. */
  readonly random?: () => number
}

/** Capped exponential back-off with jitter, so that clients don't return in step. */
export class Backoff {
  readonly #max: number
  readonly #random: () => number
  #min: number
  #failures = 0

  constructor(options: BackoffOptions = {}) {
    this.#min = options.min ?? 500
    this.#max = options.max ?? 30_000
    this.#random = options.random ?? Math.random
  }

  /** Attempts that have failed in a row. */
  get failures(): number {
    return this.#failures
  }

  /** Sets the delay before a first retry, as the server's `retry:` field wishes. */
  set min(ms: number) {
    this.#min = ms
  }

  /** Counts a failure and returns the delay before the next attempt. */
  next(): number {
    const exponential = this.#min * 2 ** Math.min(this.#failures++, 16)
    const capped = Math.min(exponential, Math.max(this.#max, this.#min))
    // The first retry honours the server's own, already jittered, wish.
    const floor = this.#failures === 1 ? this.#min : capped / 2
    return Math.round(floor + (capped - floor) * this.#random())
  }

  /** Forgets past failures: the connection works. */
  reset(): void {
    this.#failures = 0
  }
}
