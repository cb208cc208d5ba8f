/**
 * The heights of slots that lie above each other, and where each begins: a Fenwick
 * tree, so that changing one and finding one take log n steps. 100,000 lines of which
 * any may be wrapped or open cost no more than that for each line that is drawn.
 */
export class Heights {
  readonly #sums: Float64Array
  readonly #heights: Float32Array
  readonly #top: number
  #total = 0

  constructor(size: number) {
    this.#sums = new Float64Array(size + 1)
    this.#heights = new Float32Array(size)
    this.#top = 2 ** Math.floor(Math.log2(size))
  }

  get total(): number {
    return this.#total
  }

  at(slot: number): number {
    return this.#heights[slot] as number
  }

  set(slot: number, height: number): void {
    const change = height - this.at(slot)
    if (change === 0) return
    this.#heights[slot] = height
    this.#total += change
    for (let i = slot + 1; i < this.#sums.length; i += i & -i) {
      this.#sums[i] = (this.#sums[i] as number) + change
    }
  }

  /** The height of all slots before one. */
  before(slot: number): number {
    let sum = 0
    for (let i = slot; i > 0; i -= i & -i) sum += this.#sums[i] as number
    return sum
  }

  /** The slot in which a height from the first one's beginning lies. */
  find(height: number): number {
    let slot = 0
    for (let step = this.#top; step > 0; step >>= 1) {
      const next = slot + step
      if (next < this.#sums.length && (this.#sums[next] as number) <= height) {
        slot = next
        height -= this.#sums[next] as number
      }
    }
    return Math.min(slot, this.#heights.length - 1)
  }

  clear(): void {
    this.#sums.fill(0)
    this.#heights.fill(0)
    this.#total = 0
  }
}
