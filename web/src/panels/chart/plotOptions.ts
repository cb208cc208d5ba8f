import type uPlot from 'uplot'
import { formatRound } from '../../data/units'
import { COLOURS, colourOf, translucent } from '../../paint/palette'
import { niceRange, type Range } from '../../paint/range'
import type { ChartInput } from './chartPainter'
import { lonely, type PlotColumn } from './lines'

/** All charts of the page share one crosshair. */
const SYNC = 'streamgauge'

const AXIS_WIDTH = 58
const AXIS_HEIGHT = 22

/** How uPlot is to draw a chart: quiet axes, thin lines, no interaction but a
 * crosshair. `onCursor` runs when that moves. */
export function plotOptions(
  host: HTMLElement,
  input: ChartInput,
  onCursor: () => void,
): uPlot.Options {
  const style = getComputedStyle(host)
  const ink = style.getPropertyValue('--ink-3').trim()
  const grid = style.getPropertyValue('--grid').trim()
  const font = `11px ${style.fontFamily}`
  let range: Range = niceRange(Number.NaN, Number.NaN, input.unit)
  return {
    width: host.clientWidth || 300,
    height: host.clientHeight || 120,
    ms: 1,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      sync: { key: SYNC, scales: ['x', null] },
      drag: { x: false, y: false, setScale: false },
      points: { size: 7, width: 1.5 },
    },
    scales: {
      x: { time: true, range: () => [input.board.span.from, input.board.span.to] },
      y: {
        range: (_, min, max) => {
          range = niceRange(min ?? Number.NaN, max ?? Number.NaN, input.unit)
          return [range.low, range.high]
        },
      },
    },
    axes: [
      {
        stroke: ink,
        font,
        size: AXIS_HEIGHT,
        gap: 4,
        space: 96,
        grid: { show: false },
        ticks: { show: false },
        filter: (u, splits) => splits.map((at) => (fits(u, at) ? at : null)),
        values: (_, splits) => splits.map((at) => (at === null ? '' : clock(at))),
      },
      {
        stroke: ink,
        font,
        size: AXIS_WIDTH,
        gap: 6,
        grid: { stroke: grid, width: 1 },
        ticks: { show: false },
        splits: () => splitsOf(range),
        values: (_, splits) => splits.map((v) => formatRound(v, input.unit)),
      },
    ],
    series: [
      {},
      ...input.slots.map((slot, i) => {
        // Under many lines an area is fog, and without a zero it means nothing.
        const area = input.lines.length <= 3 && i === 0 ? () => range.low === 0 : undefined
        return series(host, slot, area)
      }),
    ],
    hooks: { setCursor: [onCursor] },
  }
}

function series(host: HTMLElement, slot: number, area?: () => boolean): uPlot.Series {
  const stroke = colourOf(slot, host)
  return {
    stroke,
    width: 1.5,
    ...(slot >= COLOURS ? { dash: [4, 3] } : {}),
    ...(area ? { fill: () => (area() ? translucent(stroke, 0.1) : 'transparent') } : {}),
    points: {
      show: true,
      size: 4,
      fill: stroke,
      width: 0,
      filter: (u, i) => lonely((u.data[i] ?? []) as PlotColumn),
    },
  }
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

/** The time of day of an instant: seconds only where they say something. */
function clock(at: number): string {
  const d = new Date(at)
  const two = (n: number) => String(n).padStart(2, '0')
  const minutes = `${two(d.getHours())}:${two(d.getMinutes())}`
  return d.getSeconds() === 0 ? minutes : `${minutes}:${two(d.getSeconds())}`
}
