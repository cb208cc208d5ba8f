import { useMemo } from 'react'
import type { StreamEvent } from '../stream/subscription.js'
import { type Standing, Store } from './store.js'
import { type HookOptions, type Latest, opener, throttleOf } from './useEventStream.js'
import { useLatest, useStore } from './useStore.js'

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
 * const cpu = useEventSeries<Cpu>('/v1/streams/host.cpu/events?since=5m', {
 *   points: 300,
 *   x: (e) => e.receivedAt / 1000,
 *   y: { user: (d) => d.user, system: (d) => d.system },
 * })
 * useEffect(() => cpu.subscribe(() => plot.setData(cpu.columns())), [cpu])
 */
export function useEventSeries<T = unknown>(
  url: string | URL | null | undefined,
  options: EventSeriesOptions<T>,
): EventSeriesResult {
  const latest = useLatest(options)
  const { key, enabled = true, points } = options
  const address = url == null ? undefined : String(url)
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the options
  const series = useMemo(
    () => newSeries(opener<T>(address, latest), latest),
    [address, key, points],
  )
  return useSeriesResult(series, enabled && address !== undefined)
}

/** @internal */
export function newSeries<T>(
  open: ConstructorParameters<typeof Store<T, null>>[0],
  latest: Latest<EventSeriesOptions<T>>,
) {
  const { points } = latest.current
  const names = Object.keys(latest.current.y)
  // Twice as long as what is shown, so that it is moved once in so many events.
  const rings = ['', ...names].map(() => new Float64Array(2 * points))
  const listeners = new Set<() => void>()
  let end = 0
  let isVoid = false
  const store: Store<T, number> = new Store(
    open,
    {
      add(event) {
        const { x, y, onEvent } = latest.current
        if (isVoid) end = 0
        isVoid = false
        if (end === 2 * points) {
          for (const ring of rings) ring.copyWithin(0, points)
          end = points
        }
        const row = [x(event), ...names.map((name) => y[name]?.(event.data) ?? Number.NaN)]
        for (const [i, ring] of rings.entries()) ring[end] = row[i] ?? Number.NaN
        end++
        onEvent?.(event)
      },
      cumulative: true,
      restart() {
        isVoid = true
      },
      view: () => 0,
    },
    throttleOf(latest),
    () => {
      for (const listener of listeners) listener()
    },
  )
  return {
    store,
    names,
    columns: () => rings.map((ring) => ring.subarray(Math.max(0, end - points), end)),
    subscribe(listener: () => void) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

/** @internal */
export function useSeriesResult<T>(
  series: ReturnType<typeof newSeries<T>>,
  enabled: boolean,
): EventSeriesResult {
  const { store, columns, names, subscribe } = series
  const { error, status, isStale } = useStore(store, enabled)
  return useMemo(
    () => ({ columns, names, subscribe, error, status, isStale, reconnect: store.reconnect }),
    [columns, names, subscribe, error, status, isStale, store],
  )
}
