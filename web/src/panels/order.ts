/** Orders change at most this often, in ms. */
const SETTLED = 1000

/**
 * The order of things by a changing value that a reader can follow: it changes at
 * most once a second, and not while it is held, as under a pointer. What is new
 * comes last until then.
 */
export class SteadyOrder<K> {
  #order: K[] = []
  #sorted = Number.NEGATIVE_INFINITY
  #held = false
  #by: unknown

  /** Holds the order, or lets it go. */
  hold(held: boolean): void {
    this.#held = held
  }

  /**
   * The keys in their order.
   * @param compare how they are to be sorted; equal ones stay as they were
   * @param now in ms
   * @param by what the reader sorts by: another one takes effect at once
   */
  of(keys: readonly K[], compare: (a: K, b: K) => number, now: number, by?: unknown): K[] {
    const present = new Set(keys)
    const known = new Set(this.#order)
    const kept = this.#order.filter((key) => present.has(key))
    for (const key of keys) if (!known.has(key)) kept.push(key)
    const due =
      by !== this.#by || known.size === 0 || (!this.#held && now - this.#sorted >= SETTLED)
    if (due) {
      kept.sort(compare)
      this.#sorted = now
      this.#by = by
    }
    this.#order = kept
    return kept
  }
}

/** Holds an order while a pointer or the focus is within the element. */
export function holdWithin(
  element: HTMLElement,
  order: SteadyOrder<never>,
  signal: AbortSignal,
): void {
  for (const [type, held] of [
    ['pointerenter', true],
    ['pointerleave', false],
    ['focusin', true],
    ['focusout', false],
  ] as const) {
    element.addEventListener(type, () => order.hold(held), { signal })
  }
}
