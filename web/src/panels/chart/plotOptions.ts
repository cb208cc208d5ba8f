import uPlot from 'uplot'
import type { PanelDefinition } from '../../dashboard/definition'
import { formatRound } from '../../data/units'
import { COLOURS, colourOf, translucent } from '../../paint/palette'
import { niceRange, type Range } from '../../paint/range'
import { spanOf } from '../moment'
import type { ChartInput } from './chartPainter'
import { drawOver, drawUnder, type Inks } from './overlay'
import { lonely, type PlotColumn, type PlotData } from './plotData'

const AXIS_WIDTH = 58
const AXIS_HEIGHT = 22

/** Above so many lines an area is fog. */
const MAX_AREAS = 3

/** How uPlot is to draw a chart: quiet axes, thin lines, and a crosshair that the
 * page moves. */
export function plotOptions(host: HTMLElement, input: ChartInput, data: PlotData): uPlot.Options {
  const style = getComputedStyle(host)
  const ink = (name: string) => style.getPropertyValue(name).trim()
  const inks: Inks = {
    quiet: ink('--ink-3'),
    text: ink('--ink-2'),
    card: ink('--card'),
    font: `11px ${style.fontFamily}`,
    states: { good: ink('--good'), warn: ink('--warn'), bad: ink('--bad'), idle: ink('--ink-3') },
    series: input.slots.map((slot) => colourOf(slot, host)),
  }
  const y = { range: niceRange(Number.NaN, Number.NaN, input.unit) }
  return {
    width: host.clientWidth || 300,
    height: host.clientHeight || 120,
    ms: 1,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: cursorOptions(input.definition),
    scales: {
      x: {
        time: true,
        range: () => {
          const { from, to } = spanOf(input.definition, input.page.timeline)
          return [from, to]
        },
      },
      y: {
        range: (_, min, max) => {
          y.range = yRange(min, max, data.tails, input)
          return [y.range.low, y.range.high]
        },
      },
    },
    axes: axes(inks, ink('--grid'), input, y),
    series: [{}, ...input.order.map((i) => series(inks.series[i] ?? '', i, input, y))],
    bands: input.definition.stack && input.definition.style !== 'bar' ? bands(input, inks) : [],
    hooks: {
      drawAxes: [(u) => drawUnder(u, inks, input.definition.thresholds, data.gaps)],
      draw: [(u) => drawOver(u, inks, input, data)],
    },
  }
}

/** uPlot moves its cursor only as it is told: the page's moment is one for all. */
function cursorOptions({ style }: PanelDefinition): uPlot.Cursor {
  const deaf = () => null
  return {
    y: false,
    drag: { x: false, y: false, setScale: false },
    points: { size: 7, width: 1.5, show: style !== 'bar' },
    bind: { mousedown: deaf, mouseup: deaf, mousemove: deaf, mouseleave: deaf, dblclick: deaf },
    dataIdx: (u, i, closest, x) => lastUntil(u, i, closest, x),
  }
}

/** The newest value that is not later than the instant pointed at. */
function lastUntil(u: uPlot, series: number, closest: number, x: number): number | null {
  const [times] = u.data
  const values = u.data[series]
  let i = (times[closest] ?? Number.POSITIVE_INFINITY) > x ? closest - 1 : closest
  while (i >= 0 && values?.[i] === undefined) i--
  return i < 0 || values?.[i] == null ? null : i
}

function yRange(
  min: number | null,
  max: number | null,
  tails: readonly number[],
  { definition, unit }: ChartInput,
): Range {
  let [low, high] = [min ?? Number.POSITIVE_INFINITY, max ?? Number.NEGATIVE_INFINITY]
  for (const tail of tails) {
    if (tail < low) low = tail
    if (tail > high) high = tail
  }
  // What stands on the axis stands on zero.
  if (definition.stack || definition.style === 'bar') low = Math.min(low, 0)
  return niceRange(low, high, unit, definition)
}

function axes(inks: Inks, grid: string, input: ChartInput, y: { range: Range }): uPlot.Axis[] {
  const common = { stroke: inks.quiet, font: inks.font, ticks: { show: false } }
  return [
    {
      ...common,
      size: AXIS_HEIGHT,
      gap: 4,
      space: 72,
      grid: { show: false },
      filter: (u, splits) => splits.map((at) => (fits(u, at) ? at : null)),
      values: (_, splits) => splits.map((at) => (at === null ? '' : clock(at))),
    },
    {
      ...common,
      size: AXIS_WIDTH,
      gap: 6,
      grid: { stroke: grid, width: 1 },
      splits: () => splitsOf(y.range),
      values: (_, splits) => splits.map((v) => formatRound(v, input.unit)),
    },
  ]
}

function series(
  stroke: string,
  i: number,
  { definition, lines, slots }: ChartInput,
  y: { range: Range },
): uPlot.Series {
  if (definition.style === 'bar') return barSeries(stroke, definition)
  const area = definition.style === 'area' || (definition.style === undefined && lines.length === 1)
  // Without a zero an area means nothing. In a stack each has its own band.
  const filled = area && lines.length <= MAX_AREAS && (!definition.stack || i === 0)
  const strong = definition.style === 'area' ? 0.16 : 0.1
  return {
    stroke,
    // A line of a stack would lie on its neighbour's area, the total's even on zero.
    width: definition.stack ? 0 : 1.5,
    ...((slots[i] ?? 0) >= COLOURS ? { dash: [4, 3] } : {}),
    ...(definition.stack && i === 0 ? { fill: translucent(stroke, 0.6) } : {}),
    ...(filled && !definition.stack
      ? { fill: () => (y.range.low === 0 ? translucent(stroke, strong) : 'transparent') }
      : {}),
    points: {
      show: true,
      size: 4,
      fill: stroke,
      width: 0,
      filter: (u, j) => lonely((u.data[j] ?? []) as PlotColumn),
    },
  }
}

function barSeries(stroke: string, { stack }: PanelDefinition): uPlot.Series {
  const { bars } = uPlot.paths
  return {
    stroke,
    width: 0,
    fill: stack ? stroke : translucent(stroke, 0.75),
    points: { show: false },
    // A window's bar stands in its window, to the right of where that begins.
    ...(bars ? { paths: bars({ size: [0.8, 40, 1], align: 1 }) } : {}),
  }
}

const DAY = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short' })

/** Between each line of a stack and the one below it. */
function bands({ lines }: ChartInput, inks: Inks): uPlot.Band[] {
  return lines.slice(1).map((_, i) => ({
    series: [i + 2, i + 1],
    fill: translucent(inks.series[i + 1] ?? '', 0.6),
  }))
}

/** Whether a label centred at that time is not cut off at an edge of the chart. */
function fits(u: uPlot, at: number): boolean {
  const x = u.valToPos(at, 'x')
  return x > 12 && x < u.bbox.width / devicePixelRatio - 22
}

function splitsOf({ low, high, step }: Range): number[] {
  const n = Math.round((high - low) / step)
  return Array.from({ length: n + 1 }, (_, i) => low + i * step)
}

/** The time of day of an instant: seconds only where they say something, and at midnight
 * the day. */
function clock(at: number): string {
  const d = new Date(at)
  if (d.getHours() + d.getMinutes() + d.getSeconds() === 0) return DAY.format(d)
  const two = (n: number) => String(n).padStart(2, '0')
  const minutes = `${two(d.getHours())}:${two(d.getMinutes())}`
  return d.getSeconds() === 0 ? minutes : `${minutes}:${two(d.getSeconds())}`
}
