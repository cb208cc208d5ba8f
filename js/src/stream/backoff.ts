import type { StreamError } from './error.js'

/** When and how often a lost connection is tried again. */
export interface RetryOptions {
  /** Ms before the first retry. Default 500. The server's `retry:` replaces it. */
  readonly minDelay?: number
  /** Ms before any retry, unless the server asks for longer. Default 30,000. */
  readonly maxDelay?: number
  /** Attempts in a row that may fail. Default: no limit. */
  readonly maxAttempts?: number
  /** Whether an error is worth another attempt. Default: if it is temporary, or if
   * `headers` is a function and may bring a fresh token. */
  readonly when?: (error: StreamError) => boolean
  /** Source of jitter in [0, 1). Default Math.random. */
  readonly random?: () => number
}

/** Capped exponential back-off with jitter, so that clients don't return in step. */
export class Backoff {
  readonly #max: number
  readonly #random: () => number
  #min: number
  #failures = 0

  constructor(options: RetryOptions = {}) {
    this.#min = options.minDelay ?? 500
    this.#max = options.maxDelay ?? 30_000
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
