import { GAP } from '../../data/columns'
import type { Unit } from '../../data/units'
import { Pace } from '../../paint/pace'
import { translucent } from '../../paint/palette'
import { niceRange } from '../../paint/range'

type Point = [x: number, y: number]

/** A small chart without axes: the shape of a series' recent course. */
export class Sparkline {
  readonly #canvas: HTMLCanvasElement
  readonly #colour: string
  readonly #observer: ResizeObserver
  readonly #pace = new Pace()
  #resized = 0
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

  /** Draws the values by time within the span, if that is due. */
  draw(
    times: Float64Array,
    values: Float64Array,
    span: { from: number; to: number },
    unit: Unit,
  ): void {
    const context = this.#canvas.getContext('2d')
    if (context === null || this.#width === 0) return
    if (!this.#pace.due(this.#width, span.to - span.from)) return
    const scale = devicePixelRatio
    this.#canvas.width = Math.round(this.#width * scale)
    this.#canvas.height = Math.round(this.#height * scale)
    context.scale(scale, scale)
    context.strokeStyle = this.#colour
    context.lineWidth = 1.5
    context.lineJoin = 'round'
    const { low, high } = extent(times, values, span.from, unit)
    const x = (t: number) => ((t - span.from) / (span.to - span.from)) * (this.#width - 4)
    const y = (v: number) => this.#height - 2 - ((v - low) / (high - low)) * (this.#height - 5)
    const all = runs(times, values).map((run) => run.map(([t, v]): Point => [x(t), y(v)]))
    for (const [i, run] of all.entries()) {
      this.#area(context, outline(run))
      const last = run.at(-1)
      // A dot marks the newest value, and a value that stands alone.
      if (last !== undefined && (i === all.length - 1 || run.length === 1)) {
        context.beginPath()
        context.arc(last[0], last[1], 2, 0, 2 * Math.PI)
        context.fillStyle = this.#colour
        context.fill()
      }
    }
  }

  #area(context: CanvasRenderingContext2D, points: readonly Point[]): void {
    const first = points[0]
    const last = points.at(-1)
    if (first === undefined || last === undefined) return
    const line = new Path2D()
    for (const [x, y] of points) line.lineTo(x, y)
    context.stroke(line)
    line.lineTo(last[0], this.#height)
    line.lineTo(first[0], this.#height)
    const fade = context.createLinearGradient(0, 0, 0, this.#height)
    fade.addColorStop(0, translucent(this.#colour, 0.28))
    fade.addColorStop(1, translucent(this.#colour, 0))
    context.fillStyle = fade
    context.fill(line)
  }

  destroy(): void {
    this.#observer.disconnect()
  }
}

/** The stretches without a gap. */
function runs(times: Float64Array, values: Float64Array): [number, number][][] {
  const all: [number, number][][] = [[]]
  for (let i = 0; i < times.length; i++) {
    const v = values[i] as number
    if (v === GAP) all.push([])
    else if (!Number.isNaN(v)) all.at(-1)?.push([times[i] as number, v])
  }
  return all
}

/** The same picture with few points: of each pixel's width the lowest and the
 * highest, and the last point as it is. */
export function outline(points: readonly Point[]): Point[] {
  const out: Point[] = []
  for (let i = 0; i < points.length; ) {
    let [low, high] = [points[i] as Point, points[i] as Point]
    const column = Math.floor(low[0])
    for (; i < points.length && Math.floor((points[i] as Point)[0]) === column; i++) {
      const point = points[i] as Point
      if (point[1] < low[1]) low = point
      if (point[1] > high[1]) high = point
    }
    const [first, second] = low[0] <= high[0] ? [low, high] : [high, low]
    out.push(first)
    if (second !== first) out.push(second)
  }
  const last = points.at(-1)
  if (last !== undefined && out.at(-1) !== last) out.push(last)
  return out
}

function extent(times: Float64Array, values: Float64Array, from: number, unit: Unit) {
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (let i = 0; i < times.length; i++) {
    const v = values[i] as number
    if ((times[i] as number) < from || !Number.isFinite(v)) continue
    if (v < min) min = v
    if (v > max) max = v
  }
  return niceRange(min, max, unit)
}
