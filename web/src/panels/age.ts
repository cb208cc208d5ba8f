import { type Freshness, freshness } from '../data/cadence'
import type { Series } from '../data/numbers'
import type { Source } from '../data/source'
import { formatAge } from '../data/units'
import { knownUntil, type Page, shownValue } from './moment'

/** How old what a panel shows is. */
export interface Age {
  /** In ms; infinite before the first event. */
  readonly age: number
  /** The ms within which something new is expected; undefined if nothing is. */
  readonly interval: number | undefined
  readonly state: Freshness
}

/** How old a source's newest event is, against what is expected of it. A view's row is
 * as old as the beginning of its window, and comes when something happens in it: two
 * windows, as freshness grants them, are what the next one may take. */
export function ageOf(source: Source, page: Page): Age {
  const interval = intervalOf(source, page)
  const { now } = page.timeline
  const silence = now - knownAt(source, page)
  const age = isAdditive(source) ? silence : now - source.lastAt
  return { age, interval, state: freshness(silence, interval) }
}

/** A number claims to be true now. A line of a log is as true as it was. */
function intervalOf(source: Source, page: Page): number | undefined {
  const { content, cadence } = source
  if (content?.kind === 'rows') return cadence.interval
  if (content?.kind !== 'numbers' || isSilentZero(source, page)) return undefined
  const every = shortestOf(content.series)
  // However rarely something is counted, every window would have had its count.
  if (isAdditive(source)) return every ?? cadence.interval
  // What is known to come irregularly may stay away, as long as one would hear of it.
  return cadence.interval ?? (isLive(page) && cadence.isIrregular ? undefined : every)
}

/** What stands in for values where there were some, but none is of the moment; ''
 * where there is one, or never was. */
export function absenceOf({ content, lastAt }: Source, page: Page): string {
  if (content?.kind !== 'numbers' || content.series.length === 0) return ''
  if (content.series.some((s) => !Number.isNaN(shownValue(content, s, page)))) return ''
  const { mode, hover, now } = page.timeline
  const present = mode.get().kind === 'live' && hover.get() === undefined
  return present ? `Nothing for ${formatAge(now - lastAt)}` : 'Nothing at this time'
}

/** How far the rows of views are apart, or undefined where that is not known. */
function shortestOf(series: readonly Series[]): number | undefined {
  let shortest = Number.POSITIVE_INFINITY
  for (const { grid } of series) {
    if (grid !== undefined && grid.every > 0) shortest = Math.min(shortest, grid.every)
  }
  return Number.isFinite(shortest) ? shortest : undefined
}

/** The instant of the newest that is known: silence that says something does so until
 * the connection was lost. */
function knownAt(source: Source, page: Page): number {
  const silence = isAdditive(source) || source.cadence.isIrregular
  if (isLive(page) || !silence) return source.lastAt
  return Math.max(source.lastAt, knownUntil(page))
}

/** Whether silence is a value: a count of what did not happen is zero, as long as
 * it would be heard. */
export function isSilentZero(source: Source, page: Page): boolean {
  return isLive(page) && isAdditive(source)
}

function isAdditive({ content }: Source): boolean {
  if (content?.kind !== 'numbers' || content.series.length === 0) return false
  return content.series.every((s) => s.additive)
}

function isLive({ connection }: Page): boolean {
  return connection.get().status === 'live'
}
