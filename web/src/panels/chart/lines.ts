import type { PanelDefinition } from '../../dashboard/definition'
import type { Numbers, Series } from '../../data/numbers'
import { asUnit, type Unit } from '../../data/units'
import { fieldLabel, labelFor } from '../numbers'

/** More lines than this nobody tells apart; further ones are counted. */
const MAX_LINES = 24

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
 * the first, lest the keys drown in them, unless the definition names the fields.
 */
export function linesOf(numbers: Numbers, unit: Unit, definition: PanelDefinition): Lines {
  const all = definition.unit !== undefined
  let series = numbers.series.filter((s) => all || s.label.unit === unit)
  const fields = new Set(series.map((s) => s.field))
  const asked = definition.field !== undefined || definition.view !== undefined
  const first = numbers.keyed && fields.size > 2 && !asked ? series[0] : undefined
  if (first !== undefined) series = series.filter((s) => s.field === first.field)
  // A replay may begin with any key; a reader looks for cpu 2 before cpu 10.
  series.sort((a, b) => byNumber.compare(a.key ?? '', b.key ?? ''))
  const plain = fields.size === 1 || first !== undefined
  const lines = series
    .slice(0, MAX_LINES)
    .map((s) => ({ name: nameOf(s, plain, definition), series: s }))
  return { lines, field: first?.label.text, hidden: series.length - lines.length }
}

function nameOf(series: Series, plain: boolean, definition: PanelDefinition): string {
  const { key, field } = series
  const text = fieldLabel(definition, series)
  if (key === undefined) return text
  const shown = labelFor(definition, key)
  return plain ? shown : labelFor(definition, `${shown} ${text}`, `${key} ${field}`)
}

// What a chart shows at first: rates and shares move, totals mostly stand.
const PREFERRED: readonly Unit[] = [
  'percent',
  'ratio',
  'bytes_per_second',
  'per_second',
  'ms',
  'seconds',
  'celsius',
  'count',
  'bytes',
]

/** The units of a chart's numbers, the most telling first: the one that its
 * definition names, or those that the numbers have. */
export function unitsOf(numbers: Numbers, { unit }: PanelDefinition): Unit[] {
  if (unit !== undefined) return [asUnit(unit)]
  const rank = (u: Unit) => (PREFERRED.indexOf(u) + PREFERRED.length + 1) % (PREFERRED.length + 1)
  return numbers.units.sort((a, b) => rank(a) - rank(b))
}
