import { useInsertionEffect, useMemo, useRef, useSyncExternalStore } from 'react'
import type { EventStream } from '../stream/subscription.js'
import type { Latest, Snapshot, Store } from './store.js'

/** Where a hook's events come from. */
export interface Feed<T, O> {
  /** Opens the stream after an id, with the newest options. It is another function where
   * the stream is another. */
  readonly open: (lastEventId: string) => EventStream<T>
  readonly latest: Latest<O>
  /** Whether there is something to open, and it is to be open. */
  readonly enabled: boolean
}

/** The newest of what a component was rendered with, for what runs later. */
export function useLatest<O>(options: O): Latest<O> {
  const latest = useRef(options)
  useInsertionEffect(() => {
    latest.current = options
  })
  return latest
}

/** Renders what a store has to show whenever what is selected of it changes. */
export function useStore<T, V, R = V>(
  store: Store<T, V | undefined>,
  enabled: boolean,
  select?: (view: V) => R,
): Snapshot<R | undefined> {
  const get = useMemo(() => {
    let last: Snapshot<R | undefined> | undefined
    let seen: V | undefined
    let part: R | undefined
    return () => {
      const now = store.getSnapshot()
      // What is selected may be made anew each time: once for each view will do.
      if (now.view !== undefined && !Object.is(now.view, seen)) {
        part = select ? select(now.view) : (now.view as unknown as R)
      }
      seen = now.view
      const view = seen === undefined ? undefined : part
      const next = { ...now, view, status: enabled ? now.status : 'idle' } as const
      const keys = Object.keys(next) as (keyof typeof next)[]
      const before = last
      if (!before || keys.some((key) => !Object.is(next[key], before[key]))) last = next
      return last ?? next
    }
  }, [store, enabled, select])
  return useSyncExternalStore(enabled ? store.subscribe : store.watch, get, get)
}
