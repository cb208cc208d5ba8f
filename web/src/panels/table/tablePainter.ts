import type { PanelDefinition } from '../../dashboard/definition'
import type { Source } from '../../data/source'
import { colourOf } from '../../paint/palette'
import { setText } from '../../paint/text'
import type { OwnedPainter } from '../../paint/usePainter'
import { PlotData } from '../chart/plotData'
import { knownUntil, type Page, spanOf } from '../moment'
import { holdWithin, SteadyOrder } from '../order'
import { Sparkline } from '../stat/sparkline'
import {
  type Column,
  compareCells,
  factsText,
  type Table,
  type TableRow,
  tableOfNumbers,
  tableOfRows,
  textOfCell,
} from './tableModel'

/** More rows than these are not drawn, unless the definition says so. */
const MAX_ROWS = 100

/** What a reader sorts by. */
export interface Sorting {
  readonly field: string
  readonly descending: boolean
}

/** The sorting that a click on a column asks for: the telling direction, the other
 * one, and then as it was. */
export function nextSorting(
  before: Sorting | undefined,
  { field, number }: Column,
): Sorting | undefined {
  if (before?.field !== field) return { field, descending: number }
  return before.descending === number ? { field, descending: !number } : undefined
}

interface RowParts {
  readonly element: HTMLTableRowElement
  readonly sparks: Map<string, Sparkline>
}

/** Paints a table, keeping each row's element wherever the row goes. */
export class TablePainter implements OwnedPainter {
  readonly every = 250
  readonly ages = true
  readonly #page: Page
  readonly #definition: PanelDefinition
  readonly #source: Source
  readonly #facts: Element | null
  readonly #head: HTMLElement
  readonly #body: HTMLElement
  readonly #rows = new Map<string, RowParts>()
  readonly #order = new SteadyOrder<string>()
  readonly #stop = new AbortController()
  readonly #data = new PlotData()
  #sorting: Sorting | undefined
  #sorted = 0

  constructor(element: HTMLElement, page: Page, definition: PanelDefinition, source: Source) {
    this.#page = page
    this.#definition = definition
    this.#source = source
    this.#facts = element.closest('.panel')?.querySelector('.facts') ?? null
    this.#head = element.querySelector('thead tr') ?? element
    this.#body = element.querySelector('tbody') ?? element
    holdWithin(this.#body, this.#order as SteadyOrder<never>, this.#stop.signal)
    const { signal } = this.#stop
    this.#head.addEventListener('click', (event) => this.#clicked(event.target as Element), {
      signal,
    })
  }

  version(): unknown {
    return this.#source.version + this.#sorted * 1e-3
  }

  paint(): void {
    const table = tableAt(this.#source, this.#definition, this.#page)
    if (table === undefined) return
    const rows = this.#ordered(table)
    const shown = rows.slice(0, this.#definition.limit ?? MAX_ROWS)
    this.#paintFacts(rows.length - shown.length)
    this.#paintHead(table.columns)
    const present = new Set<string>()
    for (const [i, row] of shown.entries()) {
      present.add(row.id)
      const parts = this.#partsOf(row.id)
      if (this.#body.children[i] !== parts.element) {
        this.#body.insertBefore(parts.element, this.#body.children[i] ?? null)
      }
      this.#paintRow(parts, row, table.columns)
    }
    for (const [id, parts] of this.#rows) if (!present.has(id)) this.#remove(id, parts)
  }

  #ordered({ columns, rows }: Table): TableRow[] {
    const sorting = this.#sorting
    const byId = new Map(rows.map((row) => [row.id, row]))
    const rank = new Map(rows.map((row, i) => [row.id, i]))
    const original = (a: string, b: string) => (rank.get(a) ?? 0) - (rank.get(b) ?? 0)
    const sorted = sorting !== undefined && columns.some((c) => c.field === sorting.field)
    const compare = (a: string, b: string) => {
      const n = compareCells(
        byId.get(a)?.value(sorting?.field ?? ''),
        byId.get(b)?.value(sorting?.field ?? ''),
      )
      return (sorting?.descending ? -n : n) || original(a, b)
    }
    const by = sorted ? `${sorting.field} ${sorting.descending}` : ''
    const ids = rows.map((row) => row.id)
    const order = this.#order.of(ids, sorted ? compare : original, performance.now(), by)
    return order.flatMap((id) => byId.get(id) ?? [])
  }

  #clicked(target: Element): void {
    const button = target.closest<HTMLElement>('button[data-field]')
    if (button === null) return
    const { field = '', number = '' } = button.dataset
    const column = { field, number: number !== '', label: '', unit: undefined, spark: false }
    this.#sorting = nextSorting(this.#sorting, column)
    this.#sorted++
    this.paint()
  }

  #paintFacts(more: number): void {
    const { content } = this.#source
    if (this.#facts === null) return
    const facts = content?.kind === 'rows' ? content.until(this.#page.timeline.moment).facts : {}
    const rest = more > 0 ? `and ${more} more` : ''
    setText(this.#facts, [factsText(facts), rest].filter(Boolean).join(' · '))
  }

  #paintHead(columns: readonly Column[]): void {
    populate(this.#head, columns.length, () => {
      const cell = document.createElement('th')
      cell.scope = 'col'
      const button = document.createElement('button')
      button.type = 'button'
      cell.append(button)
      return cell
    })
    for (const [i, { field, label, number }] of columns.entries()) {
      const cell = this.#head.children[i] as HTMLElement
      const button = cell.firstElementChild as HTMLElement
      cell.classList.toggle('number', number)
      const direction = this.#sorting?.descending ? 'descending' : 'ascending'
      const sort = this.#sorting?.field === field ? direction : 'none'
      if (cell.getAttribute('aria-sort') !== sort) cell.setAttribute('aria-sort', sort)
      if (button.dataset.field !== field) button.dataset.field = field
      if (button.dataset.number !== (number ? '1' : '')) button.dataset.number = number ? '1' : ''
      setText(button, label)
    }
  }

  #partsOf(id: string): RowParts {
    const known = this.#rows.get(id)
    if (known !== undefined) return known
    const parts = { element: document.createElement('tr'), sparks: new Map<string, Sparkline>() }
    this.#rows.set(id, parts)
    return parts
  }

  #paintRow({ element, sparks }: RowParts, row: TableRow, columns: readonly Column[]): void {
    populate(element, columns.length, () => {
      const cell = document.createElement('td')
      cell.append(document.createElement('span'))
      return cell
    })
    for (const [i, column] of columns.entries()) {
      const cell = element.children[i] as HTMLElement
      const value = row.value(column.field)
      cell.classList.toggle('number', typeof value === 'number')
      cell.classList.toggle('sparked', column.spark)
      setText(cell.lastElementChild as Element, textOfCell(column, value, this.#definition))
      if (column.spark) this.#paintSpark(cell, sparks, row, column)
    }
  }

  #paintSpark(
    cell: HTMLElement,
    sparks: Map<string, Sparkline>,
    row: TableRow,
    column: Column,
  ): void {
    let spark = sparks.get(column.field)
    if (spark === undefined) {
      const canvas = document.createElement('canvas')
      cell.prepend(canvas)
      spark = new Sparkline(canvas, colourOf(0, cell))
      sparks.set(column.field, spark)
    }
    const span = spanOf(this.#definition, this.#page.timeline)
    if (!spark.due(span)) return
    const { content } = this.#source
    const series = row.series?.(column.field)
    const unit = column.unit ?? 'count'
    if (content?.kind === 'numbers' && series !== undefined) {
      const live = this.#page.timeline.mode.get().kind === 'live'
      const range = { ...span, live, known: knownUntil(this.#page) }
      this.#data.fill(content, [{ name: '', series }], range)
      spark.draw(this.#data.times, this.#data.columns[0] ?? [], span, unit)
    } else if (content?.kind === 'rows') {
      const history = content.historyOf(row.id).filter(({ at }) => at >= span.from && at <= span.to)
      const values = history.map(({ row: r }) => r[column.field])
      const numbers = values.map((v) => (typeof v === 'number' ? v : undefined))
      spark.draw(
        history.map(({ at }) => at),
        numbers,
        span,
        unit,
      )
    }
  }

  #remove(id: string, { element, sparks }: RowParts): void {
    for (const spark of sparks.values()) spark.destroy()
    element.remove()
    this.#rows.delete(id)
  }

  destroy(): void {
    this.#stop.abort()
    for (const [id, parts] of this.#rows) this.#remove(id, parts)
  }
}

/** What a table shows at the page's moment; undefined before there is anything. */
export function tableAt(
  { content }: Source,
  definition: PanelDefinition,
  page: Page,
): Table | undefined {
  if (content?.kind === 'rows') return tableOfRows(content, definition, page)
  if (content?.kind === 'numbers') return tableOfNumbers(content, definition, page)
  return undefined
}

/** Gives an element exactly n children. */
function populate(element: Element, n: number, make: () => Element): void {
  while (element.childElementCount > n) element.lastElementChild?.remove()
  while (element.childElementCount < n) element.append(make())
}
