import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react'
import { formatText } from '../components/format.js'
import { type PartProps, rootProps, UNSEEN } from '../components/part.js'
import type { EventSeriesResult } from '../react/useEventSeries.js'
import { ChartPainter, type ChartValues } from './chartPainter.js'
import { timeText } from './plotOptions.js'

/** Ms between two texts for those who don't see the picture. */
const SAY_EVERY = 5000

/** Colours where there is no stylesheet: Okabe and Ito's, told apart by all eyes. */
const COLOURS = ['#0b84c8', '#d98200', '#00966e', '#c4589b', '#d05a00', '#4b5fc0', '#777777']

const KEYS: Readonly<Record<string, number | 'start' | 'end' | null>> = {
  ArrowLeft: -1,
  ArrowRight: 1,
  PageUp: -10,
  PageDown: 10,
  Home: 'start',
  End: 'end',
  Escape: null,
}

/** What {@link LiveChart} takes. */
export interface LiveChartProps extends PartProps {
  /** What `useEventSeries` or `useStreamSeries` gives. Its `x` is in seconds since 1970,
   * unless `timeUnit` says otherwise. A value that is NaN is a gap. */
  readonly series: EventSeriesResult
  /** The names of the columns, in the order of `y`. Default: the keys of `y`. */
  readonly labels?: readonly string[]
  /** What the numbers are in, such as `%`, `ms`, `B/s`; `bytes` counts in KiB. Default: no
   * unit. */
  readonly unit?: string
  /** What the chart is called, for those who don't see it. Default "Chart". */
  readonly label?: string
  /** The height of the picture without the legend, in px or any CSS length. Default 200. */
  readonly height?: number | string
  /** What `x` is: seconds (default) or milliseconds since 1970, or any number. */
  readonly timeUnit?: 's' | 'ms' | 'none'
  /** The ends of the y axis. A value that lies beyond moves them. */
  readonly min?: number
  readonly max?: number
  /** Whether the area under a line that is alone is tinted. Default true. */
  readonly area?: boolean
  /** Charts with the same key share the instant that is pointed at. */
  readonly sync?: string
  /** Writes a value in the legend. Default: three significant digits and the unit. */
  readonly format?: ((value: number) => string) | undefined
}

/**
 * A chart over time that is kept up to date, drawn by uPlot on a canvas: at most once a
 * frame, only while it is in view, and without a render. The legend has the newest values,
 * or those that are pointed at; its buttons hide and show lines.
 *
 * With the focus, the arrow keys move the crosshair from value to value, Home and End go
 * to the ends, Escape takes it away.
 *
 * Needs `uplot` to be installed. It needs no stylesheet, neither uPlot's nor ours.
 *
 * @example
 * const cpu = useEventSeries<Cpu>('/v1/streams/host.cpu/events?since=5m', {
 *   points: 300,
 *   x: (e) => e.receivedAt / 1000,
 *   y: { user: (d) => d.user, system: (d) => d.system },
 * })
 * <LiveChart series={cpu} labels={['User', 'System']} unit="%" min={0} max={100} />
 */
export function LiveChart(props: LiveChartProps) {
  const { series, unit = '', label = 'Chart', height = 200, timeUnit = 's', format } = props
  const { min, max, area = true, sync } = props
  const { columns, subscribe } = series
  const count = Math.max(series.names.length, props.labels?.length ?? 0)
  const labels = Array.from({ length: count }, (_, i) => props.labels?.[i] ?? series.names[i] ?? '')
  const plot = useRef<HTMLDivElement>(null)
  const legend = useRef<HTMLUListElement>(null)
  const painter = useRef<ChartPainter>(undefined)
  const [hidden, hide] = useState<ReadonlySet<number>>(new Set())
  const [said, say] = useState('waiting for data')
  const [pointed, point] = useState('')
  const hint = useId()

  const write = format ?? ((v: number) => formatText(v, unit))
  const names = labels.join('\n')
  const tell = useRef({ write, names })
  useEffect(() => {
    tell.current = { write, names }
  })
  useEffect(() => {
    const [host, list] = [plot.current, legend.current]
    if (host === null || list === null) return
    const outputs = [...list.querySelectorAll('[data-sg="value"]')]
    const sentence = ({ y }: ChartValues) => {
      const all = tell.current.names.split('\n')
      return y.map((v, i) => `${all[i]} ${tell.current.write(v)}`).join(', ')
    }
    let saidAt = Number.NEGATIVE_INFINITY
    const onValues = (values: ChartValues) => {
      for (const [i, output] of outputs.entries()) {
        const text = tell.current.write(values.y[i] ?? Number.NaN)
        if (output.textContent !== text) output.textContent = text
      }
      const isKeyed = document.activeElement === host
      if (values.isPointed && isKeyed && values.x !== undefined) {
        const at = timeUnit === 'none' ? formatText(values.x) : timeText(msOf(values.x), true)
        point(`${at}: ${sentence(values)}`)
      }
      if (values.x === undefined || performance.now() - saidAt < SAY_EVERY) return
      saidAt = performance.now()
      if (!values.isPointed) say(sentence(values))
    }
    const msOf = (x: number) => (timeUnit === 's' ? x * 1000 : x)
    const options = { unit, timeUnit, min, max, area, sync, count, hidden }
    const made = new ChartPainter(host, list, { ...options, columns, subscribe, onValues })
    painter.current = made
    return () => made.destroy()
  }, [columns, subscribe, unit, timeUnit, min, max, area, sync, count, hidden])

  const onKeyDown = (event: KeyboardEvent) => {
    const to = KEYS[event.key]
    if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return
    painter.current?.point(to)
    event.preventDefault()
  }
  const toggle = (i: number) => {
    const next = new Set(hidden)
    if (!next.delete(i)) next.add(i)
    // Somebody who hides the last line wants to see the others.
    hide(next.size === count ? new Set() : next)
  }
  return (
    <figure
      aria-label={label}
      {...rootProps(props)}
      data-sg="live-chart"
      data-status={series.status}
      data-stale={series.isStale || undefined}
      style={{ margin: 0, ...props.style }}
    >
      <div
        role="img"
        aria-label={`${label}: ${said}`}
        aria-describedby={hint}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys move the crosshair
        tabIndex={0}
        data-sg="plot"
        ref={plot}
        style={{
          height,
          overflow: 'hidden',
          color: 'var(--sg-muted, currentColor)',
          columnRuleColor: 'var(--sg-grid, rgb(128 128 128 / 0.25))',
        }}
        onKeyDown={onKeyDown}
        onBlur={() => painter.current?.point(null)}
      />
      <span id={hint} hidden>
        Arrow keys read out values
      </span>
      <ul data-sg="legend" ref={legend}>
        {labels.map((name, i) => (
          <li key={name} data-hidden={hidden.has(i) || undefined}>
            <button type="button" aria-pressed={!hidden.has(i)} onClick={() => toggle(i)}>
              <svg
                data-sg="swatch"
                viewBox="0 0 14 8"
                width="14"
                height="8"
                aria-hidden="true"
                style={{ color: `var(--sg-series-${(i % 7) + 1}, ${COLOURS[i % 7]})` }}
              >
                <path d="M1 3h12v2h-12z" fill="currentColor" />
              </svg>{' '}
              <span data-sg="label">{name}</span>
            </button>{' '}
            <span data-sg="value">–</span>
          </li>
        ))}
      </ul>
      <div role="status" data-sg="chart-status" style={UNSEEN}>
        {pointed}
      </div>
    </figure>
  )
}
