import type { Activities } from '../../data/activities'
import type { Source } from '../../data/source'
import { formatAge } from '../../data/units'
import { Value } from '../../page/value'
import { setText } from '../../paint/text'
import type { OwnedPainter } from '../../paint/usePainter'
import type { Timeline } from '../../time/timeline'
import { type Day, daysOf, groupsOf } from './groups'

/** Scrolled down by this, in px, a feed holds still. */
const LET_GO = 80

/** Groups shown at first, and more at each wish. */
const PAGE = 60

/** What of a feed is to be seen. */
export interface Shown {
  readonly days: readonly Day[]
  /** Activities that have come since the reader scrolled down. */
  readonly unseen: number
  /** Whether there are older ones. */
  readonly more: boolean
  /** Activities kept. */
  readonly kept: number
}

const NOTHING: Shown = { days: [], unseen: 0, more: false, kept: 0 }

/** Decides a few times a second what a feed shows, for React to render, and keeps the
 * ages of what is there up to date. */
export class FeedPainter implements OwnedPainter {
  readonly every = 200
  readonly ages = true
  readonly shown = new Value<Shown>(NOTHING)
  readonly #timeline: Timeline
  readonly #source: Source
  #element: Element | undefined
  #end: number | undefined // held still: nothing from this number on is shown
  #hovered: number | undefined
  #max = PAGE
  #version = 0
  #painted = ''

  constructor(timeline: Timeline, source: Source) {
    this.#timeline = timeline
    this.#source = source
  }

  /** Keeps the ages in an element up to date. */
  attach(element: Element): this {
    this.#element = element
    return this
  }

  version(): unknown {
    const replays = this.#timeline.mode.get().kind === 'replay'
    return this.#source.version + this.#version + (replays ? this.#timeline.now : 0)
  }

  paint(): void {
    const { content } = this.#source
    if (content?.kind === 'activities') this.#choose(content)
    this.#tick()
  }

  #choose(activities: Activities): void {
    const limit = this.#limitOf(activities)
    const end = Math.min(this.#end ?? limit, limit)
    // Rendering is for what is new, not for what has only grown older.
    const painted = `${activities.start} ${end} ${limit} ${this.#max}`
    if (painted === this.#painted) return
    this.#painted = painted
    const groups = groupsOf(activities, end, this.#max + 1)
    this.shown.set({
      days: daysOf(groups.slice(0, this.#max)),
      unseen: limit - end,
      more: groups.length > this.#max,
      kept: activities.end - activities.start,
    })
  }

  /** Nothing later than the instant that the page shows is to be seen. */
  #limitOf(activities: Activities): number {
    const hover = this.#timeline.hover.get()
    if (hover !== undefined && hover !== this.#hovered) return activities.until(hover)
    const live = this.#timeline.mode.get().kind === 'live'
    return live ? activities.end : activities.until(this.#timeline.now)
  }

  #tick(): void {
    const { now } = this.#timeline
    for (const time of this.#element?.querySelectorAll('time[data-at]') ?? []) {
      const age = now - Number((time as HTMLElement).dataset.at)
      setText(time, age < 1000 ? 'now' : formatAge(age))
    }
  }

  /** Notes where the reader is, in px from the newest. */
  scrolled(top: number): void {
    const { content } = this.#source
    if (content?.kind !== 'activities') return
    if (top >= LET_GO) this.#end ??= this.#limitOf(content)
    else if (this.#end !== undefined) this.follow()
  }

  /** Shows the newest from now on. */
  follow(): void {
    this.#end = undefined
    this.#version++
    this.paint()
  }

  /** Shows more of what is older. */
  showOlder(): void {
    this.#max += PAGE
    this.#version++
    this.paint()
  }

  /** Points at an instant, for all other panels to show. */
  point(at: number | undefined): void {
    const { hover } = this.#timeline
    if (at === undefined && (this.#hovered === undefined || hover.get() !== this.#hovered)) return
    this.#hovered = at
    hover.set(at)
  }

  destroy(): void {
    this.point(undefined)
    this.#element = undefined
  }
}
