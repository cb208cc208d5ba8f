import { useMemo } from 'react'
import type { StreamEvent } from '../stream/subscription.js'
import { type Fold, type Standing, Store } from './store.js'
import { type HookOptions, useAddress } from './useEventStream.js'
import { type Feed, useStore } from './useStore.js'

/** What {@link useEventSeries} takes. */
export interface EventSeriesOptions<T> extends HookOptions<T> {
  /** How many points are kept, the newest. */
  readonly points: number
  /** An event's place on the x axis, such as a time. */
  readonly x: (event: StreamEvent<T>) => number
  /** The columns, and an event's value in each; null is none. */
  readonly y: Readonly<Record<string, (data: T) => number | null | undefined>>
}

/** What {@link useEventSeries} gives: columns that change outside of React. */
export interface EventSeriesResult extends Standing {
  /**
   * The columns as they are now: x, then those of `y` in their order, all of the same
   * length, at most `points`. A value that is missing is NaN. They are views of what is
   * written to: valid until the next event.
   */
  readonly columns: () => readonly Float64Array[]
  /** What the columns after x are called: the keys of `y`. */
  readonly names: readonly string[]
  /** Calls at most once a frame, when there is something new. Returns what ends that. */
  readonly subscribe: (listener: () => void) => () => void
  readonly reconnect: () => void
}

/**
 * Columns of numbers for a chart on a canvas. An event renders nothing.
 *
 * @example
 * // With history, x is a time of the event's own: what is replayed is received at once.
 * const cpu = useEventSeries<Envelope<Cpu>>('/v1/events?stream=host.cpu&since=5m', {
 *   points: 300,
 *   x: (e) => Date.parse(e.data.time) / 1000,
 *   y: { user: (e) => e.data.user, system: (e) => e.data.system },
 * })
 * useEffect(() => cpu.subscribe(() => plot.setData(cpu.columns())), [cpu])
 */
export function useEventSeries<T = unknown>(
  url: string | URL | null | undefined,
  options: EventSeriesOptions<T>,
): EventSeriesResult {
  return useSeries(useAddress<T, EventSeriesOptions<T>>(url, options), options)
}

/** A store that has nothing to render, and its columns. */
function newSeries<T>(
  { open, latest }: Feed<T, EventSeriesOptions<T>>,
  { points, y: columns }: EventSeriesOptions<T>,
) {
  const names = Object.keys(columns)
  // Twice as long as what is shown, so that it is moved once in so many events.
  const rings = ['', ...names].map(() => new Float64Array(2 * points))
  let end = 0
  const fold: Fold<T, null> = {
    add(event, isOther) {
      const { x, y } = latest.current
      if (isOther) end = 0
      if (end === 2 * points) {
        for (const ring of rings) ring.copyWithin(0, points)
        end = points
      }
      const row = [x(event), ...names.map((name) => y[name]?.(event.data))]
      for (const [i, ring] of rings.entries()) ring[end] = row[i] ?? Number.NaN
      end++
    },
    cumulative: true,
    view: () => null,
  }
  return {
    store: new Store(open, fold, latest),
    names,
    columns: () => rings.map((ring) => ring.subarray(Math.max(0, end - points), end)),
  }
}

/** Columns of numbers of a stream.
 * @internal */
export function useSeries<T>(
  feed: Feed<T, EventSeriesOptions<T>>,
  options: EventSeriesOptions<T>,
): EventSeriesResult {
  const { points, y } = options
  // biome-ignore lint/correctness/useExhaustiveDependencies: the names stand for the columns
  const series = useMemo(() => newSeries(feed, options), [feed.open, points, Object.keys(y).join()])
  const shown = useStore(series.store, feed.enabled)
  return useMemo(() => {
    const { store, columns, names } = series
    const { view: _, ...standing } = shown
    return { ...standing, columns, names, subscribe: store.watch, reconnect: store.reconnect }
  }, [series, shown])
}
