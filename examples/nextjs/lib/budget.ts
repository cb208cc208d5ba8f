import 'server-only'
import { once } from './state'

/**
 * Whether something may happen once more, at most so often a minute. For all visitors
 * together: what their addresses are is for the proxy in front to know.
 */
export function mayOnceMore(what: string, perMinute: number): boolean {
  const window = once(`budget.${what}`, () => ({ from: 0, count: 0 }))
  if (Date.now() - window.from > 60_000) Object.assign(window, { from: Date.now(), count: 0 })
  return ++window.count <= perMinute
}
