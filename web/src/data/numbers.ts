import type { Cadence } from './cadence'
import { Columns } from './columns'
import type { Envelope } from './envelope'
import { isObject, shapeOf } from './shape'
import { type Label, parseLabel, type Unit } from './units'

/** How long numbers are kept for charts, in ms. */
export const WINDOW = 5 * 60_000

/** Lines beyond this many are counted, not kept. */
const MAX_SERIES = 128

/** One line of numbers: a field of the data, of one key if the stream has keys. */
export interface Series {
  readonly field: string
  readonly key: string | undefined
  readonly label: Label
  readonly column: number
}

/** The numbers of a stream by time: one series for each field and key. */
export class Numbers {
  readonly kind = 'numbers'
  readonly columns = new Columns(WINDOW)
  readonly series: Series[] = []
  readonly #stream: string
  readonly #index = new Map<string, Series>()
  readonly #dropped = new Set<string>()

  constructor(stream: string) {
    this.#stream = stream
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

  /** Takes an event; false if its data is not of numbers. Null is a gap. */
  append(event: Envelope, cadence: Cadence): boolean {
    if (event.data === null) {
      this.columns.breakAt(event.at)
      return true
    }
    if (shapeOf(event.data) !== 'numbers') return false
    this.#breakSilence(event.at, cadence)
    const cells: [number, number][] = []
    for (const [field, value] of fields(event)) {
      const column = this.#column(field, event.key, value)
      if (column !== undefined) cells.push([column, value])
    }
    if (cells.length > 0) this.columns.set(event.at, cells)
    return true
  }

  /** A line must not bridge a time in which a regular stream was silent. */
  #breakSilence(at: number, cadence: Cadence): void {
    const last = this.columns.times.at(-1)
    if (last === undefined || at - last < 2000) return
    const { interval } = cadence
    if (interval !== undefined && at - last > 5 * interval) this.columns.breakAt(last + interval)
  }

  #column(field: string, key: string | undefined, value: number): number | undefined {
    const id = key === undefined ? field : `${field}\0${key}`
    const known = this.#index.get(id)
    if (known !== undefined) return known.column
    const label = this.#label(field)
    // A member that repeats the key, such as a core's number, measures nothing. One
    // with a unit, or that has ever differed from the key, does.
    if (label.unit === 'count' && String(value) === key) return undefined
    if (this.series.length >= MAX_SERIES) {
      if (this.#dropped.size < 1000) this.#dropped.add(id)
      return undefined
    }
    const series = { field, key, label, column: this.columns.addColumn() }
    this.#index.set(id, series)
    this.series.push(series)
    return series.column
  }

  /** A bare number is labelled by its stream: `web.latency_ms` is in ms. */
  #label(field: string): Label {
    if (field !== '') return parseLabel(field)
    return { text: '', unit: parseLabel(this.#stream.split('.').at(-1) ?? '').unit }
  }
}

function* fields(event: Envelope): Generator<[string, number]> {
  if (typeof event.data === 'number') {
    yield ['', event.data]
    return
  }
  if (!isObject(event.data)) return
  for (const [field, value] of Object.entries(event.data)) {
    if (typeof value === 'number') yield [field, value]
  }
}
