import { formatClock, formatText, type Unit } from '../data/units'

/** A column of a {@link Twin}. */
export interface TwinColumn {
  readonly name: string
  /** What its numbers measure; times are epoch ms. Text has none. */
  readonly unit?: Unit | 'time'
}

/** What a panel shows, as a table: the same data for those who don't see the picture,
 * and for other programs. */
export interface Twin {
  readonly columns: readonly TwinColumn[]
  /** What comes first matters most. NaN and undefined are empty cells. */
  readonly rows: readonly (readonly (string | number | undefined)[])[]
}

/** A cell as a reader sees it. */
export function cellText(value: string | number | undefined, unit: Unit | undefined): string {
  if (value === undefined || Number.isNaN(value)) return ''
  if (typeof value === 'string') return value
  return unit === 'time' ? formatClock(value) : formatText(value, unit ?? 'count')
}

/** The table as CSV (RFC 4180), with times in ISO 8601 and numbers in full. */
export function toCSV({ columns, rows }: Twin): string {
  const lines = [columns.map(({ name }) => quote(name)).join(',')]
  for (const row of rows) {
    lines.push(row.map((value, i) => field(value, columns[i]?.unit)).join(','))
  }
  return `${lines.join('\r\n')}\r\n`
}

function field(value: string | number | undefined, unit: Unit | undefined): string {
  if (value === undefined || Number.isNaN(value)) return ''
  if (typeof value === 'string') return quote(value)
  return unit === 'time' ? new Date(value).toISOString() : String(value)
}

/** Content that a spreadsheet would take for a formula becomes text there. */
function quote(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
