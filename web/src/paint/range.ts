import type { Unit } from '../data/units'

/** An axis: its bounds, and the distance of its grid lines. */
export interface Range {
  readonly low: number
  readonly high: number
  readonly step: number
}

/** Bounds that somebody has chosen. */
export interface Bounds {
  readonly min?: number
  readonly max?: number
}

/**
 * An axis for values from `min` to `max` that is round, leaves some air, and so
 * rarely changes. It begins at zero unless the values lie far above it. Bounds that
 * are given hold unless a value lies beyond: nothing is cut off in silence.
 */
export function niceRange(min: number, max: number, unit: Unit, bounds: Bounds = {}): Range {
  const nice = automatic(Math.min(min, bounds.min ?? min), Math.max(max, bounds.max ?? max), unit)
  if (bounds.min === undefined && bounds.max === undefined) return nice
  const low = bounds.min === undefined || min < bounds.min ? nice.low : bounds.min
  const high = bounds.max === undefined || max > bounds.max ? nice.high : bounds.max
  if (low === nice.low && high === nice.high) return nice
  return high > low ? { low, high, step: (high - low) / parts(high - low) } : nice
}

/** Into how many equal parts a range is cut, so that they are round. */
function parts(size: number): number {
  const round = (n: number) => Number((size / n).toPrecision(2)) === size / n
  return [4, 5, 3, 2].find(round) ?? 4
}

function automatic(min: number, max: number, unit: Unit): Range {
  if (!Number.isFinite(min) || !Number.isFinite(max)) return { low: 0, high: 1, step: 0.25 }
  // Shares that are added up may come to a little more than they are.
  if (unit === 'percent' && min >= 0 && max < 100.5) {
    const top = [1, 2, 5, 10, 25, 50].find((t) => max * 1.1 <= t) ?? 100
    return { low: 0, high: top, step: top === 100 || top === 2 ? top / 4 : top / 5 }
  }
  const base = unit === 'bytes' ? 1024 : 1000
  if (min >= 0 && min <= 0.6 * max) return upTo(max, base)
  if (max <= 0 && max >= 0.6 * min) {
    const { high, step } = upTo(-min, base)
    return { low: -high, high: 0, step }
  }
  const spread = max - min || Math.abs(max) * 0.2 || 1
  const step = round(spread / 4, base).number
  const air = (spread - (max - min)) / 2 + spread * 0.1
  const low = Math.floor((min - air) / step) * step
  const high = Math.ceil((max + air) / step) * step
  return { low: min >= 0 ? Math.max(0, low) : low, high, step }
}

// Round numbers, and into how many round parts each can be cut.
const ROUND: readonly (readonly [number, number])[] = [
  [1, 4],
  [1.5, 3],
  [2, 4],
  [3, 3],
  [4, 4],
  [5, 5],
  [6, 3],
  [8, 4],
  [10, 5],
]

function upTo(max: number, base: number): Range {
  const { number, parts: count } = round(max * 1.1, base)
  return { low: 0, high: number, step: number / count }
}

/** The least round number that is not below `n`. Bytes are round in powers of 1024. */
function round(n: number, base: number): { number: number; parts: number } {
  if (n <= 0) return { number: 1, parts: 4 }
  const prefix = base === 1024 && n >= 1024 ? 1024 ** Math.floor(Math.log(n) / Math.log(1024)) : 1
  const power = prefix * 10 ** Math.floor(Math.log10(n / prefix))
  const [factor, parts] = ROUND.find(([f]) => f * power >= n * (1 - 1e-9)) ?? [10, 5]
  return { number: factor * power, parts }
}
