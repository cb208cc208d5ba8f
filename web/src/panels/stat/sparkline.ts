import type { Unit } from '../../data/units'
import { Pace } from '../../paint/pace'
import { translucent } from '../../paint/palette'
import { type Bounds, niceRange } from '../../paint/range'
import type { Span } from '../../time/timeline'

type Point = [x: number, y: number]
type Numbers = ArrayLike<number>
type Values = ArrayLike<number | null | undefined>
type Scale = (n: number) => number

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
    if (context === null || this.#width < 2) return
    const scale = devicePixelRatio
    this.#canvas.width = Math.round(this.#width * scale)
    this.#canvas.height = Math.round(this.#height * scale)
    context.scale(scale, scale)
    context.strokeStyle = this.#colour
    context.lineWidth = 1.5
    context.lineJoin = 'round'
    const { low, high } = extent(times, values, span.from, unit, bounds)
    const x = (t: number) => ((t - span.from) / (span.to - span.from)) * (this.#width - 4)
    const y = (v: number) => this.#height - 2 - ((v - low) / (high - low)) * (this.#height - 5)
    const all = runs(times, values, x, y)
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
function runs(times: Numbers, values: Values, x: Scale, y: Scale): Point[][] {
  let run: Point[] = []
  const all = [run]
  for (let i = 0; i < times.length; i++) {
    const v = values[i]
    if (v === null && run.length > 0) {
      run = []
      all.push(run)
    } else if (v != null) run.push([x(times[i] as number), y(v)])
  }
  if (run.length === 0 && all.length > 1) all.pop()
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
