import uPlot from 'uplot'
import { watch } from '../components/watch.js'
import { soon } from '../react/frame.js'
import type { EventSeriesResult } from '../react/useEventSeries.js'
import { type Inks, type PlotInput, plotOptions } from './plotOptions.js'

/** What a {@link ChartPainter} draws. */
export interface ChartInput extends Omit<PlotInput, 'inks'> {
  readonly columns: EventSeriesResult['columns']
  readonly subscribe: EventSeriesResult['subscribe']
  /** The columns that are not drawn, from 0. */
  readonly hidden: ReadonlySet<number>
  /** Says what the legend is to show: the values at an index, or the newest ones. */
  readonly onValues: (values: ChartValues) => void
}

/** The values of all columns at one place. */
export interface ChartValues {
  /** The place on the x axis; undefined if there is none yet. */
  readonly x: number | undefined
  /** A value that is missing is NaN. */
  readonly y: readonly number[]
  /** Whether somebody points at it. Else it is the newest. */
  readonly isPointed: boolean
}

/** Draws a chart outside of React, at most once a frame, and only while it is in view. */
export class ChartPainter {
  readonly #input: ChartInput
  readonly #host: HTMLElement
  readonly #legend: Element
  readonly #inks: Inks = { text: '', grid: '', font: '', series: [] }
  readonly #plot: uPlot
  readonly #stops: (() => void)[]
  #cancel: (() => void) | undefined
  #isShown = true
  #isThemed = false

  /**
   * @param host what it is drawn in
   * @param legend has an element with `data-sg="swatch"` for each column: its CSS `color`
   *   is that of the line, whatever it was written as
   */
  constructor(host: HTMLElement, legend: Element, input: ChartInput) {
    this.#input = input
    this.#host = host
    this.#legend = legend
    this.#readTheme()
    const size = [host.clientWidth || 300, host.clientHeight || 150] as const
    const options = plotOptions(...size, { ...input, inks: this.#inks })
    this.#plot = new uPlot(options, this.#data(), host)
    layOut(this.#plot.root)
    for (const i of input.hidden) this.#plot.setSeries(i + 1, { show: false })
    this.#plot.hooks.setCursor = [() => this.#tell()]
    this.#stops = [
      input.subscribe(() => this.#ask()),
      watch(host, {
        resized: (width, height) => {
          if (width > 1 && height > 1) this.#plot.setSize({ width, height })
        },
        themed: () => {
          this.#isThemed = true
          this.#ask()
        },
        shown: (isShown) => {
          this.#isShown = isShown
          this.#ask()
        },
      }),
    ]
    this.#tell()
  }

  destroy(): void {
    for (const stop of this.#stops) stop()
    this.#cancel?.()
    this.#plot.destroy()
  }

  /** Moves the crosshair by so many points, or to an end; `null` takes it away. */
  point(to: number | 'start' | 'end' | null): void {
    const { data, cursor } = this.#plot
    const count = data[0].length
    if (to === null || count === 0) {
      this.#plot.setCursor({ left: -10, top: -10 })
      return
    }
    const at = cursor.idx ?? count
    const index = to === 'start' ? 0 : to === 'end' ? count - 1 : at + to
    const x = data[0][Math.max(0, Math.min(index, count - 1))] ?? 0
    this.#plot.setCursor({ left: this.#plot.valToPos(x, 'x'), top: 0 })
  }

  #ask(): void {
    if (this.#isShown) this.#cancel ??= soon(() => this.#paint(), 'frame')
  }

  #paint(): void {
    this.#cancel = undefined
    if (this.#isThemed) this.#readTheme()
    this.#isThemed = false
    this.#plot.setData(this.#data())
    this.#tell()
  }

  /** A gap is null to uPlot, and NaN to us. */
  #data(): uPlot.AlignedData {
    const [x, ...ys] = this.#input.columns()
    const columns = ys.slice(0, this.#input.count)
    const gapped = columns.map((y) => Array.from(y, (v) => (Number.isNaN(v) ? null : v)))
    // A copy, as the columns go on changing while it is drawn.
    return [Float64Array.from(x ?? []), ...gapped]
  }

  #tell(): void {
    const { data, cursor, over } = this.#plot
    const [x, ...ys] = data
    const pointed = (cursor.left ?? -1) >= 0 ? cursor.idx : undefined
    // A crosshair that points at nothing stands outside.
    over.style.overflow = pointed == null ? 'hidden' : 'visible'
    this.#input.onValues({
      x: x[pointed ?? x.length - 1],
      y: ys.map((y) => (pointed == null ? newest(y) : (y[pointed] ?? Number.NaN))),
      isPointed: pointed != null,
    })
  }

  #readTheme(): void {
    const style = getComputedStyle(this.#host)
    this.#inks.text = style.color
    // Nothing here has columns: it is the place where a second colour is resolved.
    this.#inks.grid = style.columnRuleColor
    this.#inks.font = `11px ${style.fontFamily}`
    const swatches = this.#legend.querySelectorAll('[data-sg="swatch"]')
    this.#inks.series = Array.from(swatches, (swatch) => getComputedStyle(swatch).color)
  }
}

function newest(values: ArrayLike<number | null | undefined>): number {
  for (let i = values.length - 1; i >= 0; i--) {
    const v = values[i]
    if (v != null) return v
  }
  return Number.NaN
}

/** What of uPlot's stylesheet a chart can't do without, so that nobody has to load it. */
function layOut(root: HTMLElement): void {
  const set = (selector: string, style: Partial<CSSStyleDeclaration>) => {
    for (const found of root.querySelectorAll<HTMLElement>(selector)) {
      Object.assign(found.style, style)
    }
  }
  root.style.width = 'min-content'
  const pinned = { position: 'absolute', left: '0', top: '0', pointerEvents: 'none' }
  set('.u-wrap', { position: 'relative', userSelect: 'none' })
  set('.u-over, .u-under, .u-axis', { position: 'absolute', boxSizing: 'border-box' })
  set('.u-under', { overflow: 'hidden' })
  set('canvas', { display: 'block', position: 'relative', width: '100%', height: '100%' })
  set('.u-select', { display: 'none' })
  set('.u-cursor-y', { display: 'none' })
  set('.u-cursor-x', { ...pinned, height: '100%', borderRight: '1px solid', opacity: '0.4' })
  set('.u-cursor-pt', { ...pinned, borderRadius: '50%', borderStyle: 'solid' })
}
