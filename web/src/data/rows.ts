import { type Envelope, VIEW_ROW } from './envelope'
import { isObject, type Row, rowsIn, shapeOf } from './shape'

/** A table as one event had it. */
export interface Snapshot {
  readonly at: number
  readonly rows: readonly Row[]
  /** The scalars beside the rows. */
  readonly facts: Row
}

/** A row of a keyed table: the newest that there was of its key. */
export interface KeyedRow {
  readonly key: string
  readonly at: number
  /** The data's members, by their paths. */
  readonly row: Row
}

/** What {@link Rows} keep. */
export interface RowsOptions {
  /** Whether an event that is no table is a row of one, by its key. */
  readonly keyed?: boolean
  /** How many tables are kept. */
  readonly tables?: number
}

const NONE: Snapshot = { at: Number.NEGATIVE_INFINITY, rows: [], facts: {} }

/** Keys beyond this many are counted, not kept. */
const MAX_KEYS = 1000

/** How many rows are kept over all keys, and of each at the least. */
const MAX_ROWS = 20_000
const MIN_ROWS = 20
const MAX_OF_KEY = 600

/** Data lies at most so deep in a row. */
const MAX_DEPTH = 4

/** The tables of a stream whose events are tables, or the one table whose rows are
 * the newest events of each key. */
export class Rows {
  readonly kind = 'rows'
  readonly #keyed: boolean
  readonly #tables: number
  readonly #snapshots: Snapshot[] = []
  readonly #keys = new Map<string, KeyedRow[]>()
  #more = 0

  constructor({ keyed = false, tables = 600 }: RowsOptions = {}) {
    this.#keyed = keyed
    this.#tables = tables
  }

  /** Whether the rows are those of keys. */
  get keyed(): boolean {
    return this.#keys.size > 0 && this.#snapshots.length === 0
  }

  /** Rows of keys that there was no room for. */
  get more(): number {
    return this.#more
  }

  /** The table that was the newest at that time. */
  until(time: number): Snapshot {
    for (let i = this.#snapshots.length - 1; i >= 0; i--) {
      const snapshot = this.#snapshots[i] as Snapshot
      if (snapshot.at <= time) return snapshot
    }
    return NONE
  }

  /** Each key's newest row at that time, in the order in which the keys turned up. */
  rowsUntil(time: number): KeyedRow[] {
    const rows: KeyedRow[] = []
    for (const history of this.#keys.values()) {
      const row = newestUntil(history, time)
      if (row !== undefined) rows.push(row)
    }
    return rows
  }

  /** The rows of a key by time, as far as they are kept. */
  historyOf(key: string): readonly KeyedRow[] {
    return this.#keys.get(key) ?? []
  }

  /** Takes an event; false if its data is neither a table nor a row. */
  append(event: Envelope): boolean {
    const { data, at } = event
    if (Array.isArray(data) && data.length === 0) this.#push({ ...NONE, at })
    else if (shapeOf(data) !== 'rows') return this.#keyed && this.#appendRow(event)
    else if (Array.isArray(data)) this.#push({ at, rows: data, facts: {} })
    else if (isObject(data)) {
      const facts = Object.fromEntries(Object.entries(data).filter(([, v]) => !Array.isArray(v)))
      this.#push({ at, rows: rowsIn(data) ?? [], facts })
    }
    return true
  }

  #push(snapshot: Snapshot): void {
    if (this.#snapshots.length >= this.#tables) this.#snapshots.shift()
    this.#snapshots.push(snapshot)
  }

  #appendRow({ key = '', at, data, type }: Envelope): boolean {
    if (data === null || Array.isArray(data)) return false
    const history = this.#historyFor(key)
    if (history === undefined) return true
    let i = history.length
    while (i > 0 && (history[i - 1] as KeyedRow).at > at) i--
    const same = type === VIEW_ROW && history[i - 1]?.at === at
    history.splice(same ? i - 1 : i, same ? 1 : 0, { key, at, row: flat(data, '', 0, {}) })
    const room = Math.min(MAX_OF_KEY, Math.max(MIN_ROWS, Math.floor(MAX_ROWS / this.#keys.size)))
    if (history.length > room) history.splice(0, history.length - room)
    return true
  }

  #historyFor(key: string): KeyedRow[] | undefined {
    const known = this.#keys.get(key)
    if (known !== undefined) return known
    if (this.#keys.size >= MAX_KEYS) {
      this.#more++
      return undefined
    }
    const history: KeyedRow[] = []
    this.#keys.set(key, history)
    return history
  }
}

function newestUntil(history: readonly KeyedRow[], time: number): KeyedRow | undefined {
  for (let i = history.length - 1; i >= 0; i--) {
    const row = history[i] as KeyedRow
    if (row.at <= time) return row
  }
  return undefined
}

/** The data's scalars by their paths; data that is one itself is its `value`. */
function flat(data: unknown, path: string, depth: number, into: Record<string, unknown>): Row {
  if (isObject(data) && depth < MAX_DEPTH) {
    for (const name in data)
      flat(data[name], path === '' ? name : `${path}/${name}`, depth + 1, into)
  } else {
    into[path === '' ? 'value' : path] = typeof data === 'object' ? JSON.stringify(data) : data
  }
  return into
}

/** The names of a table's columns, in the order of the rows' members. */
export function columnsOf(rows: readonly Row[]): string[] {
  const names = new Set<string>()
  for (const row of rows) for (const name in row) names.add(name)
  return [...names]
}
