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

/** The page that this runs in, if any. */
export function thisPage(): Window | undefined {
  return typeof window === 'undefined' ? undefined : window
}
