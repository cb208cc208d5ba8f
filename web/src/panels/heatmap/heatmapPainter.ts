import type { PanelDefinition } from '../../dashboard/definition'
import type { Source } from '../../data/source'
import { formatClock, formatRound, formatText, type Unit } from '../../data/units'
import { Pace } from '../../paint/pace'
import { setText } from '../../paint/text'
import type { OwnedPainter } from '../../paint/usePainter'
import type { Span } from '../../time/timeline'
import { type Axis, instantAt, placeCross } from '../crosshair'
import { knownUntil, type Page, spanOf } from '../moment'
import { numbersOf, textFor } from '../numbers'
import { makePointable } from '../pointing'
import { Tip } from '../tip'
import { type Cells, cellsOf, rowText, unitsOf } from './cells'
import { Scale } from './scale'

const AXIS = 20
const MAX_LABEL = 120
const TICK = 90
const MIN_LABEL_ROW = 13

/** The distances that a time axis' ticks may have, in s. */
const TICKS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
]

/** Paints a heatmap. */
export class HeatmapPainter implements OwnedPainter {
  readonly every = 100
  readonly ages = true
  readonly #page: Page
  readonly #definition: PanelDefinition
  readonly #source: Source
  readonly #element: HTMLElement
  readonly #canvas: HTMLCanvasElement | null
  readonly #cross: HTMLElement | null
  readonly #tip: Tip | undefined
  readonly #stops: readonly string[]
  readonly #ink: string
  readonly #font: string
  readonly #pace = new Pace()
  readonly #stop = new AbortController()
  readonly #observer: ResizeObserver
  #size = { width: 0, height: 0 }
  #cells: Cells | undefined
  #left = 0
  #resized = 0
  #waiting = false
  #legend = ''

  constructor(element: HTMLElement, page: Page, definition: PanelDefinition, source: Source) {
    this.#page = page
    this.#definition = definition
    this.#source = source
    this.#element = element
    this.#canvas = element.querySelector('canvas')
    this.#cross = element.querySelector('.cross')
    const tip = element.querySelector<HTMLElement>('.tip')
    if (tip !== null) this.#tip = new Tip(tip)
    const style = getComputedStyle(element)
    this.#stops = ['--heat-0', '--heat-1', '--heat-2'].map((n) => style.getPropertyValue(n).trim())
    this.#ink = style.getPropertyValue('--ink-3').trim()
    this.#font = `11px ${style.fontFamily}`
    this.#observer = new ResizeObserver(([entry]) => {
      const { width = 0, height = 0 } = entry?.contentRect ?? {}
      this.#size = { width, height }
      this.#resized++
    })
    this.#observer.observe(element)
    this.#makePointable()
  }

  version(): unknown {
    return this.#waiting ? Number.NaN : this.#source.version + this.#resized * 1e-3
  }

  paint(): void {
    const numbers = numbersOf(this.#source)
    if (numbers === undefined || this.#size.width === 0 || numbers.series.length === 0) return
    const { timeline } = this.#page
    const span = spanOf(this.#definition, timeline)
    this.#waiting = !this.#pace.due(this.#size.width, span.to - span.from)
    if (!this.#waiting) {
      const live = timeline.mode.get().kind === 'live'
      const range = { ...span, live, known: knownUntil(this.#page) }
      const cells = cellsOf(numbers, this.#definition, range)
      this.#cells = cells
      const units = unitsOf(numbers, this.#definition, cells.histogram)
      this.#draw(cells, span, units.row, units.cell)
    }
    this.#paintCross(span)
  }

  #draw(cells: Cells, span: Span, rowUnit: Unit, cellUnit: Unit): void {
    const context = this.#canvas?.getContext('2d')
    if (!this.#canvas || !context) return
    const { width, height } = this.#size
    this.#canvas.width = Math.round(width * devicePixelRatio)
    this.#canvas.height = Math.round(height * devicePixelRatio)
    context.scale(devicePixelRatio, devicePixelRatio)
    context.font = this.#font
    context.fillStyle = this.#ink
    const labels = cells.rows.map(({ label, upper }) =>
      upper === undefined ? label : formatRound(upper, rowUnit),
    )
    const widest = Math.max(0, ...labels.map((label) => context.measureText(label).width))
    this.#left = Math.ceil(Math.min(widest, MAX_LABEL)) + 8
    this.#drawLabels(context, cells, labels)
    this.#drawTimes(context, span)
    const scale = new Scale(this.#stops, cells.histogram ? 0.5 : 1)
    this.#drawCells(context, cells, span, scale)
    this.#paintLegend(cells, scale, cellUnit)
  }

  /** The height of a row, and where the one at an index begins from the top. */
  #row(cells: Cells): number {
    return (this.#size.height - AXIS) / Math.max(cells.rows.length, 1)
  }

  #drawLabels(context: CanvasRenderingContext2D, cells: Cells, labels: readonly string[]): void {
    const row = this.#row(cells)
    const every = Math.ceil(MIN_LABEL_ROW / row)
    context.textAlign = 'right'
    context.textBaseline = 'middle'
    for (const [i, label] of labels.entries()) {
      if (i % every !== 0) continue
      // A bucket's bound is at its upper edge, a key is in the middle of its row.
      const edge = cells.histogram ? 0 : row / 2
      const y = this.#size.height - AXIS - (i + 1) * row + edge
      const text = fitted(context, label, MAX_LABEL)
      context.fillText(text, this.#left - 8, Math.max(y, 6))
    }
  }

  #drawTimes(context: CanvasRenderingContext2D, { from, to }: Span): void {
    const { width, height } = this.#size
    const area = width - this.#left
    const wanted = (to - from) / Math.max(1, area / TICK) / 1000
    const step = (TICKS.find((s) => s >= wanted) ?? 86_400) * 1000
    // Hours and days begin where the reader's clock says so.
    const zone = new Date(to).getTimezoneOffset() * 60_000
    context.textAlign = 'center'
    context.textBaseline = 'bottom'
    for (let at = Math.ceil((from - zone) / step) * step + zone; at < to; at += step) {
      const x = this.#left + ((at - from) / (to - from)) * area
      if (x < this.#left + 12 || x > width - 18) continue
      context.fillText(formatClock(at, at).replace(/:00$/, ''), x, height - 1)
    }
  }

  #drawCells(
    context: CanvasRenderingContext2D,
    cells: Cells,
    { from, to }: Span,
    scale: Scale,
  ): void {
    const area = this.#size.width - this.#left
    const row = this.#row(cells)
    const column = (cells.length / (to - from)) * area
    const gap = Math.min(1, column / 6)
    const { low, high } = boundsOf(cells, this.#definition)
    for (let i = 0; i < cells.rows.length; i++) {
      const y = this.#size.height - AXIS - (i + 1) * row
      for (let j = 0; j < cells.columns; j++) {
        const v = cells.values[i * cells.columns + j] as number
        if (Number.isNaN(v) || (cells.histogram && v === 0)) continue
        const x = this.#left + ((cells.start + j * cells.length - from) / (to - from)) * area
        const left = Math.max(x, this.#left)
        const right = Math.min(x + column - gap, this.#size.width)
        if (right <= left) continue
        context.fillStyle = scale.at(high > low ? (v - low) / (high - low) : 1)
        context.fillRect(left, y, right - left, Math.max(1, row - Math.min(1, row / 6)))
      }
    }
  }

  #paintLegend(cells: Cells, scale: Scale, unit: Unit): void {
    const { low, high } = boundsOf(cells, this.#definition)
    const texts = [low, high].map((n) => textFor(this.#definition, n, unit))
    const legend = texts.join()
    if (legend === this.#legend || !Number.isFinite(high)) return
    this.#legend = legend
    const panel = this.#element.closest('.panel')
    for (const [i, part] of ['.low', '.high'].entries()) {
      const element = panel?.querySelector(`.ramp ${part}`)
      if (element) setText(element, texts[i] ?? '')
    }
    const ramp = panel?.querySelector<HTMLCanvasElement>('.ramp canvas')
    const context = ramp?.getContext('2d')
    if (!ramp || !context) return
    ramp.width = scale.colours.length
    ramp.height = 1
    for (const [i, colour] of scale.colours.entries()) {
      context.fillStyle = colour
      context.fillRect(i, 0, 1, 1)
    }
  }

  #paintCross(span: Span): void {
    placeCross(this.#cross, this.#page.timeline.hover.get(), span, this.#axis)
  }

  /** It has no width before the first picture, whose labels decide where it begins. */
  get #axis(): Axis {
    const width = this.#left > 0 ? this.#size.width - this.#left : 0
    return { left: this.#left, width }
  }

  #makePointable(): void {
    const { timeline } = this.#page
    const { signal } = this.#stop
    const span = () => spanOf(this.#definition, timeline)
    const target = {
      element: this.#element,
      timeAt: (x: number) => instantAt(x, span(), this.#axis),
      step: (at = span().to, n: number) => at + n * (this.#cells?.length ?? 1000),
      describe: (at: number) => this.#describe(at),
      pointed: (x: number, y: number) => this.#pointed(x, y),
    }
    makePointable(target, timeline, signal)
    const forget = timeline.hover.subscribe(() => this.#paintCross(span()))
    signal.addEventListener('abort', forget)
  }

  #pointed(x: number, y: number): void {
    const cells = this.#cells
    const numbers = numbersOf(this.#source)
    const inside = x >= this.#left && y >= 0 && y <= this.#size.height - AXIS
    if (!inside || cells === undefined || numbers === undefined) {
      this.#tip?.hide()
      return
    }
    const { from, to } = spanOf(this.#definition, this.#page.timeline)
    const at = from + ((x - this.#left) / (this.#size.width - this.#left)) * (to - from)
    const i = Math.floor((this.#size.height - AXIS - y) / this.#row(cells))
    const begin = Math.floor(at / cells.length) * cells.length
    const value = valueAt(cells, i, begin)
    const units = unitsOf(numbers, this.#definition, cells.histogram)
    const said = value === undefined ? 'nothing' : formatText(value, units.cell)
    const text = `${formatClock(begin)} · ${rowText(cells, i, units.row)} · ${said}`
    this.#tip?.show(text, x, y, this.#size.width)
  }

  #describe(at: number): string {
    const cells = this.#cells
    const numbers = numbersOf(this.#source)
    if (cells === undefined || numbers === undefined) return ''
    const units = unitsOf(numbers, this.#definition, cells.histogram)
    const said = cells.rows.flatMap((_, i) => {
      const value = valueAt(cells, i, at)
      return value ? [`${rowText(cells, i, units.row)}: ${formatText(value, units.cell)}`] : []
    })
    return said.slice(0, 8).join(', ') || 'nothing'
  }

  destroy(): void {
    this.#stop.abort()
    this.#observer.disconnect()
  }
}

function valueAt(cells: Cells, row: number, at: number): number | undefined {
  const j = Math.floor((at - cells.start) / cells.length)
  if (j < 0 || j >= cells.columns || row < 0 || row >= cells.rows.length) return undefined
  const value = cells.values[row * cells.columns + j]
  return value === undefined || Number.isNaN(value) ? undefined : value
}

/** What the first and the last colour stand for. Counts begin at zero. */
function boundsOf({ min, max, histogram }: Cells, definition: PanelDefinition) {
  const low = definition.min ?? (histogram || min > 0 ? 0 : min)
  return { low, high: definition.max ?? max }
}

function fitted(context: CanvasRenderingContext2D, text: string, width: number): string {
  if (context.measureText(text).width <= width) return text
  let n = text.length
  while (n > 1 && context.measureText(`${text.slice(0, n)}…`).width > width) n--
  return `${text.slice(0, n)}…`
}
