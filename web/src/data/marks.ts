import { Activities } from './activities'
import { valueAt } from './pointer'
import { Source } from './source'

/** An instant that is marked on every chart, such as a deployment. */
export interface Mark {
  /** Epoch ms. */
  readonly at: number
  readonly text: string
}

/** More marks than these on one chart hide it. */
const MAX = 200

/** The marks that a stream's events make. */
export class Marks {
  readonly source: Source
  readonly #activities = new Activities(MAX)
  readonly #pointer: string | undefined
  #marks: readonly Mark[] = []
  #version = -1

  /** @param pointer to the text in an event's data; default: what says most */
  constructor(stream: string, pointer: string | undefined) {
    this.source = new Source(stream, 0, this.#activities)
    this.#pointer = pointer
  }

  /** By rising time of arrival. The same array until there is another. */
  get all(): readonly Mark[] {
    if (this.#version !== this.source.version) {
      this.#version = this.source.version
      const marks: Mark[] = []
      for (let i = this.#activities.start; i < this.#activities.end; i++) {
        const activity = this.#activities.at(i)
        if (activity === undefined) continue
        const { event, at } = activity
        marks.push({ at, text: textOf(event.data, this.#pointer) || (event.type ?? event.stream) })
      }
      this.#marks = marks
    }
    return this.#marks
  }
}

function textOf(data: unknown, pointer: string | undefined): string {
  const value = pointer === undefined ? data : valueAt(data, pointer)
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}
