import type { Connection, StreamState } from './connection.js'

/** What the life of a page means to a connection. */
export interface PageLife {
  /** The page is looked at again, or the network is back: is the connection still good? */
  readonly wake: () => void
  /** Nobody looks at the page. */
  readonly hide?: () => void
  /** The page is put away, perhaps for good, perhaps in the back/forward cache. */
  readonly rest: () => void
  /** The page is back from there, or looked at again. */
  readonly arrive: () => void
}

/** Tells what happens to a page until the signal is aborted. */
export function followPage(
  page: Window | undefined,
  { wake, hide, rest, arrive }: PageLife,
  signal: AbortSignal,
): void {
  const on = (target: EventTarget | undefined, type: string, run: (event: Event) => void) =>
    target?.addEventListener(type, run, { signal })
  const document = page?.document
  on(page, 'online', wake)
  on(document, 'visibilitychange', () => {
    if (document?.visibilityState === 'visible') {
      arrive()
      wake()
    } else hide?.()
  })
  on(page, 'pagehide', rest)
  on(document, 'freeze', rest)
  on(page, 'pageshow', (event) => {
    if ((event as PageTransitionEvent).persisted) arrive()
  })
  on(document, 'resume', arrive)
}

/** Lets a connection live as its page does: closed while that is put away, alive as soon as
 * somebody looks at it again.
 *
 * @param owner how whoever has the connection says that it stands
 */
export function liveWithPage(
  connection: Connection,
  owner: { readonly state: StreamState },
  signal: AbortSignal,
): void {
  const life = {
    wake: () => connection.wake(),
    rest: () => connection.pause(),
    arrive() {
      if (owner.state.status === 'paused') connection.reconnect()
    },
  }
  followPage(thisPage(), life, signal)
}

/** The page that this runs in, if any. */
export function thisPage(): Window | undefined {
  return globalThis.window
}
