import type { Envelope } from './envelope'
import { type Level, logParts } from './shape'

/** One line of a tail. */
export interface Line {
  /** Counts up from 0 within the stream; never used twice. */
  readonly number: number
  readonly time: number
  readonly level: Level | undefined
  /** What the line is about: the event's type and key. */
  readonly tag: string
  readonly text: string
  readonly rest: string
}

/** Longest text of a line, in UTF-16 units; more is cut off with an ellipsis. */
const MAX_TEXT = 4096

/** The newest lines of a stream, at most `max`. */
export class Lines {
  readonly kind: 'log' | 'other'
  readonly #max: number
  readonly #ring: Line[] = []
  #count = 0

  constructor(kind: 'log' | 'other', max = 2000) {
    this.kind = kind
    this.#max = max
  }

  /** Number of the line after the newest. */
  get end(): number {
    return this.#count
  }

  /** Number of the oldest line kept. */
  get start(): number {
    return Math.max(0, this.#count - this.#max)
  }

  /** The line with that number, if it is kept. */
  at(number: number): Line | undefined {
    return number < this.start ? undefined : this.#ring[number % this.#max]
  }

  /** Appends an event. Every value can be a line. */
  append(event: Envelope): void {
    const { level, text, rest } = logParts(event.data)
    this.#ring[this.#count % this.#max] = {
      number: this.#count,
      time: event.at,
      level,
      // That a log record is of type "log" need not be said on every line.
      tag: [this.kind === 'log' ? '' : event.type, event.key].filter(Boolean).join(' '),
      text: cut(text),
      rest: cut(rest),
    }
    this.#count++
  }
}

function cut(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text
}
