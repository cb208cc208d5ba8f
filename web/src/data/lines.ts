import type { Envelope } from './envelope'
import { LEVELS, type Level, levelOf, weightOf } from './shape'

/** One line of a tail. What it says, {@link logParts} takes from its event. */
export interface Line {
  /** Counts up from 0 within the tail; never used twice. */
  readonly number: number
  readonly time: number
  readonly level: Level | undefined
  readonly event: Envelope
  /** Roughly what it takes of memory, in bytes. */
  readonly weight: number
}

/** Kept by a tail unless it is told otherwise. */
const MAX_LINES = 2000

/** A line's share of the memory that a tail may take, in bytes. */
const ROOM_PER_LINE = 1000

/** The newest lines of some streams, in the order in which they came: at most `max`,
 * and fewer if they are so large that they would take more than 1,000 bytes each. */
export class Lines {
  readonly kind: 'log' | 'other'
  readonly max: number
  readonly #ring: (Line | undefined)[] = []
  readonly #times: number[] = []
  readonly #counts = new Uint32Array(LEVELS.length + 1)
  readonly #streams = new Set<string>()
  #start = 0
  #count = 0
  #weight = 0

  constructor(kind: 'log' | 'other', max = MAX_LINES) {
    this.kind = kind
    this.max = max
  }

  /** Number of the line after the newest. */
  get end(): number {
    return this.#count
  }

  /** Number of the oldest line kept. */
  get start(): number {
    return this.#start
  }

  /** The streams that lines have come from, in the order of their first. */
  get streams(): ReadonlySet<string> {
    return this.#streams
  }

  /** The line with that number, if it is kept. */
  at(number: number): Line | undefined {
    return number < this.#start || number >= this.#count ? undefined : this.#ring[number % this.max]
  }

  /** Number of the line after the last one that is not later than the time. Times
   * need not rise: what comes late is where it came. */
  until(time: number): number {
    let number = this.#count
    while (number > this.#start && (this.#times[(number - 1) % this.max] as number) > time) number--
    return number
  }

  /** Lines kept that are at least of the level; without one, all. */
  count(level?: Level): number {
    if (level === undefined) return this.#count - this.#start
    return this.#counts.subarray(LEVELS.indexOf(level)).reduce((a, b) => a + b, 0) - this.#bare
  }

  /** The line of the event with that position, if it is kept. */
  find(stream: string, id: string): Line | undefined {
    for (let n = this.#count - 1; n >= this.#start; n--) {
      const line = this.at(n)
      if (line?.event.id === id && line.event.stream === stream) return line
    }
    return undefined
  }

  /** Appends an event. Every value can be a line. */
  append(event: Envelope): void {
    const weight = weightOf(event.data)
    const level = levelOf(event.data)
    const number = this.#count++
    if (number - this.#start >= this.max) this.#drop()
    this.#ring[number % this.max] = { number, time: event.at, level, event, weight }
    this.#times[number % this.max] = event.at
    this.#tally(level, 1)
    this.#weight += weight
    if (this.#streams.size < 100) this.#streams.add(event.stream)
    while (this.#weight > this.max * ROOM_PER_LINE && this.#start < number) this.#drop()
  }

  #drop(): void {
    const slot = this.#start++ % this.max
    const line = this.#ring[slot]
    if (line === undefined) return
    this.#tally(line.level, -1)
    this.#weight -= line.weight
    this.#ring[slot] = undefined
  }

  #tally(level: Level | undefined, n: number): void {
    const i = level === undefined ? LEVELS.length : LEVELS.indexOf(level)
    this.#counts[i] = (this.#counts[i] as number) + n
  }

  /** Lines without a level. */
  get #bare(): number {
    return this.#counts[LEVELS.length] as number
  }
}
