import { Cadence } from './cadence'
import type { Envelope, Gap } from './envelope'
import { Lines } from './lines'
import { Numbers } from './numbers'
import { Rows } from './rows'
import { shapeOf } from './shape'

/** What a stream holds, by the shape of its data. */
export type Content = Numbers | Lines | Rows

/** What the page knows of one stream. Memory is bounded. */
export class Stream {
  readonly name: string
  readonly cadence = new Cadence()
  #content: Content | undefined
  #version = 0
  #lastAt = Number.NEGATIVE_INFINITY
  #lost = 0
  #gaps = 0

  constructor(name: string) {
    this.name = name
  }

  /** Undefined before the first event. */
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

  /** Events known to be lost to this page. */
  get lost(): number {
    return this.#lost
  }

  /** Gaps in what this page has; some may not know how much they lost. */
  get gaps(): number {
    return this.#gaps
  }

  /** What panels the stream needs: it changes when a shape, unit or series is new. */
  get outline(): string {
    const c = this.#content
    if (c === undefined) return ''
    const series = c.kind === 'numbers' ? c.series.length : 0
    return `${c.kind} ${series} ${this.#gaps} ${this.#lost}`
  }

  append(event: Envelope): void {
    this.#content ??= contentFor(this.name, event)
    if (!this.#accept(event)) {
      // The stream's events are of several shapes: a list can show them all.
      this.#content = new Lines('other')
      this.#content.append(event)
    }
    this.cadence.note(event.at)
    this.#lastAt = Math.max(this.#lastAt, event.at)
    this.#version++
  }

  #accept(event: Envelope): boolean {
    const content = this.#content
    if (content?.kind === 'numbers') return content.append(event, this.cadence)
    if (content?.kind === 'rows') return content.append(event)
    content?.append(event)
    return true
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

function contentFor(name: string, event: Envelope): Content {
  switch (shapeOf(event.data)) {
    case 'numbers':
      return new Numbers(name)
    case 'rows':
      return new Rows()
    case 'log':
      return new Lines('log')
    case 'other':
      return new Lines('other')
  }
}
