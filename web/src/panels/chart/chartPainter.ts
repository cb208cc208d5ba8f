import uPlot from 'uplot'
import type { Board } from '../../data/board'
import type { Stream } from '../../data/stream'
import { formatNumber, formatText, type Unit } from '../../data/units'
import { Pace } from '../../paint/pace'
import { setText } from '../../paint/text'
import type { OwnedPainter } from '../../paint/usePainter'
import { type Line, plotData } from './lines'
import { plotOptions } from './plotOptions'

/** What a {@link ChartPainter} draws. */
export interface ChartInput {
  readonly board: Board
  readonly stream: Stream
  readonly lines: readonly Line[]
  /** The colour slot of each line. */
  readonly slots: readonly number[]
  readonly unit: Unit
}

const SUMMARY_EVERY = 5000

/** Paints a chart and the values of its legend. */
export class ChartPainter implements OwnedPainter {
  readonly every = 100
  readonly ages = true
  readonly #input: ChartInput
  readonly #host: HTMLElement
  readonly #outputs: { value: Element; unit: Element }[]
  readonly #plot: uPlot
  readonly #observer: ResizeObserver
  readonly #pace = new Pace()
  #resized = 0
  #summarised = Number.NEGATIVE_INFINITY

  constructor(element: Element, input: ChartInput) {
    this.#input = input
    const host = element.querySelector<HTMLElement>('.plot')
    if (host === null) throw new Error('a chart needs a .plot')
    this.#host = host
    this.#outputs = [...element.querySelectorAll('.legend .number')].flatMap((output) => {
      const [value, unit] = output.children
      return value && unit ? [{ value, unit }] : []
    })
    const options = plotOptions(host, input, () => this.#paintLegend())
    this.#plot = new uPlot(options, [[], ...input.lines.map(() => [])], host)
    this.#observer = new ResizeObserver(() => {
      this.#plot.setSize({ width: host.clientWidth, height: host.clientHeight })
      this.#resized++
    })
    this.#observer.observe(host)
  }

  version(): unknown {
    return this.#input.stream.version + this.#resized * 1e-3
  }

  paint(): void {
    const { board, stream, lines } = this.#input
    if (stream.content?.kind !== 'numbers') return
    const { from, to } = board.span
    if (this.#pace.due(this.#plot.width, to - from)) {
      this.#plot.setData(plotData(stream.content.columns, lines, from) as uPlot.AlignedData)
      this.#host.toggleAttribute('data-idle', stream.lastAt < from)
    }
    this.#paintLegend()
    this.#summarise()
  }

  /** The legend shows the newest values, or those under the cursor. */
  #paintLegend(): void {
    const { stream, lines, unit } = this.#input
    if (stream.content?.kind !== 'numbers') return
    const { idxs, left = -1 } = this.#plot.cursor
    for (const [i, { series }] of lines.entries()) {
      const index = left >= 0 ? idxs?.[i + 1] : undefined
      const pointed = index == null ? undefined : this.#plot.data[i + 1]?.[index]
      const n = left >= 0 ? (pointed ?? Number.NaN) : stream.content.columns.last(series.column)
      const text = formatNumber(n, unit)
      const output = this.#outputs[i]
      if (output === undefined) continue
      setText(output.value, text.value)
      setText(output.unit, text.unit)
    }
  }

  /** What the picture says, in words, for those who don't see it. */
  #summarise(): void {
    const now = performance.now()
    if (now - this.#summarised < SUMMARY_EVERY) return
    this.#summarised = now
    const { board, stream, lines, unit } = this.#input
    if (stream.content?.kind !== 'numbers') return
    const { columns } = stream.content
    const seconds = Math.round((board.span.to - board.span.from) / 1000)
    const parts = lines
      .slice(0, 8)
      .map(({ name, series }) => `${name} ${formatText(columns.last(series.column), unit)}`)
    const text = `${stream.name}, the last ${seconds} seconds as lines. Now: ${parts.join(', ')}.`
    this.#host.setAttribute('aria-label', text)
  }

  destroy(): void {
    this.#observer.disconnect()
    this.#plot.destroy()
  }
}
