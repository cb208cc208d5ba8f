/** Picture changes that lie closer than this, in ms, nobody needs. */
const SLOWEST = 500

/**
 * Tells when a chart over time is due: a picture in which a pixel is half a second
 * wide does not change ten times a second, whatever arrives. Numbers beside it do.
 */
export class Pace {
  #drawn = Number.NEGATIVE_INFINITY
  #width = 0

  /** Whether to draw now a chart of that width, in px, over a span, in ms. */
  due(width: number, span: number): boolean {
    const now = performance.now()
    const pixel = Math.min(span / Math.max(width, 1), SLOWEST)
    if (width === this.#width && now - this.#drawn < pixel) return false
    this.#width = width
    this.#drawn = now
    return true
  }
}
