import type { Envelope } from './envelope'
import { isObject, type Row, rowsIn, shapeOf } from './shape'

/** The newest table of a stream whose events are tables. */
export class Rows {
  readonly kind = 'rows'
  #rows: readonly Row[] = []
  #facts: Row = {}

  /** The rows, as the newest event has them. */
  get rows(): readonly Row[] {
    return this.#rows
  }

  /** The scalars beside the rows. */
  get facts(): Row {
    return this.#facts
  }

  /** The names of the columns, in the order of the rows' members. */
  get columns(): string[] {
    return [...new Set(this.#rows.flatMap((row) => Object.keys(row)))]
  }

  /** Takes an event; false if its data is no table. */
  append(event: Envelope): boolean {
    const { data } = event
    if (Array.isArray(data) && data.length === 0) {
      this.#rows = []
      return true
    }
    if (shapeOf(data) !== 'rows') return false
    if (Array.isArray(data)) {
      this.#rows = data
    } else if (isObject(data)) {
      this.#rows = rowsIn(data) ?? []
      this.#facts = Object.fromEntries(Object.entries(data).filter(([, v]) => !Array.isArray(v)))
    }
    return true
  }
}
