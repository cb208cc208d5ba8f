/** Marks a value in {@link Columns} as missing where events were lost: a line
 * breaks there. NaN marks what merely isn't there, such as the other keys of an
 * event's row. JSON has neither. */
export const GAP = Number.POSITIVE_INFINITY

const FIRST_CAPACITY = 64

/**
 * A table of numbers by time, in typed arrays: rows by rising time, columns
 * appended as they turn up. It holds at most `maxRows`; what is older than the
 * window goes first, and when all rows are within the window, neighbours are
 * merged so that extremes survive. Memory is bounded by 8 bytes × maxRows for
 * each column.
 */
export class Columns {
  readonly #maxRows: number
  readonly #window: number
  #capacity = FIRST_CAPACITY
  #start = 0
  #end = 0
  #times = new Float64Array(FIRST_CAPACITY)
  readonly #values: Float64Array[] = []

  /** @param window how long a row is wanted, in the unit of its times */
  constructor(window: number, maxRows = 2048) {
    this.#window = window
    this.#maxRows = maxRows
  }

  /** The number of rows. */
  get length(): number {
    return this.#end - this.#start
  }

  /** The number of columns. */
  get width(): number {
    return this.#values.length
  }

  /** The rows' times, rising; a view that the next change invalidates. */
  get times(): Float64Array {
    return this.#times.subarray(this.#start, this.#end)
  }

  /** A column's values; a view that the next change invalidates. */
  column(index: number): Float64Array {
    const values = this.#values[index]
    if (values === undefined) throw new RangeError(`no column ${index} of ${this.width}`)
    return values.subarray(this.#start, this.#end)
  }

  /** Appends a column, empty so far, and returns its index. */
  addColumn(): number {
    return this.#values.push(new Float64Array(this.#capacity).fill(Number.NaN)) - 1
  }

  /** The time of a row. */
  timeAt(row: number): number {
    return this.#times[this.#start + row] as number
  }

  /** The value of a row in a column. Unlike {@link column} it makes no view. */
  valueAt(column: number, row: number): number {
    return (this.#values[column] as Float64Array)[this.#start + row] as number
  }

  /** The last row that is not later than the time, or -1. */
  rowUntil(time: number): number {
    let [low, high] = [this.#start, this.#end]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#times[middle] as number) <= time) low = middle + 1
      else high = middle
    }
    return low - 1 - this.#start
  }

  /** The newest value of a column that is a number, or NaN. */
  last(index: number): number {
    return this.lastUntil(index, Number.POSITIVE_INFINITY)
  }

  /** The newest value of a column that is a number and not later than the time, or
   * NaN: what a panel that stands still at that time shows. */
  lastUntil(index: number, time: number): number {
    const row = this.numberUntil(index, time)
    return row < 0 ? Number.NaN : this.valueAt(index, row)
  }

  /** The newest row, not later than the time, in which a column has a number, or -1. */
  numberUntil(index: number, time: number): number {
    for (let row = this.rowUntil(time); row >= 0; row--) {
      if (Number.isFinite(this.valueAt(index, row))) return row
    }
    return -1
  }

  /** The first row, not before the time, in which a column has a number, or -1. */
  numberSince(index: number, time: number): number {
    let row = this.rowUntil(time)
    if (row < 0 || this.timeAt(row) < time) row++
    for (; row < this.length; row++) if (Number.isFinite(this.valueAt(index, row))) return row
    return -1
  }

  /** Sets values, as pairs of column and value, in the row of that time; a new
   * row if there is none or one of the cells is taken and not to be replaced. */
  set(time: number, cells: readonly (readonly [number, number])[], replace = false): void {
    let row = this.#find(time)
    if (row < 0 || (!replace && this.#taken(row, cells))) row = this.#insert(time)
    for (const [column, value] of cells) (this.#values[column] as Float64Array)[row] = value
  }

  #taken(row: number, cells: readonly (readonly [number, number])[]): boolean {
    for (const [column] of cells) {
      if (!Number.isNaN((this.#values[column] as Float64Array)[row])) return true
    }
    return false
  }

  /** Breaks every line at the time. */
  breakAt(time: number): void {
    if (this.width === 0) return
    const row = this.#insert(time)
    for (const values of this.#values) values[row] = GAP
  }

  /** The last row with that time, or -1. */
  #find(time: number): number {
    const row = this.#start + this.rowUntil(time)
    return row >= this.#start && this.#times[row] === time ? row : -1
  }

  #insert(time: number): number {
    if (this.#end === this.#capacity) this.#makeRoom(time)
    const row = this.#start + this.rowUntil(time) + 1
    this.#clear(this.#times, row)
    for (const values of this.#values) this.#clear(values, row)
    this.#times[row] = time
    this.#end++
    return row
  }

  /** Makes a row empty, moving what is later. */
  #clear(array: Float64Array, row: number): void {
    if (row < this.#end) array.copyWithin(row + 1, row, this.#end)
    array[row] = Number.NaN
  }

  #makeRoom(now: number): void {
    // One row before the window stays: a line enters from it.
    while (this.length > 1 && (this.#times[this.#start + 1] as number) < now - this.#window) {
      this.#start++
    }
    if (this.length > this.#maxRows / 2 && this.#capacity >= this.#maxRows) this.#thin()
    if (this.length > this.#capacity / 2) {
      this.#capacity = Math.min(this.#capacity * 2, this.#maxRows)
    }
    this.#times = this.#moved(this.#times)
    for (const [i, values] of this.#values.entries()) this.#values[i] = this.#moved(values)
    this.#end -= this.#start
    this.#start = 0
  }

  #moved(array: Float64Array): Float64Array<ArrayBuffer> {
    const next = new Float64Array(this.#capacity).fill(Number.NaN)
    next.set(array.subarray(this.#start, this.#end))
    return next
  }

  /** Leaves one row in each grain of time, so that what is left is as fine in the
   * past as it is now. Of several values each column keeps the one that is farthest
   * from the one before, so that peaks stay visible. */
  #thin(): void {
    const grain = (2 * this.#window) / this.#maxRows
    let out = this.#start
    for (let row = this.#start + 1; row < this.#end; row++) {
      const same = this.#grainOf(row, grain) === this.#grainOf(out, grain)
      if (!same) this.#times[++out] = this.#times[row] as number
      for (const values of this.#values) {
        const value = values[row] as number
        const before = out > this.#start ? (values[out - 1] as number) : Number.NaN
        values[out] = same ? farther(before, values[out] as number, value) : value
      }
    }
    this.#end = out + 1
    // Times far apart, as from a publisher's broken clock, can fill all grains.
    this.#start = Math.max(this.#start, this.#end - (this.#maxRows * 3) / 4)
  }

  #grainOf(row: number, grain: number): number {
    return Math.floor((this.#times[row] as number) / grain)
  }
}

function farther(before: number, a: number, b: number): number {
  if (a === GAP || b === GAP) return GAP
  if (Number.isNaN(a)) return b
  if (Number.isNaN(b)) return a
  return Math.abs(a - before) > Math.abs(b - before) ? a : b
}
