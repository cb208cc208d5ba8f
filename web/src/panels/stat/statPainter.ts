import type { PanelDefinition } from '../../dashboard/definition'
import type { Numbers, Series } from '../../data/numbers'
import type { Source } from '../../data/source'
import { formatAge } from '../../data/units'
import { colourOf } from '../../paint/palette'
import { setText } from '../../paint/text'
import type { OwnedPainter } from '../../paint/usePainter'
import type { Span } from '../../time/timeline'
import { PlotData } from '../chart/plotData'
import { knownUntil, type Page, shownValue, spanOf } from '../moment'
import { formatFor, numbersOf, seriesOf, unitOf } from '../numbers'
import { paintState } from '../state'
import { Sparkline } from './sparkline'

/** A value can be compared with an earlier one if that lies at the beginning of the
 * picture: within this share of it. */
const BEGINNING = 0.15

/** Paints a stat card. */
export class StatPainter implements OwnedPainter {
  readonly every = 100
  readonly ages = true
  readonly #page: Page
  readonly #definition: PanelDefinition
  readonly #source: Source
  readonly #element: HTMLElement
  readonly #parts: Record<'value' | 'unit' | 'state' | 'delta', Element | null>
  readonly #data = new PlotData()
  readonly #spark: Sparkline | undefined
  #chars = 0

  constructor(element: HTMLElement, page: Page, definition: PanelDefinition, source: Source) {
    this.#page = page
    this.#definition = definition
    this.#source = source
    this.#element = element
    this.#parts = {
      value: element.querySelector('.value'),
      unit: element.querySelector('.unit'),
      state: element.querySelector('.state'),
      delta: element.querySelector('.delta'),
    }
    const canvas = element.querySelector('canvas')
    if (canvas !== null) this.#spark = new Sparkline(canvas, colourOf(0, element))
  }

  version(): unknown {
    if (this.#spark?.waiting) return Number.NaN
    return this.#source.version + (this.#spark?.resized ?? 0) * 1e-3
  }

  paint(): void {
    const numbers = numbersOf(this.#source)
    const series = seriesOf(this.#definition, this.#source)
    if (numbers === undefined || series === undefined) return
    const unit = unitOf(this.#definition, series)
    const span = spanOf(this.#definition, this.#page.timeline)
    const n = shownValue(numbers, series, this.#page)
    const text = formatFor(this.#definition, n, unit)
    this.#set('value', text.value)
    this.#set('unit', text.unit)
    this.#fit(text.value.length + 0.6 * text.unit.length)
    paintState(this.#element, this.#parts.state, n, this.#definition.thresholds)
    this.#paintDelta(n, this.#before(numbers, series, span), span, unit)
    if (this.#spark?.due(span)) this.#drawSpark(numbers, series, span, unit, this.#spark)
  }

  #drawSpark(numbers: Numbers, series: Series, span: Span, unit: string, spark: Sparkline): void {
    const live = this.#page.timeline.mode.get().kind === 'live'
    const range = { ...span, live, known: knownUntil(this.#page) }
    this.#data.fill(numbers, [{ name: '', series }], range)
    const { times, columns } = this.#data
    spark.draw(times, columns[0] ?? [], span, unit, this.#definition)
  }

  /** Long values are written smaller, never cut. */
  #fit(chars: number): void {
    const fitted = Math.max(4, Math.ceil(chars))
    if (fitted === this.#chars) return
    this.#chars = fitted
    this.#element.style.setProperty('--chars', String(fitted))
  }

  /** The value at the beginning of the picture, or NaN if there was none yet. */
  #before({ columns }: Numbers, { column }: Series, { from, to }: Span): number {
    const row = columns.numberUntil(column, from + BEGINNING * (to - from))
    const window = this.#definition.window ?? this.#page.timeline.window.get()
    // The picture of a new page begins where its data does: that is no history. And
    // what has not been heard of since then can't be compared with itself.
    if (row < 0 || to - from < window * (1 - BEGINNING)) return Number.NaN
    if (this.#source.lastAt < from) return Number.NaN
    return columns.timeAt(row) < from - (to - from) ? Number.NaN : columns.valueAt(column, row)
  }

  /** How the value differs from what it was where the picture begins. */
  #paintDelta(now: number, then: number, { from, to }: Span, unit: string): void {
    const text = deltaText(now, then, unit)
    this.#set('delta', text === '' ? '' : `${text} in ${formatAge(to - from)}`)
  }

  #set(part: 'value' | 'unit' | 'delta', text: string): void {
    const element = this.#parts[part]
    if (element !== null) setText(element, text)
  }

  destroy(): void {
    this.#spark?.destroy()
  }
}

/** A difference with arrow and sign: shares by their points, all else relatively. */
export function deltaText(now: number, then: number, unit: string): string {
  const difference = now - then
  if (!Number.isFinite(difference)) return ''
  const share = unit === 'percent' || unit === 'ratio'
  const relative = then === 0 ? Number.NaN : (100 * difference) / Math.abs(then)
  const size = share ? Math.abs(difference) * (unit === 'ratio' ? 100 : 1) : Math.abs(relative)
  if (!Number.isFinite(size) || size > 999) return ''
  const points = share ? 'pt' : '%'
  if (size < (share ? 0.05 : 0.5)) return `→ ±0 ${points}`
  const sign = difference > 0 ? '↗ +' : '↘ −'
  return `${sign}${size.toFixed(share && size < 10 ? 1 : 0)} ${points}`
}
