/** Where the rows of a list are, in px from its top. */
export interface Rows {
  readonly total: number
  top(index: number): number
  /** The row at a distance from the top. */
  at(y: number): number
}

/** Rows that are all of the same height. */
export function evenRows(count: number, height: number): Rows {
  return {
    total: count * height,
    top: (index) => index * height,
    at: (y) => clamp(Math.floor(y / height), count),
  }
}

/** Rows of which each has a height of its own. */
export function unevenRows(count: number, heightOf: (index: number) => number): Rows {
  const tops = new Float64Array(count + 1)
  for (let i = 0; i < count; i++) tops[i + 1] = (tops[i] as number) + heightOf(i)
  return {
    total: tops[count] as number,
    top: (index) => tops[index] as number,
    at(y) {
      let [low, high] = [0, count]
      while (low < high) {
        const middle = (low + high) >> 1
        if ((tops[middle + 1] as number) <= y) low = middle + 1
        else high = middle
      }
      return clamp(low, count)
    },
  }
}

function clamp(index: number, count: number): number {
  return Math.max(0, Math.min(index, count - 1))
}
