/** Draws one part of the page from data that lives outside React. */
export interface Painter {
  /** Changes whenever there is something new to draw. */
  version(): unknown
  paint(): void
  /** At least so many ms lie between two paints. */
  readonly every: number
  /** Whether time alone changes the picture, as a chart slides and an age grows;
   * it is then painted once a second even if nothing is new. */
  readonly ages: boolean
}

interface Entry {
  readonly painter: Painter
  visible: boolean
  version: unknown
  painted: number
}

const NEVER = Number.NEGATIVE_INFINITY

/**
 * The one place where the page is drawn: a single animation frame for all
 * painters that are on screen and have something new. While the page is hidden
 * nothing is drawn, and nothing is lost.
 */
export class PaintLoop {
  readonly #entries = new Map<Element, Entry>()
  readonly #observer: IntersectionObserver | undefined
  readonly #frames: ((now: number) => void)[] = []
  #frame = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor() {
    if (typeof IntersectionObserver !== 'undefined') {
      this.#observer = new IntersectionObserver((seen) => this.#saw(seen), { rootMargin: '120px' })
    }
    setInterval(() => this.invalidate(), 1000)
  }

  /** Draws with the painter while its element is on screen. Returns a function
   * that ends it. */
  add(element: Element, painter: Painter): () => void {
    const visible = this.#observer === undefined
    this.#entries.set(element, { painter, visible, version: NEVER, painted: NEVER })
    this.#observer?.observe(element)
    this.invalidate()
    return () => {
      this.#entries.delete(element)
      this.#observer?.unobserve(element)
    }
  }

  /** Says that something may be new. Cheap: call it for every event. */
  invalidate(): void {
    if (this.#frame !== 0) return
    this.#frame = requestAnimationFrame((now) => this.#draw(now))
  }

  /** Draws everything anew, as when the page shows another instant. */
  redraw(): void {
    for (const entry of this.#entries.values()) entry.version = NEVER
    this.invalidate()
  }

  /** Runs a function within the next frame, before the painters. */
  nextFrame(fn: () => void): void {
    this.#frames.push(fn)
    this.invalidate()
  }

  #draw(now: number): void {
    this.#frame = 0
    for (const fn of this.#frames.splice(0)) fn(now)
    let next = Number.POSITIVE_INFINITY
    for (const entry of this.#entries.values()) next = Math.min(next, paintIfDue(entry, now))
    clearTimeout(this.#timer)
    // What came too soon after the last paint is drawn as soon as it is due.
    if (Number.isFinite(next)) this.#timer = setTimeout(() => this.invalidate(), next)
  }

  #saw(seen: IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of seen) {
      const entry = this.#entries.get(target)
      if (entry !== undefined) entry.visible = isIntersecting
    }
    this.invalidate()
  }
}

/** Returns the ms until the entry is due although it is dirty now, or infinity. */
function paintIfDue(entry: Entry, now: number): number {
  const { painter } = entry
  if (!entry.visible) return Number.POSITIVE_INFINITY
  const version = painter.version()
  const since = now - entry.painted
  const dirty = version !== entry.version || (painter.ages && since >= 950)
  if (!dirty) return Number.POSITIVE_INFINITY
  if (since < painter.every) return painter.every - since
  entry.version = version
  entry.painted = now
  painter.paint()
  return Number.POSITIVE_INFINITY
}
