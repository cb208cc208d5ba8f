import { Activities } from './activities'
import { Cadence } from './cadence'
import { type Envelope, type Gap, VIEW_ROW } from './envelope'
import { Lines } from './lines'
import { Numbers } from './numbers'
import { Rows } from './rows'
import { shapeOf } from './shape'

/** Lines of a log that shows itself; a panel of a dashboard keeps more. */
const MAX_LOG = 20_000

/** What a panel can show, by the shape of its events' data. */
export type Content = Numbers | Lines | Rows | Activities

/**
 * What a panel shows: the events of its streams, or the rows of its views, as its
 * content keeps them. Memory is bounded.
 */
export class Source {
  /** The stream, or what else a reader knows it by. */
  readonly name: string
  /** Why nothing can come, where the hub would refuse to be asked for it. */
  readonly problem: string | undefined
  readonly cadence = new Cadence()
  readonly #window: number
  readonly #fixed: boolean
  #content: Content | undefined
  #version = 0
  #lastAt = Number.NEGATIVE_INFINITY
  #count = 0
  #lost = 0
  #gaps = 0

  /**
   * @param window how long numbers are kept, in ms
   * @param content what keeps the events; without it the first event decides
   * @param problem why nothing can come
   */
  constructor(name: string, window: number, content?: Content, problem?: string) {
    this.name = name
    this.problem = problem
    this.#window = window
    this.#content = content
    this.#fixed = content !== undefined
  }

  /** Undefined before the first event, unless it was given. */
  get content(): Content | undefined {
    return this.#content
  }

  /** Rises with everything that changes. */
  get version(): number {
    return this.#version
  }

  /** The newest event's time, in epoch ms; minus infinity before the first. */
  get lastAt(): number {
    return this.#lastAt
  }

  /** Events taken so far. */
  get count(): number {
    return this.#count
  }

  /** Events known to be lost to this page. */
  get lost(): number {
    return this.#lost
  }

  /** Gaps in what this page has; some may not know how much they lost. */
  get gaps(): number {
    return this.#gaps
  }

  /** What panels a stream needs that shows itself: it changes when a shape, unit or
   * series is new. */
  get outline(): string {
    const c = this.#content
    if (c === undefined) return ''
    const series = c.kind === 'numbers' ? c.series.length : 0
    return `${c.kind} ${series} ${this.#gaps} ${this.#lost}`
  }

  append(event: Envelope): void {
    this.#content ??= this.#contentFor(event)
    if (!this.#accept(event)) {
      // The stream's events are of several shapes: a list can show them all.
      this.#content = new Lines('other')
      this.#content.append(event)
    }
    if (event.type !== VIEW_ROW || event.at > this.#lastAt) this.cadence.note(event.at)
    this.#lastAt = Math.max(this.#lastAt, event.at)
    this.#count++
    this.#version++
  }

  #accept(event: Envelope): boolean {
    const content = this.#content
    if (content === undefined) return false
    if (content.kind === 'numbers') return content.append(event, this.cadence) || this.#fixed
    if (content.kind === 'rows') return content.append(event) || this.#fixed
    if (content.kind === 'activities') return content.append(event) || this.#fixed
    content.append(event)
    return true
  }

  #contentFor(event: Envelope): Content {
    switch (shapeOf(event.data)) {
      case 'numbers':
        return new Numbers({ name: this.name, window: this.#window })
      case 'rows':
        return new Rows()
      case 'activity':
        return new Activities()
      case 'log':
        return new Lines('log', MAX_LOG)
      case 'other':
        return new Lines('other')
    }
  }

  /** Notes a gap, at the server's time `now`. */
  gap(gap: Gap, now: number): void {
    this.#gaps++
    this.#lost += gap.lost ?? 0
    if (this.#content?.kind === 'numbers' && Number.isFinite(this.#lastAt)) {
      this.#content.columns.breakAt(Math.min(this.#lastAt + 1, now))
    }
    this.#version++
  }
}
