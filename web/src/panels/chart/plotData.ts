import { type Columns, GAP } from '../../data/columns'
import type { Numbers } from '../../data/numbers'
import type { Span } from '../../time/timeline'
import { isIncomplete } from '../moment'
import type { Line } from './lines'
import { stackInPlace } from './stack'

/** A column as uPlot takes it: null breaks the line, undefined does not. */
export type PlotColumn = (number | null | undefined)[] | Float64Array

/** What of the time a chart shows. */
export interface Range extends Span {
  /** Whether it shows what is going on now. */
  readonly live: boolean
  /** Up to when all that happened has arrived, in epoch ms. */
  readonly known: number
}

/** Longer tables than this are cut at their beginning. */
const MAX_ROWS = 20_000

/**
 * A chart's numbers as they are drawn. It is filled anew for every picture, into the
 * same arrays: what it hands out holds until the next time.
 */
export class PlotData {
  times: number[] | Float64Array = []
  readonly columns: PlotColumn[] = []
  /** The value of each line's newest window as far as it has come, or NaN. */
  readonly tails: number[] = []
  /** When those windows begin, in epoch ms. */
  tailAt = Number.NaN
  /** Times of which nothing is known, as pairs of begin and end. */
  readonly gaps: number[] = []
  /** How far the rows of a view are apart, in ms; 0 where times are as they come. */
  every = 0
  readonly #times: number[] = []
  readonly #own: (number | null | undefined)[][] = []

  /** Takes what of the lines lies in the range; stacked, the first at the bottom. */
  fill(numbers: Numbers, lines: readonly Line[], range: Range, stack = false): void {
    this.every = gridOf(lines)
    this.tailAt = Number.NaN
    this.tails.length = lines.length
    this.tails.fill(Number.NaN)
    this.columns.length = lines.length
    if (this.every > 0) this.#fillWindows(numbers.columns, lines, range)
    else this.#fillRows(numbers.columns, lines, range, stack)
    this.#findGaps(numbers.columns, lines, range)
    if (!stack) return
    stackInPlace(this.columns as (number | null | undefined)[][])
    stackTails(this.tails)
  }

  /** The rows since the beginning, and one before that. */
  #fillRows(columns: Columns, lines: readonly Line[], { from, to }: Span, stack: boolean): void {
    const first = Math.max(0, columns.rowUntil(from))
    const end = columns.rowUntil(to) + 1
    this.times = columns.times.subarray(first, Math.max(first, end))
    for (const [i, { series }] of lines.entries()) {
      const values = columns.column(series.column).subarray(first, Math.max(first, end))
      // Most columns have no holes, and need not be copied then.
      this.columns[i] = !stack && isFull(values) ? values : this.#copy(i, values)
    }
  }

  #copy(i: number, values: Float64Array): PlotColumn {
    const out = this.#array(i, values.length)
    for (let j = 0; j < values.length; j++) {
      const v = values[j] as number
      out[j] = v === GAP ? null : Number.isNaN(v) ? undefined : v
    }
    return out
  }

  #array(i: number, length: number): (number | null | undefined)[] {
    const out = this.#own[i] ?? []
    this.#own[i] = out
    out.length = length
    return out
  }

  /** One row for each window since the first, whether something happened in it or not. */
  #fillWindows(columns: Columns, lines: readonly Line[], range: Range): void {
    const { every } = this
    // Before the first row nothing is known: there may have been nobody to count.
    const oldest = columns.length > 0 ? columns.timeAt(0) : Number.POSITIVE_INFINITY
    const end = Math.floor(range.to / every) * every
    const earliest = Math.max(range.from - every, oldest, end - MAX_ROWS * every)
    const start = Math.floor(earliest / every) * every
    const n = Math.max(0, Math.round((end - start) / every) + 1)
    this.#times.length = n
    for (let j = 0; j < n; j++) this.#times[j] = start + j * every
    this.times = this.#times
    for (const [i, line] of lines.entries()) this.#fillLine(i, columns, line, range, start, n)
  }

  #fillLine(
    i: number,
    columns: Columns,
    { series }: Line,
    range: Range,
    start: number,
    n: number,
  ): void {
    const out = this.#array(i, n)
    this.columns[i] = out
    const own = series.grid?.every || this.every
    // Where nothing is said of what is known, rows are taken as they are.
    const told = Number.isFinite(range.known) ? Math.min(range.known, range.to) : range.to
    for (let j = 0; j < n; j++) {
      const at = start + j * this.every
      if (at % own !== 0) out[j] = undefined
      else out[j] = series.additive && at + own <= Math.min(range.known, range.to) ? 0 : null
    }
    for (let row = Math.max(0, columns.rowUntil(start)); row < columns.length; row++) {
      const at = columns.timeAt(row)
      const j = (at - start) / this.every
      if (j >= n) break
      const v = columns.valueAt(series.column, row)
      if (Number.isNaN(v) || j < 0) continue
      if (v === GAP) {
        // A row is the truth about its window, whatever was lost on the way to it.
        const slot = Math.floor(j)
        if (out[slot] === 0) out[slot] = null
      } else if (!isIncomplete(at, own, told)) out[Math.round(j)] = v
      else if (range.live) {
        this.tails[i] = v
        this.tailAt = at
      }
    }
  }

  /** Where all lines are broken because something is missing, not because nothing
   * happened. */
  #findGaps(columns: Columns, lines: readonly Line[], { from, to }: Span): void {
    this.gaps.length = 0
    const column = lines[0]?.series.column
    if (column === undefined) return
    for (let row = Math.max(0, columns.rowUntil(from)); row < columns.length; row++) {
      if (columns.timeAt(row) > to) break
      if (columns.valueAt(column, row) !== GAP) continue
      const begin = columns.timeAt(Math.max(0, row - 1))
      const end = row + 1 < columns.length ? Math.min(columns.timeAt(row + 1), to) : to
      const last = this.gaps.at(-1)
      if (last !== undefined && last >= begin) this.gaps[this.gaps.length - 1] = end
      else this.gaps.push(begin, end)
    }
  }
}

/** The distance of a chart's rows: all lines' windows are multiples of it. */
function gridOf(lines: readonly Line[]): number {
  let every = 0
  for (const { series } of lines) {
    const own = series.grid?.every ?? 0
    if (own === 0) return 0
    every = every === 0 ? own : common(every, own)
  }
  return every
}

function common(a: number, b: number): number {
  while (b > 0) [a, b] = [b, a % b]
  return a
}

function isFull(values: Float64Array): boolean {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return false
  return true
}

function stackTails(tails: number[]): void {
  let sum = 0
  for (let i = 0; i < tails.length; i++) {
    if (Number.isNaN(tails[i])) continue
    sum += tails[i] as number
    tails[i] = sum
  }
}

/** The indices of values without a neighbour, which no line would show. */
export function lonely(values: PlotColumn): number[] {
  const found: number[] = []
  let before = false // whether a line comes in from the left
  let candidate = -1
  for (let i = 0; i <= values.length; i++) {
    const v = i < values.length ? values[i] : null
    if (v === undefined) continue
    if (v === null) {
      if (candidate >= 0) found.push(candidate)
      candidate = -1
      before = false
    } else {
      candidate = before ? -1 : i
      before = true
    }
  }
  return found
}
