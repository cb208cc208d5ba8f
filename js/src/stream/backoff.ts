import type { StreamError } from './error.js'

/** When and how often a lost connection is tried again. */
export interface RetryOptions {
  /** Ms before the first retry, on average. Default 500. The server's `retry:`
   * replaces it. */
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

/**
 * Capped exponential back-off with jitter, so that clients don't return in step.
 *
 * @param failures attempts that have failed in a row, at least 1
 * @param min ms before the first retry
 * @returns ms before the next attempt
 */
export function backoff(
  failures: number,
  min: number,
  { maxDelay = 30_000, random = Math.random }: RetryOptions,
): number {
  const capped = Math.min(min * 2 ** Math.min(failures - 1, 16), Math.max(maxDelay, min))
  // The first retry honours the server's own, already jittered, wish.
  const floor = failures === 1 ? min : capped / 2
  return Math.round(floor + (capped - floor) * random())
}
