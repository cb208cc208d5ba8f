import type { Cadence } from './cadence'
import { Columns } from './columns'
import { type Envelope, VIEW_ROW } from './envelope'
import { valueAt } from './pointer'
import { isObject, shapeOf } from './shape'
import { type Label, parseLabel, type Unit } from './units'
import { isAdditive, readView, type ViewFacts } from './views'

/** Lines beyond this many are counted, not kept. */
const MAX_SERIES = 256

/** Numbers lie at most so deep in an event's data. */
const MAX_DEPTH = 4

/** Words beyond this many are no states. */
const MAX_STATES = 64

/** The windows of a view's rows. */
export interface Grid {
  /** They begin at multiples of this many ms; 0 while that is not known. */
  readonly every: number
  /** What the view's text says, where that is known. */
  readonly facts: ViewFacts | undefined
}

/** One line of numbers: a field of the data, of one key if the events have keys. */
export interface Series {
  /** The field's path, such as `busy_percent` or `latency/p95`; empty where the
   * data is a number itself. Of a view's row it is the function. */
  readonly field: string
  readonly key: string | undefined
  readonly label: Label
  readonly column: number
  /** Where the numbers are a view's rows. */
  readonly grid: Grid | undefined
  /** Whether a window without a row has the value zero, rather than none. */
  readonly additive: boolean
}

/** What {@link Numbers} keep. */
export interface NumbersOptions {
  /** Whose numbers they are; the last token may name the unit. */
  readonly name: string
  /** How long they are kept, in ms. */
  readonly window: number
  /** JSON pointers to the numbers wanted. Default: all that there are. */
  readonly fields?: readonly string[] | undefined
  /** The keys wanted. Default: all. */
  readonly keys?: readonly string[] | undefined
  /** Tells streams apart where there are several: what of the name goes into keys. */
  readonly keyOf?: ((event: Pick<Envelope, 'stream' | 'key'>) => string | undefined) | undefined
  /** Takes words and truth values too, as states; see {@link Numbers.stateOf}. */
  readonly states?: boolean | undefined
}

interface View extends Grid {
  every: number
  /** A row's time; those of the others differ by multiples of `every`. */
  readonly origin: number
  facts: ViewFacts | undefined
}

/** A field that is wanted. */
interface Wanted {
  readonly pointer: string
  readonly name: string
  /** Whether it is a member of the data itself. */
  readonly flat: boolean
}

/** Numbers by time: one series for each field and key. */
export class Numbers {
  readonly kind = 'numbers'
  readonly columns: Columns
  readonly series: Series[] = []
  readonly #options: NumbersOptions
  readonly #wanted: readonly Wanted[] | undefined
  readonly #index = new Map<string, Map<string | undefined, Series>>()
  readonly #views = new Map<string, View>()
  readonly #dropped = new Set<string>()
  readonly #states: string[] = []
  // Cells of the event at hand; the pairs are used again for the next one.
  readonly #pairs: [number, number][] = []
  readonly #cells: [number, number][] = []

  constructor(options: NumbersOptions) {
    this.#options = options
    this.#wanted = options.fields?.map((pointer) => ({
      pointer,
      name: pointer.slice(1),
      flat: /^\/[^/~]+$/.test(pointer),
    }))
    // Twice the window: who pauses still has the past in front of the picture.
    this.columns = new Columns(2 * options.window, 4096)
  }

  /** Whether events say what they are the newest value of. */
  get keyed(): boolean {
    return this.series.some((s) => s.key !== undefined)
  }

  /** Series that there was no room for; counts up to 1,000. */
  get dropped(): number {
    return this.#dropped.size
  }

  /** The units that occur, in the order in which they turned up. */
  get units(): Unit[] {
    return [...new Set(this.series.map((s) => s.label.unit))]
  }

  /** What a series' view says of itself, by the name under which its rows come. */
  factsOf(stream: string): ViewFacts | undefined {
    return this.#views.get(stream)?.facts
  }

  /** The word of a state's number. */
  stateOf(n: number): string | undefined {
    return this.#states[n]
  }

  /** Takes an event; false if its data has no numbers. Null is a gap. */
  append(event: Envelope, cadence: Cadence): boolean {
    if (event.data === null) {
      this.columns.breakAt(event.at)
      return true
    }
    const view = event.type === VIEW_ROW ? this.#view(event) : undefined
    const { keys, keyOf, states } = this.#options
    const wanted = this.#wanted
    if (wanted === undefined && view === undefined && !states) {
      if (shapeOf(event.data) !== 'numbers') return false
    }
    if (keys !== undefined && (event.key === undefined || !keys.includes(event.key))) return true
    if (view === undefined) this.#breakSilence(event.at, cadence)
    const key = keyOf === undefined ? event.key : keyOf(event)
    this.#cells.length = 0
    if (wanted === undefined) this.#takeAll(event.data, '', 0, key, view)
    else for (const field of wanted) this.#take(wantedOf(event.data, field), field.name, key, view)
    if (this.#cells.length > 0) this.columns.set(event.at, this.#cells, view !== undefined)
    return true
  }

  /** Takes all numbers of the data with their paths. */
  #takeAll(data: unknown, path: string, depth: number, key: string | undefined, view?: View): void {
    if (typeof data !== 'object') this.#take(data, path, key, view)
    else if (Array.isArray(data)) {
      if (view !== undefined) this.#takeBuckets(data, path, view)
    } else if (isObject(data) && depth < MAX_DEPTH) {
      for (const name in data) {
        this.#takeAll(data[name], path === '' ? name : `${path}/${name}`, depth + 1, key, view)
      }
    }
  }

  /** A histogram's buckets are series, whose keys are their upper bounds. */
  #takeBuckets(buckets: readonly unknown[], path: string, view: View): void {
    for (const bucket of buckets) {
      if (Array.isArray(bucket)) this.#take(bucket[1], path, String(bucket[0]), view)
    }
  }

  #take(raw: unknown, field: string, key: string | undefined, view: View | undefined): void {
    const value = this.#number(raw)
    if (value === undefined) return
    const column = this.#column(field, key, value, view)
    if (column === undefined) return
    const n = this.#cells.length
    const pair = this.#pairs[n] ?? [0, 0]
    this.#pairs[n] = pair
    pair[0] = column
    pair[1] = value
    this.#cells.push(pair)
  }

  #number(value: unknown): number | undefined {
    if (this.#options.states) {
      if (value === null || typeof value === 'object' || value === undefined) return undefined
      const word = String(value)
      const known = this.#states.indexOf(word)
      if (known >= 0) return known
      return this.#states.length < MAX_STATES ? this.#states.push(word) - 1 : undefined
    }
    if (typeof value === 'boolean') return value ? 1 : 0
    return typeof value === 'number' ? value : undefined
  }

  /** A line must not bridge a time in which a regular stream was silent. */
  #breakSilence(at: number, cadence: Cadence): void {
    const { columns } = this
    if (columns.length === 0) return
    const last = columns.timeAt(columns.length - 1)
    if (at - last < 2000) return
    const { interval } = cadence
    if (interval !== undefined && at - last > 5 * interval) columns.breakAt(last + interval)
  }

  #column(field: string, key: string | undefined, value: number, view?: View): number | undefined {
    let keys = this.#index.get(field)
    if (keys === undefined) {
      keys = new Map()
      this.#index.set(field, keys)
    }
    const known = keys.get(key)
    if (known !== undefined) return known.column
    const label = this.#label(field, view)
    // A member that repeats the key, such as a core's number, measures nothing. One
    // with a unit, or that has ever differed from the key, does.
    const measures = this.#options.states || view !== undefined || label.unit !== 'count'
    if (!measures && String(value) === key) return undefined
    if (this.series.length >= MAX_SERIES) {
      if (this.#dropped.size < 1000) this.#dropped.add(`${field}\0${key}`)
      return undefined
    }
    const column = this.columns.addColumn()
    const additive = view !== undefined && isAdditive(field)
    const series = { field, key, label, column, grid: view, additive }
    keys.set(key, series)
    this.series.push(series)
    return column
  }

  /** A bare number is labelled by its stream: `web.latency_ms` is in ms. */
  #label(field: string, view: View | undefined): Label {
    if (view?.facts !== undefined) return { text: field, unit: view.facts.unitOf(field) }
    if (field !== '') return parseLabel(field.slice(field.lastIndexOf('/') + 1))
    return { text: '', unit: parseLabel(this.#options.name.split('.').at(-1) ?? '').unit }
  }

  /** The view that a row is of. Where its name does not say how far its rows are
   * apart, they do: their times differ by multiples of that. */
  #view({ stream, at }: Envelope): View {
    const known = this.#views.get(stream)
    if (known === undefined) {
      const facts = readView(stream)
      const view = { facts, every: facts?.every ?? 0, origin: at }
      this.#views.set(stream, view)
      return view
    }
    if (known.facts === undefined) known.every = divisor(known.every, Math.abs(at - known.origin))
    return known
  }

  /** Notes what a view is whose rows come under a name of their own, or not at all:
   * a count of nothing has no rows, and is a value nevertheless. */
  describe(stream: string, text: string): void {
    const facts = readView(text)
    if (facts === undefined) return
    const view = this.#views.get(stream) ?? { facts, every: facts.every, origin: 0 }
    Object.assign(view, { facts, every: facts.every })
    this.#views.set(stream, view)
    if (facts.by !== undefined) return
    const key = this.#options.keyOf?.({ stream, key: undefined })
    for (const fn of facts.functions) {
      const wanted = this.#wanted?.some(({ name }) => name === fn) ?? true
      if (wanted && fn !== 'histogram' && isAdditive(fn)) this.#column(fn, key, Number.NaN, view)
    }
  }
}

function wantedOf(data: unknown, { pointer, name, flat }: Wanted): unknown {
  if (flat && isObject(data)) return Object.hasOwn(data, name) ? data[name] : undefined
  return valueAt(data, pointer)
}

/** The greatest common divisor of two durations; 0 is divided by everything. */
function divisor(a: number, b: number): number {
  while (b > 0) [a, b] = [b, a % b]
  return a
}
