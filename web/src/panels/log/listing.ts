import type { Line, Lines } from '../../data/lines'
import { LEVELS, type Level, logParts } from '../../data/shape'
import { visible } from '../../data/visible'
import { parseANSI, type Styled } from './ansi'
import { Heights } from './heights'
import { occurs, type Pattern } from './pattern'

/** Which lines are listed. */
export interface Criteria {
  /** The least level; lines that have none are then left out. */
  readonly level: Level | undefined
  readonly pattern: Pattern
  /** Whether only lines in which the pattern occurs are listed, or all. */
  readonly only: boolean
}

/** How many lines are examined between two looks at the clock. */
const BATCH = 64

/**
 * The lines of a tail that are listed, one below the other. Places count up from 0
 * since the criteria changed; a line that the tail forgets leaves its place empty.
 */
export class Listing {
  readonly lines: Lines
  readonly #height: number
  readonly #numbers: Float64Array
  readonly #heights: Heights
  #criteria: Criteria
  #start = 0
  #end = 0
  #next = 0
  /** Places where the pattern occurs, from `#firstMatch` on. */
  #matches: number[] = []
  #firstMatch = 0

  /** @param height of a line that nobody has measured, in px */
  constructor(lines: Lines, criteria: Criteria, height: number) {
    this.lines = lines
    this.#criteria = criteria
    this.#height = height
    this.#numbers = new Float64Array(lines.max)
    this.#heights = new Heights(lines.max)
    this.#next = lines.start
  }

  /** Place of the first line. */
  get start(): number {
    return this.#start
  }

  /** Place after that of the last line. */
  get end(): number {
    return this.#end
  }

  /** Lines in which the pattern occurs. */
  get matches(): number {
    return this.#matches.length - this.#firstMatch
  }

  /** Lists others from now on. {@link advance} finds them. */
  list(criteria: Criteria): void {
    this.#criteria = criteria
    this.#start = this.#end = 0
    this.#next = this.lines.start
    this.#matches = []
    this.#firstMatch = 0
    this.#heights.clear()
  }

  /** Takes in lines that came and lets go of those that went, for at most so many ms.
   * Returns whether that is all. */
  advance(budget: number): boolean {
    const { lines } = this
    while (this.#start < this.#end && this.#numberAt(this.#start) < lines.start) {
      this.#heights.set(this.#start++ % lines.max, 0)
    }
    while ((this.#matches[this.#firstMatch] as number) < this.#start) this.#firstMatch++
    if (this.#firstMatch > 4096) this.#matches = this.#matches.slice(this.#firstMatch)
    if (this.#firstMatch > 4096) this.#firstMatch = 0
    this.#next = Math.max(this.#next, lines.start)
    const until = performance.now() + budget
    while (this.#next < lines.end) {
      const stop = Math.min(this.#next + BATCH, lines.end)
      while (this.#next < stop) this.#examine(lines.at(this.#next++) as Line)
      if (this.#next < lines.end && performance.now() >= until) return false
    }
    return true
  }

  /** The line at a place. */
  at(place: number): Line | undefined {
    if (place < this.#start || place >= this.#end) return undefined
    return this.lines.at(this.#numberAt(place))
  }

  /** The first place whose line has at least that number. */
  placeOf(number: number): number {
    let low = this.#start
    let high = this.#end
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#numberAt(middle) < number) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The place after the last line that is not later than the time. */
  until(time: number): number {
    return this.placeOf(this.lines.until(time))
  }

  /** How far below the top of the first line a place begins, in px. */
  top(place: number): number {
    const { max } = this.lines
    const base = this.#heights.before(this.#start % max)
    if (place - this.#start >= max) return this.#heights.total
    const top = this.#heights.before(place % max) - base
    // The slots are a ring: what comes after its seam stands before it.
    const beyond = place > this.#start && place % max <= this.#start % max
    return beyond ? top + this.#heights.total : top
  }

  /** How high the line at a place is, in px. */
  height(place: number): number {
    return this.#heights.at(place % this.lines.max)
  }

  /** The place at a distance from the top, in px. */
  find(top: number): number {
    const { max } = this.lines
    if (this.#start === this.#end || top <= 0) return this.#start
    const slot = this.#start % max
    const { total } = this.#heights
    if (top >= total) return this.#end - 1
    const height = this.#heights.before(slot) + top
    const found = this.#heights.find(height >= total ? height - total : height)
    return Math.min(this.#start + ((found - slot + max) % max), this.#end - 1)
  }

  /** Notes how high a line has turned out to be, in px. Returns whether that is new. */
  measured(place: number, height: number): boolean {
    const slot = place % this.lines.max
    if (place < this.#start || this.#heights.at(slot) === height) return false
    this.#heights.set(slot, height)
    return true
  }

  /** Forgets all measures, as when the lines become wider. */
  unmeasure(): void {
    for (let place = this.#start; place < this.#end; place++) this.measured(place, this.#height)
  }

  /** The place nearest above (-1) or below (1) another where the pattern occurs; beyond
   * the last comes the first. */
  match(from: number, direction: 1 | -1): number | undefined {
    const matches = this.#matches
    if (this.matches === 0) return undefined
    let i = this.rank(direction > 0 ? from + 1 : from)
    if (direction < 0) i--
    const count = this.matches
    return matches[this.#firstMatch + ((i + count) % count)]
  }

  /** Which of the matches stands at a place, counting from 1; 0 is none. */
  matchAt(place: number): number {
    const above = this.rank(place)
    return this.#matches[this.#firstMatch + above] === place ? above + 1 : 0
  }

  /** How many matches stand above a place. */
  rank(place: number): number {
    let low = this.#firstMatch
    let high = this.#matches.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#matches[middle] as number) < place) low = middle + 1
      else high = middle
    }
    return low - this.#firstMatch
  }

  #numberAt(place: number): number {
    return this.#numbers[place % this.lines.max] as number
  }

  #examine(line: Line): void {
    const { level, pattern, only } = this.#criteria
    if (level !== undefined && !(rank(line.level) >= rank(level))) return
    const found = pattern.kind === 'pattern' && says(line, pattern.regexp)
    if (only && pattern.kind === 'pattern' && !found) return
    const place = this.#end++
    this.#numbers[place % this.lines.max] = line.number
    this.#heights.set(place % this.lines.max, this.#height)
    if (found) this.#matches.push(place)
  }
}

function rank(level: Level | undefined): number {
  return level === undefined ? -1 : LEVELS.indexOf(level)
}

/** What a line says, fit to be seen. */
export interface Words {
  /** The event's type and key. */
  readonly tag: string
  readonly said: Styled
  readonly rest: string
}

/** Reads what a line says. That a log record is of type "log" need not be said. */
export function wordsOf({ event }: Line, kind: Lines['kind']): Words {
  const { text, rest } = logParts(event.data)
  const tag = [kind === 'log' ? '' : event.type, event.key].filter(Boolean).join(' ')
  return { tag: visible(tag), said: parseANSI(text), rest: visible(rest) }
}

function says(line: Line, regexp: RegExp): boolean {
  const { text, rest } = logParts(line.event.data)
  const said = text.includes('\x1b') ? parseANSI(text).text : visible(text)
  if (occurs(regexp, said)) return true
  if (rest !== '' && occurs(regexp, visible(rest))) return true
  const { key, stream } = line.event
  return (key !== undefined && occurs(regexp, key)) || occurs(regexp, stream)
}
