import type { ColumnDefinition, PanelDefinition } from '../../dashboard/definition'
import type { Numbers, Series } from '../../data/numbers'
import { columnsOf, type Rows } from '../../data/rows'
import { asUnit, formatAge, formatText, parseLabel, type Unit } from '../../data/units'
import { type Page, shownValue } from '../moment'
import { labelFor, textFor } from '../numbers'
import type { Twin } from '../twin'

/** More columns than these are not drawn. */
const MAX_COLUMNS = 12

/** The columns that are no fields of the data. */
const KEY = '\0key'
const AGE = '\0age'

/** A column of a table. */
export interface Column {
  readonly field: string
  readonly label: string
  readonly unit: Unit | undefined
  readonly number: boolean
  /** Whether it shows the course of its numbers too. */
  readonly spark: boolean
}

/** A row of a table. */
export interface TableRow {
  /** What makes it the same row the next time. */
  readonly id: string
  /** When it was true, in epoch ms. */
  readonly at: number
  value(field: string): unknown
  /** Whose course a spark shows. */
  series?(field: string): Series | undefined
}

/** A table as it is at a moment. */
export interface Table {
  readonly columns: readonly Column[]
  readonly rows: readonly TableRow[]
}

const byNumber = new Intl.Collator('en', { numeric: true })

/** The table of events that are tables, or that are rows by their keys. */
export function tableOfRows(rows: Rows, definition: PanelDefinition, page: Page): Table {
  const { moment } = page.timeline
  if (!rows.keyed) {
    const snapshot = rows.until(moment)
    const columns = columnsFor(definition, snapshot.rows, [])
    return {
      columns,
      rows: snapshot.rows.map((row, i) => ({
        id: String(i),
        at: snapshot.at,
        value: (field) => row[field],
      })),
    }
  }
  const keyed = rows.rowsUntil(moment).sort((a, b) => byNumber.compare(a.key, b.key))
  const data = keyed.map(({ row }) => row)
  const named = keyed.length > 1 || keyed.some(({ key }) => key !== '')
  return {
    columns: columnsFor(definition, data, named ? [keyColumn(definition)] : [], true),
    rows: keyed.map(({ key, at, row }) => ({
      id: key,
      at,
      value: (field) => (field === KEY ? key : field === AGE ? moment - at : row[field]),
    })),
  }
}

/** The table of a view's rows: one for each group. */
export function tableOfNumbers(numbers: Numbers, definition: PanelDefinition, page: Page): Table {
  const groups = new Map<string, Map<string, Series>>()
  for (const series of numbers.series) {
    const key = series.key ?? ''
    const fields = groups.get(key) ?? new Map<string, Series>()
    groups.set(key, fields.set(series.field, series))
  }
  const fields = [...new Set(numbers.series.map((s) => s.field))]
  const sample = Object.fromEntries(fields.map((field) => [field, 0]))
  const units = new Map(numbers.series.map((s) => [s.field, s.label.unit]))
  const rows: TableRow[] = []
  for (const key of [...groups.keys()].sort(byNumber.compare)) {
    const series = groups.get(key)
    const values = new Map<string, number>()
    for (const [field, s] of series ?? []) values.set(field, shownValue(numbers, s, page))
    // A group of which nothing is heard any more has no row.
    if ([...values.values()].every(Number.isNaN)) continue
    rows.push({
      id: key,
      at: page.timeline.moment,
      value: (field) => (field === KEY ? labelFor(definition, key) : values.get(field)),
      series: (field) => series?.get(field),
    })
  }
  const named = groups.size > 1 || !groups.has('')
  const columns = columnsFor(definition, [sample], named ? [keyColumn(definition)] : [])
  return { columns: columns.map((c) => ({ ...c, unit: c.unit ?? units.get(c.field) })), rows }
}

function keyColumn(definition: PanelDefinition): Column {
  const label = labelFor(definition, groupOf(definition), 'key')
  return { field: KEY, label, unit: undefined, number: false, spark: false }
}

/** What the groups of a view are: `by /route` makes them routes. */
function groupOf({ view }: PanelDefinition): string {
  const text = (Array.isArray(view) ? view[0] : view) as string | undefined
  return /\bby\s+\/?(?:\S*\/)?([\w-]+)/.exec(text ?? '')?.[1] ?? 'key'
}

function columnsFor(
  definition: PanelDefinition,
  rows: readonly Readonly<Record<string, unknown>>[],
  first: readonly Column[],
  aged = false,
): Column[] {
  const names = columnsOf(rows.slice(0, 100))
  const fields = definition.columns?.map((c) => columnOf(c, rows, definition))
  const columns = fields ?? names.map((field) => columnOf({ field }, rows, definition))
  const own = first.filter((c) => !columns.some((other) => other.field === c.field))
  const age: Column = { field: AGE, label: 'age', unit: 'age', number: true, spark: false }
  return [...own, ...columns.slice(0, MAX_COLUMNS), ...(aged ? [age] : [])]
}

function columnOf(
  { field: pointer, label, unit, spark = false }: ColumnDefinition,
  rows: readonly Readonly<Record<string, unknown>>[],
  definition: PanelDefinition,
): Column {
  const field = pointer === 'key' ? KEY : pointer.replace(/^\//, '')
  const number = rows.some((row) => typeof row[field] === 'number')
  const said = parseLabel(field.slice(field.lastIndexOf('/') + 1))
  const asked = unit ?? definition.unit
  return {
    field,
    label: label ?? labelFor(definition, field === KEY ? 'key' : said.text || field, field),
    unit: asked !== undefined ? asUnit(asked) : said.unit === 'count' ? undefined : said.unit,
    number,
    spark,
  }
}

/** Compares two cells: numbers by size, text as one reads it; what is missing is last. */
export function compareCells(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') {
    if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b))
    return a - b
  }
  const [noA, noB] = [a === undefined || a === null, b === undefined || b === null]
  if (noA || noB) return Number(noA) - Number(noB)
  return byNumber.compare(String(a), String(b))
}

/** A cell's text. */
export function textOfCell(
  { unit, field }: Column,
  value: unknown,
  definition: PanelDefinition,
): string {
  if (value === undefined || value === null) return ''
  if (typeof value !== 'number') return String(value)
  if (field === AGE) return formatAge(value)
  // A bare number may be an identifier, so it stands as it is.
  if (unit === undefined && Number.isInteger(value)) return String(value)
  return textFor(definition, value, unit ?? 'count')
}

/** The table for other programs. */
export function tableTwin({ columns, rows }: Table): Twin {
  return {
    columns: columns.map(({ label, unit, number, field }) => ({
      name: label,
      ...(number ? { unit: field === AGE ? 'ms' : (unit ?? 'count') } : {}),
    })),
    rows: rows.map((row) => columns.map(({ field }) => plain(row.value(field)))),
  }
}

function plain(value: unknown): string | number | undefined {
  if (value === undefined || value === null) return undefined
  return typeof value === 'number' ? value : String(value)
}

/** The scalars beside a table's rows, in words. */
export function factsText(facts: Readonly<Record<string, unknown>>): string {
  return Object.entries(facts)
    .map(([name, value]) => {
      const { text, unit } = parseLabel(name)
      return `${text} ${typeof value === 'number' ? formatText(value, unit) : String(value)}`
    })
    .join(' · ')
}
