import type { Span } from '../time/timeline'

/** Where a panel's time axis lies on its element, in px. */
export interface Axis {
  readonly left: number
  readonly width: number
}

/** The instant at so many px from the element's left edge; NaN beside the axis. */
export function instantAt(x: number, { from, to }: Span, { left, width }: Axis): number {
  return x < left || x > left + width ? Number.NaN : from + ((x - left) / width) * (to - from)
}

/** Puts the line of a crosshair at an instant, and away if that is not on the axis. */
export function placeCross(
  cross: HTMLElement | null,
  at: number | undefined,
  { from, to }: Span,
  { left, width }: Axis,
): void {
  if (cross === null) return
  const inside = at !== undefined && at >= from && at <= to && width > 0
  cross.hidden = !inside
  if (!inside) return
  cross.style.transform = `translateX(${(left + ((at - from) / (to - from)) * width).toFixed(1)}px)`
}
