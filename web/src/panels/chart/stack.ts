/**
 * Puts columns upon each other, the first at the bottom. A column with a gap (null)
 * is broken there and adds nothing; where it merely has no value of its own at a
 * time (undefined), the one before still counts.
 */
export function stackInPlace(columns: readonly (number | null | undefined)[][]): void {
  const sums = new Float64Array(columns[0]?.length ?? 0)
  for (const column of columns) {
    let last: number | null = null
    for (let j = 0; j < column.length; j++) {
      const v = column[j]
      if (v !== undefined) last = v
      if (last === null) column[j] = null
      else {
        sums[j] = (sums[j] as number) + last
        column[j] = sums[j] as number
      }
    }
  }
}
