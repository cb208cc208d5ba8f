import type { EventStream } from './eventStream'

/**
 * Ties a stream to the life of the page: it looks at once when the network or
 * the page comes back, and lets go of its connection while the page rests in
 * the back/forward cache, where it would hold one of the browser's six. Returns
 * a function that unties it.
 */
export function followPage(stream: EventStream, page: Window): () => void {
  const stop = new AbortController()
  const { signal } = stop
  page.addEventListener('online', () => stream.wake(), { signal })
  page.document.addEventListener(
    'visibilitychange',
    () => {
      if (page.document.visibilityState === 'visible') stream.wake()
    },
    { signal },
  )
  page.addEventListener('pagehide', () => stream.close(), { signal })
  page.addEventListener(
    'pageshow',
    (event) => {
      if (event.persisted) stream.reconnect()
    },
    { signal },
  )
  return () => stop.abort()
}
