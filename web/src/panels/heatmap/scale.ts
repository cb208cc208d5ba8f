/** How many colours a scale has: more than anybody tells apart. */
const STEPS = 48

/** A sequence of colours from little to much. */
export class Scale {
  /** The colours at equal distances, for a legend. */
  readonly colours: readonly string[]
  readonly #curve: number

  /**
   * @param stops colours as CSS writes them, from little to much
   * @param curve below 1 brings out small values
   */
  constructor(stops: readonly string[], curve = 1) {
    this.#curve = curve
    this.colours = Array.from({ length: STEPS }, (_, i) => between(stops, i / (STEPS - 1)))
  }

  /** The colour of a share of the most, from 0 to 1. */
  at(share: number): string {
    const i = Math.round(Math.min(Math.max(share, 0), 1) ** this.#curve * (STEPS - 1))
    return this.colours[i] ?? ''
  }
}

function between(stops: readonly string[], share: number): string {
  const place = share * (stops.length - 1)
  const i = Math.min(Math.floor(place), stops.length - 2)
  const part = (100 * (place - i)).toFixed(1)
  return `color-mix(in oklab, ${stops[i + 1]} ${part}%, ${stops[i]})`
}
