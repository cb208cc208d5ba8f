import type { Row } from '../../data/shape'
import type { Stream } from '../../data/stream'
import { formatText, parseLabel } from '../../data/units'
import type { Painter } from '../../paint/loop'
import { setText } from '../../paint/text'

/** More rows and columns than these are not drawn. */
const MAX_ROWS = 100
const MAX_COLUMNS = 12

/** Paints a table, reusing its rows and cells. */
export class TablePainter implements Painter {
  readonly every = 250
  readonly ages = false
  readonly #stream: Stream
  readonly #facts: Element | null
  readonly #head: Element | null
  readonly #body: Element | null

  constructor(element: Element, stream: Stream) {
    this.#stream = stream
    this.#facts = element.closest('.panel')?.querySelector('.facts') ?? null
    this.#head = element.querySelector('thead tr')
    this.#body = element.querySelector('tbody')
  }

  version(): unknown {
    return this.#stream.version
  }

  paint(): void {
    const { content } = this.#stream
    if (content?.kind !== 'rows' || this.#head === null || this.#body === null) return
    const columns = content.columns.slice(0, MAX_COLUMNS)
    const rows = content.rows.slice(0, MAX_ROWS)
    if (this.#facts !== null) setText(this.#facts, factsText(content.facts))
    fill(this.#head, columns.length, 'th')
    for (const [i, column] of columns.entries()) {
      const cell = this.#head.children[i] as HTMLTableCellElement
      cell.scope = 'col'
      cell.classList.toggle('number', isNumber(rows, column))
      setText(cell, parseLabel(column).text)
    }
    fill(this.#body, rows.length, 'tr')
    for (const [i, row] of rows.entries()) paintRow(this.#body.children[i], row, columns)
  }
}

function paintRow(element: Element | undefined, row: Row, columns: readonly string[]): void {
  if (element === undefined) return
  fill(element, columns.length, 'td')
  for (const [i, column] of columns.entries()) {
    const cell = element.children[i]
    if (cell === undefined) continue
    const value = row[column]
    cell.classList.toggle('number', typeof value === 'number')
    setText(cell, cellText(column, value))
  }
}

/** Gives an element exactly n children of a kind. */
function fill(element: Element, n: number, tag: string): void {
  while (element.children.length > n) element.lastElementChild?.remove()
  while (element.children.length < n) element.append(document.createElement(tag))
}

function isNumber(rows: readonly Row[], column: string): boolean {
  return rows.some((row) => typeof row[column] === 'number')
}

function cellText(column: string, value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value !== 'number') return String(value)
  const { unit } = parseLabel(column)
  // A bare number may be an identifier, so it stands as it is.
  return unit === 'count' && Number.isInteger(value) ? String(value) : formatText(value, unit)
}

function factsText(facts: Row): string {
  return Object.entries(facts)
    .map(([name, value]) => {
      const { text, unit } = parseLabel(name)
      return `${text} ${typeof value === 'number' ? formatText(value, unit) : String(value)}`
    })
    .join(' · ')
}
