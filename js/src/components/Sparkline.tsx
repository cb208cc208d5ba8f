import { useEffect, useRef, useState } from 'react'
import { soon } from '../react/frame.js'
import type { EventSeriesResult } from '../react/useEventSeries.js'
import { drawSparkline } from './drawSparkline.js'
import { formatText } from './format.js'
import { type PartProps, rootProps } from './part.js'
import { watch } from './watch.js'

/** Ms between two texts for those who don't see the picture. */
const SAY_EVERY = 5000

/** What {@link Sparkline} takes. */
export interface SparklineProps extends PartProps {
  /** What `useEventSeries` or `useStreamSeries` gives. */
  readonly series: EventSeriesResult
  /** Which column is drawn: 1, the default, is the first of `y`. */
  readonly column?: number
  /** What is drawn, for those who don't see it, such as "CPU". */
  readonly label?: string
  /** The unit of the values, for the same. See {@link formatNumber}. */
  readonly unit?: string
  /** The lowest and highest value there is at least room for. Without them the picture
   * reaches from the lowest to the highest value there is. */
  readonly min?: number
  readonly max?: number
  /** In px, or any CSS length. Default 40. The width is that of what is around it. */
  readonly height?: number | string
  /** Whether the area under the line is tinted. Default true. */
  readonly area?: boolean
}

/**
 * A small chart without axes: the shape of a series' recent course. It draws on a canvas,
 * at most once a frame and only while it is in view; an event renders nothing.
 *
 * Its colour is the CSS `color`, by default `--sg-accent`.
 *
 * @example
 * <Sparkline series={cpu} label="CPU" unit="%" min={0} max={100} />
 */
export function Sparkline(props: SparklineProps) {
  const { series, column = 1, label, unit, min, max, height = 40, area } = props
  const { columns, subscribe } = series
  const ref = useRef<HTMLCanvasElement>(null)
  const [said, say] = useState('waiting for data')
  useEffect(() => {
    const canvas = ref.current
    if (canvas === null) return
    return animate(canvas, subscribe, (context, width, height, colour) => {
      const [x = [], ...ys] = columns()
      drawSparkline(context, {
        ...{ x, y: ys[column - 1] ?? [], width, height, colour, min, max, area },
      })
    })
  }, [columns, subscribe, column, min, max, area])
  useEffect(() => {
    const update = () => say(describe(columns()[column] ?? [], unit))
    let timer: ReturnType<typeof setTimeout> | undefined
    // The first value is said at once, the others when it is time.
    const unsubscribe = subscribe(() => {
      timer ??= setTimeout(() => {
        timer = undefined
        update()
      }, SAY_EVERY)
    })
    update()
    return () => {
      unsubscribe()
      clearTimeout(timer)
    }
  }, [columns, subscribe, column, unit])
  return (
    <canvas
      aria-label={label === undefined ? said : `${label}: ${said}`}
      {...rootProps(props)}
      ref={ref}
      role="img"
      data-sg="sparkline"
      data-status={series.status}
      data-stale={series.isStale || undefined}
      style={{
        display: 'block',
        width: '100%',
        height,
        color: 'var(--sg-sparkline, var(--sg-accent, currentColor))',
        ...props.style,
      }}
    />
  )
}

type Draw = (
  context: CanvasRenderingContext2D,
  width: number,
  height: number,
  colour: string,
) => void

/** Draws again whenever there is something new to see. */
function animate(
  canvas: HTMLCanvasElement,
  subscribe: EventSeriesResult['subscribe'],
  draw: Draw,
): () => void {
  const context = canvas.getContext('2d')
  if (context === null) return () => {}
  let cancel: (() => void) | undefined
  let [width, height, isShown] = [0, 0, true]
  let colour: string | undefined
  const paint = () => {
    cancel = undefined
    if (!isShown || width < 2 || height < 2) return
    const scale = devicePixelRatio || 1
    const [w, h] = [Math.round(width * scale), Math.round(height * scale)]
    // To set a size, even the same one, costs a new bitmap.
    if (canvas.width !== w) canvas.width = w
    if (canvas.height !== h) canvas.height = h
    colour ??= getComputedStyle(canvas).color
    context.setTransform(scale, 0, 0, scale, 0, 0)
    context.clearRect(0, 0, width, height)
    draw(context, width, height, colour)
  }
  const ask = () => {
    if (isShown) cancel ??= soon(paint, 'frame')
  }
  const unsubscribe = subscribe(ask)
  const unwatch = watch(canvas, {
    resized(w, h) {
      ;[width, height] = [w, h]
      colour = undefined
      ask()
    },
    themed() {
      colour = undefined
      ask()
    },
    shown(now) {
      isShown = now
      ask()
    },
  })
  ask()
  return () => {
    unsubscribe()
    unwatch()
    cancel?.()
  }
}

/** The last, lowest and highest value in words. */
function describe(values: ArrayLike<number>, unit: string | undefined): string {
  let [last, low, high] = [Number.NaN, Number.NaN, Number.NaN]
  for (let i = 0; i < values.length; i++) {
    const v = values[i] as number
    if (Number.isNaN(v)) continue
    last = v
    if (!(low <= v)) low = v
    if (!(high >= v)) high = v
  }
  if (Number.isNaN(last)) return 'waiting for data'
  const text = (n: number) => formatText(n, unit)
  return `last ${text(last)}, lowest ${text(low)}, highest ${text(high)}`
}
