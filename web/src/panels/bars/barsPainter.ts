import type { PanelDefinition } from '../../dashboard/definition'
import type { Numbers, Series } from '../../data/numbers'
import type { Source } from '../../data/source'
import { fill } from '../../paint/fill'
import { setText } from '../../paint/text'
import type { OwnedPainter } from '../../paint/usePainter'
import { type Page, shownValue } from '../moment'
import { fieldLabel, formatFor, labelFor, numbersOf, unitOf } from '../numbers'
import { holdWithin, SteadyOrder } from '../order'
import { STATES, stateOf } from '../state'

/** Height of a row, in px; bars.css has it as --row. */
const ROW = 28

const DEFAULT_LIMIT = 20

/** A bar and what it stands for. */
export interface Bar {
  readonly name: string
  readonly series: Series
  readonly value: number
}

/** Paints a list of bars, as many as there is room for. */
export class BarsPainter implements OwnedPainter {
  readonly every = 250
  readonly ages = true
  readonly #page: Page
  readonly #definition: PanelDefinition
  readonly #source: Source
  readonly #list: HTMLElement
  readonly #more: Element | null
  readonly #order = new SteadyOrder<Series>()
  readonly #stop = new AbortController()
  readonly #observer: ResizeObserver
  #room = 0
  #resized = 0

  constructor(element: HTMLElement, page: Page, definition: PanelDefinition, source: Source) {
    this.#page = page
    this.#definition = definition
    this.#source = source
    this.#list = element.querySelector<HTMLElement>('ol') ?? element
    this.#more = element.querySelector('.rest')
    holdWithin(element, this.#order as SteadyOrder<never>, this.#stop.signal)
    this.#observer = new ResizeObserver(([entry]) => {
      this.#room = Math.max(1, Math.floor((entry?.contentRect.height ?? 0) / ROW))
      this.#resized++
    })
    this.#observer.observe(element)
  }

  version(): unknown {
    return this.#source.version + this.#resized * 1e-3
  }

  paint(): void {
    const numbers = numbersOf(this.#source)
    if (numbers === undefined || this.#room === 0) return
    const bars = barsOf(numbers, this.#definition, this.#page)
    const values = new Map(bars.map((bar) => [bar.series, bar]))
    const value = (series: Series) => values.get(series)?.value ?? Number.NEGATIVE_INFINITY
    const order = this.#order.of(
      bars.map((bar) => bar.series),
      (a, b) => value(b) - value(a),
      performance.now(),
    )
    const wanted = Math.min(order.length, this.#definition.limit ?? DEFAULT_LIMIT)
    // The last row says how many there is no room for.
    const cut = wanted > this.#room || order.length > wanted
    const shown = cut ? Math.min(wanted, Math.max(1, this.#room - 1)) : wanted
    const scale = largest(this.#definition, bars)
    fill(this.#list, shown, 'li')
    for (let i = 0; i < shown; i++) {
      const bar = values.get(order[i] as Series)
      if (bar !== undefined) this.#paintRow(this.#list.children[i] as HTMLElement, bar, scale)
    }
    const rest = order.length - shown + numbers.dropped
    if (this.#more !== null) setText(this.#more, rest > 0 ? `and ${rest} more` : '')
  }

  #paintRow(row: HTMLElement, { name, series, value }: Bar, scale: number): void {
    if (row.childElementCount === 0) {
      for (const part of ['reach', 'label', 'state', 'number']) {
        const span = document.createElement('span')
        span.className = part
        row.append(span)
      }
    }
    const [reach, label, state, number] = row.children as unknown as HTMLElement[]
    if (!reach || !label || !state || !number) return
    const unit = unitOf(this.#definition, series)
    setText(label, name)
    if (row.title !== name) row.title = name
    const text = formatFor(this.#definition, value, unit)
    setText(number, text.unit === '' ? text.value : `${text.value} ${text.unit}`)
    const share = scale > 0 ? Math.min(Math.max(Math.abs(value) / scale, 0), 1) : 0
    const width = `scaleX(${share.toFixed(3)})`
    if (reach.style.transform !== width) reach.style.transform = width
    const is = stateOf(value, this.#definition.thresholds)
    if (row.dataset.is !== (is ?? '')) row.dataset.is = is ?? ''
    const said = is === undefined || is === 'good' ? '' : STATES[is].shape
    setText(state, said)
    if (said !== '' && is !== undefined) state.title = STATES[is].word
  }

  destroy(): void {
    this.#stop.abort()
    this.#observer.disconnect()
  }
}

/** The bars with a value at the moment, in the order in which they turned up. */
export function barsOf(numbers: Numbers, definition: PanelDefinition, page: Page): Bar[] {
  const plain = new Set(numbers.series.map((s) => s.field)).size === 1
  const bars: Bar[] = []
  for (const series of numbers.series) {
    const value = shownValue(numbers, series, page)
    if (Number.isNaN(value)) continue
    bars.push({ name: nameOf(series, plain, definition), series, value })
  }
  return bars
}

function nameOf(series: Series, plain: boolean, definition: PanelDefinition): string {
  const text = fieldLabel(definition, series)
  if (series.key === undefined) return text
  const shown = labelFor(definition, series.key || '(none)', series.key)
  return plain ? shown : `${shown} ${text}`
}

/** What a full bar stands for. Shares are of the whole where they reach it. */
function largest({ max }: PanelDefinition, bars: readonly Bar[]): number {
  return Math.max(max ?? 0, ...bars.map(({ value }) => Math.abs(value)))
}

/** The bars as they are, the largest first, as a table. */
export function barsTwin(numbers: Numbers | undefined, definition: PanelDefinition, page: Page) {
  const bars = numbers === undefined ? [] : barsOf(numbers, definition, page)
  bars.sort((a, b) => b.value - a.value)
  const unit = unitOf(definition, bars[0]?.series)
  return {
    columns: [{ name: 'name' }, { name: definition.title ?? 'value', unit }],
    rows: bars.map(({ name, value }) => [name, value]),
  }
}
