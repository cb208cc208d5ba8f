import type { Line, Lines } from '../../data/lines'
import type { Source } from '../../data/source'
import type { Session } from '../../page/session'
import { setText } from '../../paint/text'
import type { OwnedPainter } from '../../paint/usePainter'
import { type Deeds, detailOf } from './detail'
import { Follow, GRACE } from './follow'
import { handle } from './hands'
import { type Criteria, Listing } from './listing'
import { type Look, Looks } from './look'
import { foundText, hintFor } from './notes'
import { Row } from './row'
import type { LogView } from './view'

/** Height of a line in px; tokens.css has it as --line. */
const ROW = 20

/** Less wide than this, in px, its header has no room for the level; see log.css. */
const NARROW = 520

/** Time, in ms, that finding lines may take of one frame. */
const BUDGET = 10

/** What a {@link LogPainter} needs. */
export interface LogInput {
  readonly session: Session
  readonly source: Source
  readonly view: LogView
  readonly selectors: readonly string[]
  readonly deeds: Deeds
  /** Tells its rows from those of other panels. */
  readonly id: string
}

/**
 * Paints a tail. Only the lines in view are in the document, in a few elements that
 * are used again and again: a thousand lines a second cost what the thirty cost that
 * can be seen. It follows the newest line until the reader scrolls up, then holds still.
 */
export class LogPainter implements OwnedPainter {
  readonly #input: LogInput
  readonly #element: HTMLElement
  readonly #viewport: HTMLElement
  readonly #lines: HTMLElement
  readonly #unseen: HTMLButtonElement
  readonly #stop = new AbortController()
  readonly #observer: ResizeObserver
  readonly #rows: Row[] = []
  readonly #open = new Map<number, HTMLElement>()
  readonly #looks: Looks
  #follow = new Follow()
  #listing: Listing | undefined
  #criteria: Criteria | undefined
  #version = 0
  #busy = false
  #seen = 0 // number of the line after the newest that was followed
  #cursor: number | undefined // number of the line that is read
  #hovered: number | undefined // the instant that this log itself points at
  #selecting = false
  #visited = false // whether another panel's instant is shown
  #size = { width: 0, height: 0 }
  #top = 0
  #height = -1
  #limit = 0

  constructor(element: HTMLElement, input: LogInput) {
    this.#input = input
    this.#element = element
    this.#looks = new Looks(input.selectors)
    this.#viewport = one(element, '.viewport')
    this.#lines = one(element, '.lines')
    this.#unseen = one(element, '.unseen')
    const { signal } = this.#stop
    handle(this, { viewport: this.#viewport, lines: this.#lines, unseen: this.#unseen }, signal)
    const forget = input.view.settings.subscribe(() => this.#touch())
    signal.addEventListener('abort', forget)
    this.#observer = new ResizeObserver(() => this.#resized())
    this.#observer.observe(this.#viewport)
  }

  /** Only ages change by time alone. */
  get ages(): boolean {
    return this.#input.view.settings.get().relative
  }

  /** While lines are being found every frame goes on with it. */
  get every(): number {
    return this.#busy ? 0 : 100
  }

  version(): unknown {
    const { session, source } = this.#input
    const replays = session.timeline.mode.get().kind === 'replay'
    return source.version + this.#version + (replays ? session.timeline.now : 0)
  }

  /** Whether there is room for little beside the lines. */
  get narrow(): boolean {
    return this.#size.width < NARROW
  }

  /** Whether long lines are wrapped: as the reader wants it, else where little of them
   * could be seen. */
  get wraps(): boolean {
    return this.#input.view.settings.get().wrap ?? this.narrow
  }

  /** Whether a line is being read. */
  get reads(): boolean {
    return this.#cursor !== undefined
  }

  /** The lines that are listed now, oldest first. */
  *listed(): Generator<Line> {
    const listing = this.#current()
    if (listing === undefined) return
    for (let place = listing.start; place < this.#limit; place++) {
      const line = listing.at(place)
      if (line !== undefined) yield line
    }
  }

  /** The listing by what the reader has chosen by now: the next frame may be a while off. */
  #current(): Listing | undefined {
    this.paint()
    return this.#listing
  }

  paint(): void {
    const lines = this.#content
    if (lines !== undefined && this.#size.height > 0) this.#paintTail(lines)
    this.#paintHint(lines?.count() ?? 0)
  }

  #paintTail(lines: Lines): void {
    const listing = this.#listingOf(lines)
    this.#busy = !listing.advance(BUDGET)
    if (this.#busy) this.#touch()
    this.#limit = this.#limitOf(listing)
    this.#paintLines(listing)
    this.#paintUnseen(listing)
    this.#paintFound(listing)
  }

  get #content(): Lines | undefined {
    const { content } = this.#input.source
    return content?.kind === 'log' || content?.kind === 'other' ? content : undefined
  }

  /** The listing by what the reader has chosen. */
  #listingOf(lines: Lines): Listing {
    const { level, only } = this.#input.view.settings.get()
    const { pattern } = this.#input.view
    const known = this.#criteria
    const same = known?.level === level && known?.only === only && known?.pattern === pattern
    if (this.#listing?.lines === lines && same) return this.#listing
    this.#criteria = { level, only, pattern }
    if (this.#listing?.lines === lines) this.#listing.list(this.#criteria)
    else this.#listing = this.#newListing(lines, this.#criteria)
    return this.#listing
  }

  /** Other lines, as after a stream's events turned out to be of several shapes. */
  #newListing(lines: Lines, criteria: Criteria): Listing {
    this.#open.clear()
    this.#cursor = undefined
    this.#follow = new Follow()
    return new Listing(lines, criteria, ROW)
  }

  /** The place after the last line that may be seen: nothing is later than the instant
   * that the page shows. */
  #limitOf(listing: Listing): number {
    const { timeline } = this.#input.session
    const hover = timeline.hover.get()
    this.#visited = hover !== undefined && hover !== this.#hovered
    if (this.#visited) return listing.until(hover as number)
    return timeline.mode.get().kind === 'live' ? listing.end : listing.until(timeline.now)
  }

  #paintLines(listing: Listing): void {
    const look = this.#lookOf(listing.lines)
    // What is drawn for the first time may turn out higher than was thought.
    for (let pass = 0; pass < 4; pass++) {
      this.#scrollTo(listing)
      const drawn = this.#drawRows(listing, look)
      if (!this.#measure(listing, drawn)) break
    }
    if (!this.#held && this.#limit > listing.start) {
      // Also of what a filter hides: when that goes they are not new.
      const shown = (listing.at(this.#limit - 1)?.number ?? -1) + 1
      this.#seen = Math.max(shown, listing.lines.until(this.#input.session.timeline.moment))
    }
  }

  get #held(): boolean {
    return this.#selecting || this.#follow.holds(performance.now())
  }

  #scrollTo(listing: Listing): void {
    const height = listing.top(this.#limit)
    if (height !== this.#height) this.#lines.style.height = `${height}px`
    this.#height = height
    const end = Math.max(0, height - this.#size.height)
    const { number, above } = this.#follow.anchor
    const held = this.#held && !this.#visited
    const top = held ? listing.top(listing.placeOf(number)) + above : end
    this.#top = Math.min(Math.max(0, Math.round(top)), end)
    this.#viewport.scrollTop = this.#top
    if (!held && !this.#visited) this.#anchorAt(listing)
  }

  /** Holds still from here on if something should ask for it. */
  #anchorAt(listing: Listing): { number: number; above: number } {
    const place = listing.find(this.#top)
    return { number: listing.at(place)?.number ?? 0, above: this.#top - listing.top(place) }
  }

  /** Draws the lines in view and returns those that are new there. */
  #drawRows(listing: Listing, look: Look): Map<number, Row> {
    const fresh = new Map<number, Row>()
    const used = new Set<Row>()
    const moment = this.#momentOf(listing)
    const now = this.#input.session.timeline.now
    let place = listing.find(this.#top)
    for (
      let y = listing.top(place);
      place < this.#limit && y < this.#top + this.#size.height;
      place++
    ) {
      const line = listing.at(place)
      const row = this.#rows[place % this.#rows.length]
      if (line === undefined || row === undefined || used.has(row)) break
      used.add(row)
      if (row.line !== line && row.element.contains(document.activeElement)) this.#viewport.focus()
      if (row.show(line, look, this.#open.get(line.number))) fresh.set(place, row)
      row.place(y)
      row.mark(Math.floor(line.time / 1000) === moment, line.number === this.#cursor)
      if (look.relative) row.tick(now)
      y += listing.height(place)
    }
    for (const row of this.#rows) if (!used.has(row) && row.line !== undefined) row.hide()
    return fresh
  }

  /** The second of the last line that was there at the instant another panel shows. */
  #momentOf(listing: Listing): number | undefined {
    const last = this.#visited ? listing.at(this.#limit - 1) : undefined
    return last === undefined ? undefined : Math.floor(last.time / 1000)
  }

  /** Measures what may be higher than a line. Returns whether anything moved. */
  #measure(listing: Listing, drawn: ReadonlyMap<number, Row>): boolean {
    const { wraps } = this
    let moved = false
    for (const [place, row] of drawn) {
      const high = wraps || this.#open.has(row.line?.number ?? -1)
      const height = high ? row.element.offsetHeight : ROW
      if (listing.measured(place, height)) moved = true
    }
    return moved
  }

  /** How lines look now. When that changes, none is known to be as high as it was. */
  #lookOf({ kind, streams }: Lines): Look {
    const { relative } = this.#input.view.settings.get()
    const { pattern } = this.#input.view
    const { wraps: wrap, narrow: brief } = this
    const before = this.#looks.look
    const look = this.#looks.update({ kind, pattern, wrap, brief, relative }, streams)
    if (look === before) return look
    if (before !== undefined) this.#listing?.unmeasure()
    this.#element.toggleAttribute('data-wrap', wrap)
    return look
  }

  #paintUnseen(listing: Listing): void {
    const count = this.#held && !this.#visited ? this.#limit - listing.placeOf(this.#seen) : 0
    this.#unseen.hidden = count <= 0
    if (count > 0) setText(this.#unseen, `↓ ${count} new`)
  }

  #paintHint(count: number): void {
    const listing = this.#listing
    const nothing =
      listing !== undefined && count > 0 && !this.#busy && this.#limit <= listing.start
    const before = nothing && listing.end > listing.start
    const { kind, text } = hintFor(nothing, before, count, this.#input.session.timeline.moment)
    if ((this.#element.dataset.empty ?? '') !== kind) this.#element.dataset.empty = kind
    setText(one(this.#element, '.hint span'), text)
  }

  /** What the search has found, beside it. */
  #paintFound(listing: Listing): void {
    const found = this.#element.closest('.panel')?.querySelector('.found')
    if (!found) return
    const read = this.#cursor === undefined ? 0 : listing.matchAt(listing.placeOf(this.#cursor))
    setText(found, foundText(this.#input.view.pattern, listing.matches, read, this.#busy))
  }

  /** Reads the next match below, or above. */
  find(direction: 1 | -1): void {
    const listing = this.#current()
    if (listing === undefined) return
    // The first look for something is for its newest occurrence.
    const from = this.#cursor === undefined ? this.#limit : listing.placeOf(this.#cursor)
    const place = listing.match(from, this.#cursor === undefined ? -1 : direction)
    if (place !== undefined) this.read(listing.at(place)?.number, false)
  }

  /** Goes to a line and holds still there; with the focus if it is wanted. */
  read(number: number | undefined, focus: boolean): void {
    const listing = this.#listing
    if (listing === undefined || number === undefined) return
    this.#cursor = number
    const place = listing.placeOf(number)
    const top = listing.top(place)
    const { height } = this.#size
    const inView = top >= this.#top && top + listing.height(place) <= this.#top + height
    if (!inView) {
      const nearby = top >= this.#top - 2 * ROW && top <= this.#top + height + 2 * ROW
      const below = top > this.#top ? top + listing.height(place) - height : top
      this.#top = Math.max(0, nearby ? below : top - height / 2)
    }
    const { number: anchor, above } = this.#anchorAt(listing)
    this.#follow.hold(anchor, above)
    this.paint()
    if (focus) this.#rows[place % this.#rows.length]?.focus()
  }

  /** Goes to the newest line and stays there. */
  follow(): void {
    if (this.#selecting) document.getSelection()?.removeAllRanges()
    this.#selecting = false
    this.#follow.follow()
    this.#cursor = undefined
    this.paint()
  }

  /** Opens a line, or closes it. */
  toggle(number: number): void {
    const line = this.#content?.at(number)
    if (!this.#open.delete(number) && line !== undefined) {
      this.#open.set(number, detailOf(line, this.#input.deeds))
    }
    this.#hold()
    this.paint()
  }

  #hold(): void {
    if (this.#listing === undefined || this.#held) return
    const { number, above } = this.#anchorAt(this.#listing)
    this.#follow.hold(number, above)
  }

  #touch(): void {
    this.#version++
    this.#input.session.loop.invalidate()
  }

  /** Takes note that the viewport has been scrolled. */
  scrolled(): void {
    const by = this.#viewport.scrollTop - this.#top
    if (Math.abs(by) < 1 || this.#listing === undefined) return
    this.#top = this.#viewport.scrollTop
    const { number, above } = this.#anchorAt(this.#listing)
    const toEnd = this.#height - this.#top - this.#size.height
    this.#follow.scrolled(by, toEnd, number, above, performance.now())
    if (this.#follow.following) setTimeout(() => this.#touch(), GRACE)
    this.paint()
  }

  #resized(): void {
    const { clientWidth: width, clientHeight: height } = this.#viewport
    if (width !== this.#size.width && this.wraps) {
      this.#listing?.unmeasure()
      this.#looks.outdate()
    }
    this.#size = { width, height }
    const count = Math.ceil(height / ROW) + 2
    while (this.#rows.length < count) {
      const row = new Row(`${this.#input.id}-${this.#rows.length}`)
      this.#rows.push(row)
      this.#lines.append(row.element)
    }
    this.paint()
  }

  /** Measures open lines anew. */
  remeasure(): void {
    const listing = this.#listing
    if (listing === undefined) return
    for (const { line, element } of this.#rows) {
      if (line !== undefined && this.#open.has(line.number)) {
        listing.measured(listing.placeOf(line.number), element.offsetHeight)
      }
    }
    this.paint()
  }

  /** Whether the reader has marked a part of the lines: then they hold still. */
  select(selecting: boolean): void {
    if (selecting && !this.#selecting) this.#hold()
    this.#selecting = selecting
  }

  /** The line whose element that is. */
  lineOf(element: Element | null): Line | undefined {
    return this.#rows.find((row) => row.element === element)?.line
  }

  /** Points at an instant, which all panels then show, or at none. */
  point(at: number | undefined): void {
    const { hover } = this.#input.session.timeline
    if (at === undefined && (this.#hovered === undefined || hover.get() !== this.#hovered)) return
    this.#hovered = at
    hover.set(at)
  }

  /** Opens or closes the line that is read. Returns whether there is one. */
  press(): boolean {
    const number = this.#cursor
    if (number === undefined) return false
    this.toggle(number)
    this.read(number, true)
    return true
  }

  /** Moves so many lines, or `pages`, from the line that is read, at first from the
   * newest, and reads there. */
  step(by: number, pages = false): void {
    const listing = this.#current()
    if (listing === undefined) return
    const page = Math.max(1, Math.floor(this.#size.height / ROW) - 1)
    const from = this.#cursor === undefined ? this.#limit : listing.placeOf(this.#cursor)
    const to = from + (pages ? by * page : by)
    const line = listing.at(Math.min(Math.max(to, listing.start), this.#limit - 1))
    if (line === undefined) return
    this.read(line.number, true)
    this.point(line.time)
  }

  destroy(): void {
    this.#stop.abort()
    this.#observer.disconnect()
    this.point(undefined)
    this.#lines.replaceChildren()
  }
}

function one<E extends HTMLElement>(element: Element, selector: string): E {
  const found = element.querySelector<E>(selector)
  if (found === null) throw new Error(`a tail needs a ${selector}`)
  return found
}
