import 'server-only'
import { publish } from './publish'
import { once } from './state'
import type { Traffic } from './streams'

/** Ms for which a tab counts as read after it was last heard of. It says so every 20 s. */
const SILENCE = 60_000
/** Ms that a tab which left has to come back in, as every full page load is a leave first. */
const GRACE = 1500
const MINUTE = 60_000
const SAMPLE = 5000
/** Ms within which changes make one event. */
const SETTLE = 150
/** Whoever floods the site makes the count wrong, not the server fall over. */
const MOST = 20_000

/** Who is here, as far as this process knows. */
class Presence {
  /** Until when each tab counts, by a random id that it gave itself. */
  readonly #tabs = new Map<string, number>()
  #views: number[] = []
  #soon: NodeJS.Timeout | undefined

  seen(tab: string): void {
    if (!this.#tabs.has(tab) && this.#tabs.size >= MOST) return
    const isNew = (this.#tabs.get(tab) ?? 0) < Date.now()
    this.#tabs.set(tab, Date.now() + SILENCE)
    if (isNew) this.#changed(SETTLE)
  }

  left(tab: string): void {
    if (!this.#tabs.has(tab)) return
    this.#tabs.set(tab, Date.now() + GRACE)
    this.#changed(GRACE + SETTLE)
  }

  viewed(): void {
    if (this.#views.length < MOST) this.#views.push(Date.now())
    this.#changed(SETTLE)
  }

  now(): Traffic {
    const at = Date.now()
    for (const [tab, until] of this.#tabs) if (until < at) this.#tabs.delete(tab)
    this.#views = this.#views.filter((view) => view > at - MINUTE)
    return { at, visitors: this.#tabs.size, views: this.#views.length }
  }

  #changed(wait: number): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined
      publish('site.visitors', this.now())
    }, wait).unref()
  }
}

export const presence = () => once('presence', () => new Presence())

/** Publishes every few seconds how it is, also when nothing changes: so a chart goes on,
 * and whoever follows knows what time it is. */
export function startSampling(): void {
  once('sampling', () =>
    setInterval(() => publish('site.visitors', presence().now()), SAMPLE).unref(),
  )
}
