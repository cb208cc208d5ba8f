import type { PanelDefinition } from '../../dashboard/definition'
import type { Numbers, Series } from '../../data/numbers'
import { formatRound, type Unit } from '../../data/units'
import { PlotData, type Range } from '../chart/plotData'
import { fieldLabel, labelFor, unitOf } from '../numbers'
import { beatLength } from '../status/beats'

/** More rows than these nobody tells apart. */
const MAX_ROWS = 60

/** Cells of events that come as they come are so many over the picture. */
const COLUMNS = 60

const byNumber = new Intl.Collator('en', { numeric: true })

/** A row of a heatmap. */
export interface HeatRow {
  readonly label: string
  /** Where a bucket of a histogram ends; undefined for a key. */
  readonly upper: number | undefined
}

/** A heatmap's cells: for each row, from the bottom up, a value for each time. */
export interface Cells {
  readonly rows: readonly HeatRow[]
  /** When the first column begins, in epoch ms, and how long each is, in ms. */
  readonly start: number
  readonly length: number
  readonly columns: number
  /** Row by row; NaN where there is nothing. */
  readonly values: Float64Array
  readonly min: number
  readonly max: number
  /** Whether the rows are the buckets of a histogram, and the values counts. */
  readonly histogram: boolean
}

/** The cells of a range of time. */
export function cellsOf(numbers: Numbers, definition: PanelDefinition, range: Range): Cells {
  const histogram = numbers.series.some(isBucket)
  const series = histogram ? bucketsOf(numbers) : keysOf(numbers, definition)
  const lines = series.map(({ of }) => ({ name: '', series: of as Series })).filter((l) => l.series)
  const data = new PlotData()
  data.fill(numbers, lines, range)
  const length = data.every || beatLength(range.to - range.from, COLUMNS)
  const start = Math.floor(range.from / length) * length
  const columns = Math.max(1, Math.ceil((range.to - start) / length))
  const values = new Float64Array(series.length * columns).fill(Number.NaN)
  let line = 0
  for (const [i, { of }] of series.entries()) {
    if (of === undefined) continue
    addRow(values.subarray(i * columns, (i + 1) * columns), data, line++, start, length)
  }
  const rows = series.map(({ label, upper }) => ({ label, upper }))
  return { rows, start, length, columns, values, ...extent(values), histogram }
}

/** Puts a line's values into their columns; several in one are averaged. */
function addRow(
  out: Float64Array,
  { times, columns, tails, tailAt }: PlotData,
  line: number,
  start: number,
  length: number,
): void {
  const counts = new Uint32Array(out.length)
  const add = (at: number, v: number | null | undefined) => {
    const j = Math.floor((at - start) / length)
    if (v === null || v === undefined || j < 0 || j >= out.length) return
    const n = (counts[j] as number) + 1
    const mean = n === 1 ? 0 : (out[j] as number)
    counts[j] = n
    out[j] = mean + (v - mean) / n
  }
  for (let j = 0; j < times.length; j++) add(times[j] as number, columns[line]?.[j])
  const tail = tails[line]
  if (tail !== undefined && !Number.isNaN(tail)) add(tailAt, tail)
}

function extent(values: Float64Array): { min: number; max: number } {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const v of values) {
    if (v < min) min = v
    if (v > max) max = v
  }
  return { min, max }
}

interface Wanted extends HeatRow {
  /** Undefined for a bucket that nothing has fallen into. */
  readonly of: Series | undefined
}

function keysOf(numbers: Numbers, definition: PanelDefinition): Wanted[] {
  const [first] = numbers.series
  const series = numbers.series.filter((s) => s.field === first?.field)
  // The first one on top, where one begins to read.
  series.sort((a, b) => byNumber.compare(b.key ?? '', a.key ?? ''))
  return series.slice(-MAX_ROWS).map((of) => ({
    of,
    label: of.key === undefined ? fieldLabel(definition, of) : labelFor(definition, of.key),
    upper: undefined,
  }))
}

function isBucket({ field, key }: Series): boolean {
  return field === 'histogram' && key !== undefined && !Number.isNaN(Number(key))
}

/** All buckets from the lowest to the highest, those between that are empty too, so
 * that the axis is logarithmic throughout. */
function bucketsOf(numbers: Numbers): Wanted[] {
  const known = new Map<number, Series>()
  for (const series of numbers.series) if (isBucket(series)) known.set(Number(series.key), series)
  const bounds = [...known.keys()].sort((a, b) => a - b)
  const [low, high] = [bounds[0] ?? 0, bounds.at(-1) ?? 0]
  const between = bounds125(low, high).filter((n) => !bounds.some((b) => isNear(b, n)))
  return [...bounds, ...between]
    .sort((a, b) => a - b)
    .slice(-MAX_ROWS)
    .map((upper) => ({ of: known.get(upper), label: '', upper }))
}

/** The numbers 1, 2 and 5 times a power of ten, strictly between two positive ones. */
export function bounds125(low: number, high: number): number[] {
  const between: number[] = []
  const positive = low > 0 ? low : high / 1e9
  if (!(high > 0)) return between
  for (let p = Math.floor(Math.log10(positive)); p <= Math.ceil(Math.log10(high)); p++) {
    for (const factor of [1, 2, 5]) {
      const n = Number(`${factor}e${p}`)
      if (n > low && n < high && (low > 0 || n >= positive)) between.push(n)
    }
  }
  return low > 0 ? between : []
}

function isNear(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b))
}

/** A row's name: a key's, or the bucket's bounds. */
export function rowText(cells: Cells, i: number, unit: Unit): string {
  const row = cells.rows[i]
  if (row?.upper === undefined) return row?.label ?? ''
  const below = cells.rows[i - 1]?.upper
  const upper = formatRound(row.upper, unit)
  return below === undefined ? `up to ${upper}` : `${formatRound(below, unit)} to ${upper}`
}

/** What a heatmap's rows measure, if they are buckets, and what its cells do. */
export function unitsOf(numbers: Numbers, definition: PanelDefinition, histogram: boolean) {
  const unit = unitOf(definition, numbers.series[0])
  return histogram ? { row: unit, cell: 'count' } : { row: 'count', cell: unit }
}
