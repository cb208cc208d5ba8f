import type uPlot from 'uplot'
import type { State, Threshold } from '../../dashboard/definition'
import { translucent } from '../../paint/palette'
import type { ChartInput } from './chartPainter'
import type { PlotData } from './plotData'

/** What a chart is drawn with. */
export interface Inks {
  readonly quiet: string
  readonly text: string
  /** Behind everything. */
  readonly card: string
  readonly font: string
  readonly states: Readonly<Record<State, string>>
  /** The colour of each line. */
  readonly series: readonly string[]
}

/** Distance of a hatch's lines, and of a mark's text from its line, in px. */
const HATCH = 6
const MARGIN = 4

/** Draws what lies behind the lines: thresholds, and times of which nothing is known. */
export function drawUnder(
  u: uPlot,
  inks: Inks,
  thresholds: readonly Threshold[] = [],
  gaps: readonly number[] = [],
): void {
  const { ctx } = u
  ctx.save()
  clip(u)
  for (const threshold of thresholds) drawThreshold(u, inks, threshold)
  for (let i = 0; i < gaps.length; i += 2) {
    const left = u.valToPos(gaps[i] as number, 'x', true)
    drawHatch(u, left, u.valToPos(gaps[i + 1] as number, 'x', true), inks.quiet)
  }
  ctx.restore()
}

function clip({ ctx, bbox }: uPlot): void {
  ctx.beginPath()
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height)
  ctx.clip()
}

/** A faint band from the threshold on, and its edge. */
function drawThreshold(u: uPlot, inks: Inks, { at, state, below }: Threshold): void {
  const { ctx, bbox } = u
  const y = Math.round(u.valToPos(at, 'y', true))
  const colour = inks.states[state]
  const end = below ? bbox.top + bbox.height : bbox.top
  if (state !== 'good') {
    ctx.fillStyle = translucent(colour, 0.07)
    ctx.fillRect(bbox.left, Math.min(y, end), bbox.width, Math.abs(end - y))
  }
  line(ctx, [bbox.left, y, bbox.left + bbox.width, y], translucent(colour, 0.75), [6, 4])
}

function line(
  ctx: CanvasRenderingContext2D,
  [x0, y0, x1, y1]: readonly [number, number, number, number],
  colour: string,
  dash: readonly number[],
): void {
  ctx.strokeStyle = colour
  ctx.lineWidth = devicePixelRatio
  ctx.setLineDash(dash.map((n) => n * devicePixelRatio))
  ctx.beginPath()
  ctx.moveTo(x0, y0)
  ctx.lineTo(x1, y1)
  ctx.stroke()
  ctx.setLineDash([])
}

function drawHatch({ ctx, bbox }: uPlot, left: number, right: number, ink: string): void {
  const from = Math.max(left, bbox.left)
  const to = Math.min(right, bbox.left + bbox.width)
  if (to - from < 1) return
  ctx.save()
  ctx.beginPath()
  ctx.rect(from, bbox.top, to - from, bbox.height)
  ctx.clip()
  ctx.strokeStyle = translucent(ink, 0.3)
  ctx.lineWidth = devicePixelRatio
  ctx.beginPath()
  const step = HATCH * devicePixelRatio
  // They begin at multiples of the step, so that they stand still as the gap moves.
  const begin = Math.floor((from - bbox.height) / step) * step
  for (let x = begin; x < to; x += step) {
    ctx.moveTo(x, bbox.top + bbox.height)
    ctx.lineTo(x + bbox.height, bbox.top)
  }
  ctx.stroke()
  ctx.restore()
}

/** Draws what lies upon the lines: windows that are not over yet, and marks. */
export function drawOver(u: uPlot, inks: Inks, input: ChartInput, data: PlotData): void {
  const { ctx } = u
  ctx.save()
  clip(u)
  const isBar = input.definition.style === 'bar'
  if (!Number.isNaN(data.tailAt)) {
    for (const i of input.order) {
      const tail = data.tails[i] as number
      // Of a stack that is not over yet its height says enough.
      const below = input.definition.stack && !isBar && i < input.lines.length - 1
      if (Number.isNaN(tail) || below) continue
      if (isBar) drawBar(u, data, tail, inks.series[i] ?? '', inks.card)
      else
        drawTail(u, data, i, tail, inks.series[i] ?? '', input.lines[i]?.series.additive ?? false)
    }
  }
  drawMarks(u, inks, input.marks())
  ctx.restore()
}

/** The way to the newest window as far as it has come: dashed, to a hollow point. */
function drawTail(
  u: uPlot,
  { times, columns, tailAt }: PlotData,
  i: number,
  tail: number,
  colour: string,
  additive: boolean,
): void {
  const { ctx } = u
  const column = columns[i] ?? []
  let last = times.length - 1
  while (last >= 0 && (column[last] === undefined || (times[last] as number) >= tailAt)) last--
  const [x, y] = [u.valToPos(tailAt, 'x', true), u.valToPos(tail, 'y', true)]
  const before = column[last]
  // A count that has only begun has not fallen: no line leads down to it.
  if (last >= 0 && typeof before === 'number' && !additive) {
    const from = [
      u.valToPos(times[last] as number, 'x', true),
      u.valToPos(before, 'y', true),
    ] as const
    line(ctx, [...from, x, y], translucent(colour, 0.8), [3, 3])
  }
  ctx.beginPath()
  ctx.arc(x, y, 2.5 * devicePixelRatio, 0, 2 * Math.PI)
  ctx.strokeStyle = colour
  ctx.lineWidth = devicePixelRatio
  ctx.stroke()
}

/** A window that is not over is a bar that is not full. */
function drawBar(
  u: uPlot,
  { tailAt, every }: PlotData,
  tail: number,
  colour: string,
  card: string,
): void {
  const { ctx } = u
  const left = u.valToPos(tailAt, 'x', true)
  const width = Math.min(
    (u.valToPos(tailAt + every, 'x', true) - left) * 0.8,
    40 * devicePixelRatio,
  )
  const [top, zero] = [u.valToPos(tail, 'y', true), u.valToPos(0, 'y', true)]
  ctx.fillStyle = card
  ctx.fillRect(left, top, width, zero - top)
  ctx.fillStyle = translucent(colour, 0.35)
  ctx.fillRect(left, top, width, zero - top)
  line(ctx, [left, top, left + width, top], colour, [])
}

/** Vertical lines with a text where there is room for it: the newest first. */
function drawMarks(u: uPlot, inks: Inks, marks: readonly { at: number; text: string }[]): void {
  const { ctx, bbox } = u
  ctx.font = inks.font.replace(/^\d+/, (px) => String(Number(px) * devicePixelRatio))
  ctx.textBaseline = 'top'
  ctx.textAlign = 'left'
  let free = bbox.left + bbox.width
  const { min = 0, max = 0 } = u.scales.x ?? {}
  for (let i = marks.length - 1; i >= 0; i--) {
    const { at, text } = marks[i] as { at: number; text: string }
    if (at < (min ?? 0) || at > (max ?? 0)) continue
    const x = Math.round(u.valToPos(at, 'x', true))
    line(ctx, [x, bbox.top, x, bbox.top + bbox.height], translucent(inks.quiet, 0.9), [2, 3])
    const margin = MARGIN * devicePixelRatio
    const width = ctx.measureText(text).width
    // To the right of the line if there is room, else to the left.
    const right = x + margin + width <= free
    if (!right && x - margin > free) continue
    const left = right ? x + margin : x - margin - width
    if (left < bbox.left) continue
    free = Math.min(x, left) - margin
    ctx.fillStyle = inks.text
    ctx.fillText(text, left, bbox.top + devicePixelRatio)
  }
}
