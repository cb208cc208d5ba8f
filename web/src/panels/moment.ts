import type { PanelDefinition } from '../dashboard/definition'
import type { Numbers, Series } from '../data/numbers'
import type { Session } from '../page/session'
import type { Span, Timeline } from '../time/timeline'

/** A view's window up to this long, in ms, is shown once it is whole: a count that
 * begins anew every ten seconds would saw, and a quantile of the first two values
 * jump. A longer one is shown as it grows. */
const PATIENCE = 5 * 60_000

/** Values of a view without a row for so many windows are not current any more. */
const PATIENT_ROWS = 5

/** What painters ask about the page's time. */
export type Page = Pick<Session, 'timeline' | 'connection'>

/** The times that a panel shows: its own window's, or the page's. */
export function spanOf(definition: PanelDefinition, timeline: Timeline): Span {
  if (definition.window === undefined) return timeline.span
  const to = timeline.now
  return { from: to - definition.window, to }
}

/** The instant up to which everything that happened has arrived, in epoch ms: while
 * the connection is down, silence says nothing. */
export function knownUntil({ timeline, connection }: Page): number {
  const state = connection.get()
  switch (state.status) {
    case 'live':
      return Number.POSITIVE_INFINITY
    case 'retrying':
      return timeline.now + timeline.behind - Math.max(0, Date.now() - state.since)
    default:
      return Number.NEGATIVE_INFINITY
  }
}

/** Whether what a window holds may still change, or was not to be known then. */
export function isIncomplete(window: number, every: number, now: number): boolean {
  return window + every > now
}

/** The value of a series that is shown: that of the instant that is pointed at, or
 * the newest. NaN if there is none. */
export function shownValue(numbers: Numbers, series: Series, page: Page): number {
  const { timeline } = page
  const { columns } = numbers
  const every = series.grid?.every ?? 0
  const now = Math.min(timeline.moment, timeline.now)
  if (every === 0) return columns.lastUntil(series.column, now)
  // A row whose window went on after the connection was lost is not the whole of it.
  const known = knownUntil(page)
  const hovered = timeline.hover.get() !== undefined
  const moment = Number.isFinite(known) && !hovered ? Math.min(now, known) : now
  const window = shownWindow(series, every, moment, timeline, hovered)
  const row = columns.numberUntil(series.column, window)
  const at = row < 0 ? Number.NEGATIVE_INFINITY : columns.timeAt(row)
  if (at === window) return columns.valueAt(series.column, row)
  const sliding = series.grid?.facts?.sliding ?? false
  // The newest of windows that slide comes a moment after it has begun.
  if (sliding && at === window - every) return columns.valueAt(series.column, row)
  if (series.additive) {
    // Without any row nothing is known of the past; now there would be one.
    const none = hovered ? Number.POSITIVE_INFINITY : window
    const first = columns.length > 0 ? columns.timeAt(0) : none
    return window >= first && !isIncomplete(window, hovered ? every : 0, known) ? 0 : Number.NaN
  }
  const held = series.field === 'last' || (!hovered && at >= window - PATIENT_ROWS * every)
  if (held && row >= 0) return columns.valueAt(series.column, row)
  // While no window is whole, what there is of the first one says more than nothing.
  if (hovered || timeline.mode.get().kind !== 'live') return Number.NaN
  const newest = columns.numberUntil(series.column, moment)
  return newest > row ? columns.valueAt(series.column, newest) : Number.NaN
}

/** The window whose row is shown. What is pointed at is the window under it. */
function shownWindow(
  { field, grid }: Series,
  every: number,
  moment: number,
  timeline: Timeline,
  hovered: boolean,
): number {
  const window = Math.floor(moment / every) * every
  if (hovered) return window
  // While time stands still, a window that was not over has what came later in it.
  if (timeline.mode.get().kind !== 'live') return window - every
  // A last value is whole at any time, and windows that slide nearly are.
  const growing = field !== 'last' && !grid?.facts?.sliding && every <= PATIENCE
  return growing ? window - every : window
}
