/** What {@link drawSparkline} draws. */
export interface SparklineInput {
  /** Places on the x axis, rising. */
  readonly x: ArrayLike<number>
  /** Values; NaN and null are gaps. undefined is a place without a value, not a gap. */
  readonly y: ArrayLike<number | null | undefined>
  /** Size of the picture in the context's own units, such as CSS px. */
  readonly width: number
  readonly height: number
  /** Any colour that a canvas understands: no CSS variable. */
  readonly colour: string
  /** Where the picture begins and ends; by default with the first and last place. */
  readonly from?: number | undefined
  readonly to?: number | undefined
  /** The lowest and highest value there is room for; by default those that there are. If
   * both are given, what is beyond them is not to be seen. */
  readonly min?: number | undefined
  readonly max?: number | undefined
  /** What the area under the line is filled with; false is nothing, true (default) a
   * tint of the colour. */
  readonly area?: string | CanvasGradient | boolean | undefined
}

type Point = readonly [x: number, y: number]

/** Room for half a line and for the dot at the end. */
const EDGE = 3
const DOT = 2

/**
 * Draws a small chart without axes: the shape of a series' recent course, with a dot at
 * its newest value. It needs no framework and clears nothing.
 *
 * @example
 * context.clearRect(0, 0, 120, 40)
 * drawSparkline(context, { x, y, width: 120, height: 40, colour: 'teal' })
 */
export function drawSparkline(context: CanvasRenderingContext2D, input: SparklineInput): void {
  const { width, height, colour, area } = input
  const runs = runsOf(input)
  context.save()
  context.strokeStyle = colour
  context.fillStyle = colour
  context.lineWidth = 1.5
  context.lineJoin = 'round'
  context.lineCap = 'round'
  for (const [i, run] of runs.entries()) {
    const points = outline(run)
    const [first, last] = [points[0], points.at(-1)]
    if (first === undefined || last === undefined) continue
    context.beginPath()
    for (const [x, y] of points) context.lineTo(x, y)
    context.globalAlpha = 1
    context.stroke()
    if (area !== false && points.length > 1) {
      context.lineTo(last[0], height)
      context.lineTo(first[0], height)
      const tint = area === undefined || area === true
      context.globalAlpha = tint ? 0.12 : 1
      context.fillStyle = tint ? colour : area
      context.fill()
      context.fillStyle = colour
    }
    // A dot marks the newest value, and a value that stands alone.
    if (i < runs.length - 1 && run.length > 1) continue
    context.beginPath()
    context.arc(Math.min(last[0], width - DOT), last[1], DOT, 0, 2 * Math.PI)
    context.globalAlpha = 1
    context.fill()
  }
  context.restore()
}

/** The stretches without a gap, in the picture's coordinates. */
function runsOf({ x, y, width, height, ...input }: SparklineInput): Point[][] {
  let { min = Number.NaN, max = Number.NaN } = input
  if (Number.isNaN(min - max)) {
    const { low, high } = extent(y)
    min = Math.min(input.min ?? low, low)
    max = Math.max(input.max ?? high, high)
  }
  if (min === max) {
    // A value that never changes is a line in the middle.
    min -= 1
    max += 1
  }
  const from = input.from ?? x[0] ?? 0
  const span = (input.to ?? x[x.length - 1] ?? 0) - from || 1
  let run: Point[] = []
  const runs: Point[][] = []
  for (let i = 0; i < x.length; i++) {
    const v = y[i]
    if (v === undefined) continue
    if (v === null || Number.isNaN(v)) {
      run = []
      continue
    }
    if (run.length === 0) runs.push(run)
    const left = (((x[i] as number) - from) / span) * (width - EDGE)
    run.push([left, height - EDGE - ((v - min) / (max - min)) * (height - 2 * EDGE)])
  }
  return runs
}

function extent(values: ArrayLike<number | null | undefined>): { low: number; high: number } {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (let i = 0; i < values.length; i++) {
    const v = values[i]
    if (v == null || Number.isNaN(v)) continue
    if (v < low) low = v
    if (v > high) high = v
  }
  return { low, high }
}

/** The same picture with few points: of each pixel's width the lowest and the highest,
 * and the last point as it is. */
export function outline(points: readonly Point[]): readonly Point[] {
  const out: Point[] = []
  for (let i = 0; i < points.length; ) {
    let low = points[i] as Point
    let high = low
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
