import { useInsertionEffect, useMemo, useRef, useSyncExternalStore } from 'react'
import type { Standing, Store } from './store.js'

/** The newest of what a component was rendered with, for what runs later. */
export function useLatest<O>(options: O): { readonly current: O } {
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
): Standing & { readonly view: R | undefined } {
  const get = useMemo(() => {
    let last: (Standing & { readonly view: R | undefined }) | undefined
    let seen: unknown
    return () => {
      const now = store.getSnapshot()
      // What is selected may be made anew each time: once for each snapshot will do.
      if (last !== undefined && now === seen) return last
      seen = now
      const view = (select && now.view !== undefined ? select(now.view) : now.view) as R | undefined
      const status = enabled ? now.status : 'idle'
      const same =
        last !== undefined &&
        Object.is(last.view, view) &&
        last.error === now.error &&
        last.status === status &&
        last.isStale === now.isStale
      if (last === undefined || !same) last = { ...now, view, status }
      return last
    }
  }, [store, enabled, select])
  return useSyncExternalStore(enabled ? store.subscribe : store.watch, get, get)
}
