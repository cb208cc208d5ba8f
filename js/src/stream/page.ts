import type { Connection, StreamState } from './connection.js'

/** What the life of a page means to a connection. */
export interface PageLife {
  /** The page is looked at again, or the network is back: is the connection still good? */
  wake(): void
  /** Nobody looks at the page. */
  hide(): void
  /** The page is put away, perhaps for good, perhaps in the back/forward cache. */
  rest(): void
  /** The page is back from there. */
  arrive(): void
}

/** Tells what happens to a page until the signal is aborted. */
export function followPage(page: Window | undefined, life: PageLife, signal: AbortSignal): void {
  const on = (target: EventTarget | undefined, type: string, run: (event: Event) => void) =>
    target?.addEventListener(type, run, { signal })
  const document = page?.document
  on(page, 'online', () => life.wake())
  on(document, 'visibilitychange', () => {
    if (document?.visibilityState === 'visible') life.wake()
    else life.hide()
  })
  on(page, 'pagehide', () => life.rest())
  on(document, 'freeze', () => life.rest())
  on(page, 'pageshow', (event) => {
    if ((event as PageTransitionEvent).persisted) life.arrive()
  })
  on(document, 'resume', () => life.arrive())
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
  const page = thisPage()
  const arrive = () => {
    if (owner.state.status === 'paused') connection.reconnect()
  }
  const wake = () => {
    // A network that is back is no reason to wake a page that sleeps.
    if (page?.document.visibilityState !== 'hidden') arrive()
    connection.wake()
  }
  followPage(page, { wake, hide() {}, rest: () => connection.pause(), arrive }, signal)
}

/** The page that this runs in, if any. */
export function thisPage(): Window | undefined {
  return typeof window === 'undefined' ? undefined : window
}
