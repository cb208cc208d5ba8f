import uPlot from 'uplot'
import { formatNumber, formatText } from '../components/format.js'

/** Colours and letters of a chart, as the theme has them. */
export interface Inks {
  text: string
  grid: string
  font: string
  /** One for each column. */
  series: string[]
}

/** What of a chart's props uPlot has to know. */
export interface PlotInput {
  readonly count: number
  readonly inks: Inks
  readonly unit: string
  readonly timeUnit: 's' | 'ms' | 'none'
  readonly min: number | undefined
  readonly max: number | undefined
  readonly area: boolean
  readonly sync: string | undefined
}

const AXIS_WIDTH = 56
const AXIS_HEIGHT = 22

/** Distances of times on the x axis, in seconds: nobody reads half a second. */
const TIMES = [
  ...[1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200],
  ...[1, 2, 5, 10, 30, 90, 365].map((days) => days * 86_400),
]

/** Distances of grid lines for what is counted in powers of two. */
const BINARY = Array.from({ length: 60 }, (_, i) => 2 ** i)

/** How uPlot is to draw a chart: quiet axes, thin lines, a crosshair. What the theme
 * decides is asked for at each drawing. */
export function plotOptions(width: number, height: number, input: PlotInput): uPlot.Options {
  const { inks, unit, timeUnit, area, count } = input
  const axis: uPlot.Axis = {
    stroke: () => inks.text,
    font: inks.font,
    ticks: { show: false },
    grid: { stroke: () => inks.grid, width: 1 },
  }
  const series = Array.from({ length: count }, (_, i): uPlot.Series => {
    const stroke = () => inks.series[i] ?? inks.text
    return {
      stroke,
      width: 1.5,
      // Areas in front of each other are fog.
      ...(area && count === 1 ? { fill: () => translucent(stroke()) } : {}),
      points: { show: true, size: 4, width: 0, fill: stroke, filter: lonely },
    }
  })
  return {
    width,
    height,
    ms: timeUnit === 'ms' ? 1 : 1e-3,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: false, y: false, setScale: false },
      points: { size: 7, width: 1.5 },
      ...(input.sync === undefined ? {} : { sync: { key: input.sync, setSeries: false } }),
    },
    scales: {
      x: { time: timeUnit !== 'none' },
      y: { range: (_, low, high) => rangeOf(low, high, input) },
    },
    axes: [
      { ...axis, size: AXIS_HEIGHT, gap: 4, space: 72, grid: { show: false }, ...clock(timeUnit) },
      {
        ...axis,
        size: AXIS_WIDTH,
        gap: 6,
        space: 32,
        ...(unit === 'bytes' ? { incrs: BINARY } : {}),
        values: (_, splits) => splits.map((v) => label(v, unit)),
      },
    ],
    series: [{}, ...series],
  }
}

/** From zero on, where the values are not far above it, and with some air: an axis that
 * rarely changes. */
function rangeOf(
  low: number | null,
  high: number | null,
  { min, max }: PlotInput,
): [number, number] {
  const [from, to] = [Math.min(low ?? 0, min ?? low ?? 0), Math.max(high ?? 1, max ?? high ?? 1)]
  const soft = { pad: 0.1, soft: 0, mode: 3 } as const
  const nice = uPlot.rangeNum(from, to, { min: soft, max: soft })
  // A bound that was asked for holds unless a value lies beyond.
  const start = min !== undefined && from >= min ? min : (nice[0] ?? 0)
  const end = max !== undefined && to <= max ? max : (nice[1] ?? 1)
  return end > start ? [start, end] : [start, start + 1]
}

/** A round number, without the zeros that say nothing. */
function label(n: number, unit: string): string {
  const { value, unit: scaled } = formatNumber(n, unit)
  const short = value.includes('.') ? value.replace(/\.?0+$/, '') : value
  if (n === 0 || scaled === '') return short
  return `${short}\u202f${scaled}`
}

/** The time of day in 24 hours, as everywhere in logs; at midnight the day. */
function clock(timeUnit: PlotInput['timeUnit']): Partial<uPlot.Axis> {
  if (timeUnit === 'none') return { values: (_, splits) => splits.map((v) => formatText(v)) }
  const ms = timeUnit === 's' ? 1000 : 1
  return {
    incrs: TIMES.map((s) => (s * 1000) / ms),
    // What would be cut off at an edge says nothing.
    filter: (u, splits) => splits.map((at) => (fits(u, at) ? at : null)),
    values: (_, splits) => splits.map((at) => (at === null ? '' : timeText(at * ms))),
  }
}

/** Whether a label has room that is centred at that place. */
function fits(u: uPlot, at: number): boolean {
  const x = u.valToPos(at, 'x')
  return x > 8 && x < u.over.clientWidth - 20
}

/** The time of day of an instant, in epoch ms; seconds only where they say something. */
export function timeText(at: number, isLong = false): string {
  const d = new Date(at)
  const two = (n: number) => String(n).padStart(2, '0')
  const isDay = d.getHours() + d.getMinutes() + d.getSeconds() === 0
  if (isDay && !isLong) return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`
  const minutes = `${two(d.getHours())}:${two(d.getMinutes())}`
  return isLong || d.getSeconds() !== 0 ? `${minutes}:${two(d.getSeconds())}` : minutes
}

function translucent(colour: string): string {
  // What a browser computes is `rgb(…)`, `oklch(…)` and the like.
  return /^rgb\(/.test(colour)
    ? colour.replace('rgb(', 'rgba(').replace(')', ', 0.1)')
    : colour.replace(/\)$/, ' / 0.1)')
}

/** The values without a neighbour, which no line would show. */
function lonely(u: uPlot, series: number): number[] {
  const values = u.data[series] ?? []
  const found: number[] = []
  for (let i = 0; i < values.length; i++) {
    if (values[i] != null && values[i - 1] == null && values[i + 1] == null) found.push(i)
  }
  return found
}
