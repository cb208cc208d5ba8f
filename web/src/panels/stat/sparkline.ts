import { drawSparkline } from 'streamgauge/components'
import type { Unit } from '../../data/units'
import { Pace } from '../../paint/pace'
import { translucent } from '../../paint/palette'
import { type Bounds, niceRange } from '../../paint/range'
import type { Span } from '../../time/timeline'

type Numbers = ArrayLike<number>
type Values = ArrayLike<number | null | undefined>

/** A small chart without axes: the shape of a series' recent course. */
export class Sparkline {
  readonly #canvas: HTMLCanvasElement
  readonly #colour: string
  readonly #observer: ResizeObserver
  readonly #pace = new Pace()
  #resized = 0
  #waiting = false
  #width = 0
  #height = 0

  constructor(canvas: HTMLCanvasElement, colour: string) {
    this.#canvas = canvas
    this.#colour = colour
    this.#observer = new ResizeObserver(([entry]) => {
      if (entry === undefined) return
      this.#width = entry.contentRect.width
      this.#height = entry.contentRect.height
      this.#resized++
    })
    this.#observer.observe(canvas)
  }

  /** Rises when the canvas has another size, so that it must be drawn again. */
  get resized(): number {
    return this.#resized
  }

  /** Whether a picture is due that came too soon. */
  get waiting(): boolean {
    return this.#waiting
  }

  /** Whether to draw now. */
  due({ from, to }: Span): boolean {
    if (this.#width < 2 || this.#height < 2) return false
    const due = this.#pace.due(this.#width, to - from)
    this.#waiting = !due
    return due
  }

  /** Draws the values by time within the span; null is a gap. */
  draw(times: Numbers, values: Values, span: Span, unit: Unit, bounds?: Bounds): void {
    const context = this.#canvas.getContext('2d')
    const width = this.#width
    const height = this.#height
    if (context === null || width < 2) return
    const scale = devicePixelRatio
    this.#canvas.width = Math.round(width * scale)
    this.#canvas.height = Math.round(height * scale)
    context.scale(scale, scale)
    const area = context.createLinearGradient(0, 0, 0, height)
    area.addColorStop(0, translucent(this.#colour, 0.28))
    area.addColorStop(1, translucent(this.#colour, 0))
    const { low: min, high: max } = extent(times, values, span.from, unit, bounds)
    const picture = { x: times, y: values, width, height, colour: this.#colour, area }
    drawSparkline(context, { ...picture, ...span, min, max })
  }

  destroy(): void {
    this.#observer.disconnect()
  }
}

function extent(times: Numbers, values: Values, from: number, unit: Unit, bounds?: Bounds) {
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (let i = 0; i < times.length; i++) {
    const v = values[i]
    if (v == null || (times[i] as number) < from) continue
    if (v < min) min = v
    if (v > max) max = v
  }
  return niceRange(min, max, unit, bounds)
}
