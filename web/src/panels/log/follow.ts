/** Scrolled up by this, in px, a tail no longer follows. */
const LET_GO = 80

/** Scrolled up by less, it comes back after so many ms. */
export const GRACE = 600

/** As near to the end, in px, it follows again. */
const NEAR = 24

/** Where a reader is: with the newest line, or at some line, whose distance to the
 * top of what is seen stays as it is whatever comes or goes. */
export class Follow {
  #following = true
  #lifted = 0
  #heldUntil = 0
  /** The line at the top, by its number, and how much of it is above, in px. */
  #anchor = { number: 0, above: 0 }

  /** Whether the newest line is to be seen. */
  get following(): boolean {
    return this.#following
  }

  get anchor(): { readonly number: number; readonly above: number } {
    return this.#anchor
  }

  /** Whether to show what is anchored now, rather than the newest line. */
  holds(now: number): boolean {
    if (!this.#following) return true
    if (now < this.#heldUntil) return true
    this.#lifted = 0
    return false
  }

  /** Notes that the reader has scrolled by so many px, to that line. */
  scrolled(by: number, toEnd: number, number: number, above: number, now: number): void {
    this.#anchor = { number, above }
    if (by > 0) {
      if (toEnd <= NEAR) this.#following = true
      if (toEnd <= NEAR) this.#heldUntil = 0
      return
    }
    this.#lifted -= by
    this.#heldUntil = now + GRACE
    if (this.#lifted >= LET_GO) this.#following = false
  }

  /** Stays with a line. */
  hold(number: number, above: number): void {
    this.#following = false
    this.#anchor = { number, above }
  }

  /** Goes with the newest line. */
  follow(): void {
    this.#following = true
    this.#lifted = 0
    this.#heldUntil = 0
  }
}
