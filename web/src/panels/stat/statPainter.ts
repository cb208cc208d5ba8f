import type { Board } from '../../data/board'
import type { Series } from '../../data/numbers'
import type { Stream } from '../../data/stream'
import { formatNumber } from '../../data/units'
import { assignColours, colourOf } from '../../paint/palette'
import { setText } from '../../paint/text'
import type { OwnedPainter } from '../../paint/usePainter'
import { Sparkline } from './sparkline'

/** Paints a stat card. */
export class StatPainter implements OwnedPainter {
  readonly every = 100
  readonly ages = true
  readonly #board: Board
  readonly #stream: Stream
  readonly #series: Series | undefined
  readonly #value: Element | null
  readonly #unit: Element | null
  readonly #spark: Sparkline | undefined

  constructor(element: Element, board: Board, stream: Stream, series: Series | undefined) {
    this.#board = board
    this.#stream = stream
    this.#series = series
    this.#value = element.querySelector('.value')
    this.#unit = element.querySelector('.unit')
    const canvas = element.querySelector('canvas')
    const [slot = 0] = assignColours([series?.label.text || stream.name])
    if (canvas !== null) this.#spark = new Sparkline(canvas, colourOf(slot, element))
  }

  version(): unknown {
    return this.#stream.version + (this.#spark?.resized ?? 0) * 1e-3
  }

  paint(): void {
    const { content } = this.#stream
    const series = this.#series
    if (content?.kind !== 'numbers' || series === undefined) return
    const { value, unit } = formatNumber(content.columns.last(series.column), series.label.unit)
    if (this.#value !== null) setText(this.#value, value)
    if (this.#unit !== null) setText(this.#unit, unit)
    this.#spark?.draw(
      content.columns.times,
      content.columns.column(series.column),
      this.#board.span,
      series.label.unit,
    )
  }

  destroy(): void {
    this.#spark?.destroy()
  }
}
