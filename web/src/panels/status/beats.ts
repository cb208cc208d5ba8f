import type { State } from '../../dashboard/definition'
import { type Columns, GAP } from '../../data/columns'

/** How states outdo each other within a beat. */
const RANK: Readonly<Record<State, number>> = { idle: 0, good: 1, warn: 2, bad: 3 }

/** The lengths that a beat may have, in s: clocks know them. */
const LENGTHS = [
  1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 14_400, 43_200, 86_400,
]

/** A state's history in equal parts of time, and what it amounts to. */
export interface Beats {
  /** When the first one begins, in epoch ms; a multiple of `length`. */
  readonly start: number
  /** In ms. */
  readonly length: number
  /** The worst state of each; undefined where nothing is known. */
  readonly states: readonly (State | undefined)[]
  /** The share of the known time in which it was up: neither bad nor idle counts
   * as down but bad; NaN if nothing is known. */
  readonly uptime: number
}

/** What {@link beatsOf} is to look at. */
export interface BeatsInput {
  readonly columns: Columns
  readonly column: number
  readonly from: number
  readonly to: number
  /** How long a value holds at most, in ms. */
  readonly hold: number
  stateOf(value: number): State | undefined
}

/** The length of beats of which about `n` fill a span, in ms. */
export function beatLength(span: number, n: number): number {
  const wanted = span / Math.max(n, 1) / 1000
  return (LENGTHS.find((s) => s >= wanted) ?? (LENGTHS.at(-1) as number)) * 1000
}

/** The history of a state: each value holds until the next one, until a gap, or as
 * long as it may. */
export function beatsOf(input: BeatsInput, length: number): Beats {
  const { columns, column, from, to, hold, stateOf } = input
  const start = Math.floor(from / length) * length
  const states = new Array<State | undefined>(Math.max(1, Math.ceil((to - start) / length)))
  let [up, known] = [0, 0]
  const first = Math.max(0, columns.numberUntil(column, from))
  for (let row = first; row < columns.length; row++) {
    const at = columns.timeAt(row)
    if (at > to) break
    const value = columns.valueAt(column, row)
    if (!Number.isFinite(value)) continue
    const state = stateOf(value)
    const begin = Math.max(at, from)
    const end = Math.min(endOf(columns, column, row), at + hold, to)
    if (state === undefined || end < begin) continue
    mark(states, state, begin - start, end - start, length)
    if (state === 'idle') continue
    known += end - begin
    if (state !== 'bad') up += end - begin
  }
  return { start, length, states, uptime: known > 0 ? up / known : Number.NaN }
}

/** When the next value or gap of the column comes. */
function endOf(columns: Columns, column: number, row: number): number {
  for (let next = row + 1; next < columns.length; next++) {
    const value = columns.valueAt(column, next)
    if (value === GAP || !Number.isNaN(value)) return columns.timeAt(next)
  }
  return Number.POSITIVE_INFINITY
}

function mark(
  states: (State | undefined)[],
  state: State,
  begin: number,
  end: number,
  length: number,
): void {
  // A state that ends where a beat begins is not of that beat.
  const last = Math.min(
    states.length - 1,
    Math.max(Math.ceil(end / length) - 1, Math.floor(begin / length)),
  )
  for (let i = Math.floor(begin / length); i <= last; i++) {
    const before = states[i]
    if (before === undefined || RANK[state] > RANK[before]) states[i] = state
  }
}

const WORDS: readonly (readonly [RegExp, State])[] = [
  [
    /^(up|ok|true|1|good|healthy|pass(ed|ing)?|success|running|active|online|ready|operational)$/i,
    'good',
  ],
  [/^(warn(ing)?|degraded|slow|partial|unstable|pending)$/i, 'warn'],
  [
    /^(down|false|0|bad|fail(ed|ing|ure)?|error|critical|crit|unhealthy|offline|dead|outage)$/i,
    'bad',
  ],
]

/** What a word says of a state: as defined, or as words mostly do. */
export function stateOfWord(word: string, states: Readonly<Record<string, State>> = {}): State {
  if (Object.hasOwn(states, word)) return states[word] as State
  return WORDS.find(([pattern]) => pattern.test(word))?.[1] ?? 'idle'
}
