import { useSyncExternalStore } from 'react'

/** Ages change by the second. */
const EVERY = 1000

const listeners = new Set<() => void>()
let timer: ReturnType<typeof setInterval> | undefined
let now = 0

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  if (timer === undefined) {
    now = Date.now()
    timer = setInterval(() => {
      now = Date.now()
      for (const each of listeners) each()
    }, EVERY)
  }
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

/**
 * A text that depends on the time. One clock serves all that ask, and only those render
 * whose text is another one.
 *
 * @returns undefined on the server and while hydrating: there the time is not the reader's
 */
export function useClockText(text: (now: number) => string): string | undefined {
  const get = () => {
    // Between two ticks the time stands still, as React may ask twice.
    if (timer === undefined) now = Math.max(now, Math.floor(Date.now() / EVERY) * EVERY)
    return text(now)
  }
  return useSyncExternalStore<string | undefined>(subscribe, get, () => undefined)
}
