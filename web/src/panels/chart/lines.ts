import { type Columns, GAP } from '../../data/columns'
import type { Numbers, Series } from '../../data/numbers'
import type { Unit } from '../../data/units'

/** More lines than this nobody tells apart; further ones are counted. */
export const MAX_LINES = 24

/** A line of a chart. */
export interface Line {
  readonly name: string
  readonly series: Series
}

const byNumber = new Intl.Collator('en', { numeric: true })

/** What a chart of one unit shows. */
export interface Lines {
  readonly lines: readonly Line[]
  /** The one field that all lines are of, where the keys have more. */
  readonly field: string | undefined
  /** Lines that are not shown, for there are too many. */
  readonly hidden: number
}

/**
 * The lines for one unit of a stream's numbers, with names short and distinct. A
 * pair of fields, such as received and sent, is shown for each key; of more fields
 * the first, lest the keys drown in them.
 */
export function linesOf(numbers: Numbers, unit: Unit): Lines {
  let series = numbers.series.filter((s) => s.label.unit === unit)
  const fields = new Set(series.map((s) => s.field))
  const first = numbers.keyed && fields.size > 2 ? series[0] : undefined
  if (first !== undefined) series = series.filter((s) => s.field === first.field)
  // A replay may begin with any key; a reader looks for cpu 2 before cpu 10.
  series.sort((a, b) => byNumber.compare(a.key ?? '', b.key ?? ''))
  const plain = fields.size === 1 || first !== undefined
  const lines = series.slice(0, MAX_LINES).map((s) => ({ name: nameOf(s, plain), series: s }))
  return { lines, field: first?.label.text, hidden: series.length - lines.length }
}

function nameOf({ key, label, field }: Series, plain: boolean): string {
  const text = label.text || field || 'value'
  if (key === undefined) return text
  return plain ? key : `${key} ${text}`
}

// What a chart shows at first: rates and shares move, totals mostly stand.
const PREFERRED: readonly Unit[] = [
  'percent',
  'bytes_per_second',
  'per_second',
  'ms',
  'seconds',
  'celsius',
  'count',
  'bytes',
]

/** The units of a stream's numbers, the most telling first. */
export function unitsOf(numbers: Numbers): Unit[] {
  return numbers.units.sort((a, b) => PREFERRED.indexOf(a) - PREFERRED.indexOf(b))
}

/** A column as uPlot takes it: null breaks the line, undefined does not. */
export type PlotColumn = (number | null | undefined)[]

/** The rows since `from`, and one before that, as uPlot takes them. */
export function plotData(columns: Columns, lines: readonly Line[], from: number) {
  const { times } = columns
  let first = times.length
  while (first > 0 && (times[first - 1] as number) >= from) first--
  first = Math.max(0, first - 1)
  const ys = lines.map(({ series }): PlotColumn => {
    const values = columns.column(series.column)
    const out: PlotColumn = new Array(times.length - first)
    for (let i = first; i < times.length; i++) {
      const v = values[i] as number
      out[i - first] = v === GAP ? null : Number.isNaN(v) ? undefined : v
    }
    return out
  })
  return [Array.from(times.subarray(first)), ...ys] as [number[], ...PlotColumn[]]
}

/** The indices of values without a neighbour, which no line would show. */
export function lonely(values: readonly (number | null | undefined)[]): number[] {
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
