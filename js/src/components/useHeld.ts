import { useRef, useState } from 'react'
import { useLayout } from './useLayout.js'

/** Something in a log: `seq` rises from one to the next. */
interface Numbered {
  readonly seq: number
}

/** What {@link useHeld} gives. */
export interface Held<E> {
  /** What to show: all there is, or what there was when it was held. */
  readonly shown: readonly E[]
  readonly isHeld: boolean
  /** How many have come since. */
  readonly behind: number
  /** Whether there were more than that, which are gone already. */
  readonly isMore: boolean
  hold(): void
  release(): void
}

/**
 * Keeps what a reader reads while the log goes on. It has to be kept here: of a log of a
 * thousand lines, at five hundred a second, nothing is left of it after two seconds.
 */
export function useHeld<E extends Numbered>(events: readonly E[]): Held<E> {
  const [held, setHeld] = useState<readonly E[]>()
  const rendered = useRef(events)
  const known = held && heldAmong(events, held)
  // Emptied, or filtered in another way: what was held is not there any more.
  if (held && (events.length === 0 || known !== held)) {
    setHeld(events.length === 0 ? undefined : known)
  }
  const kept = events.length === 0 ? undefined : known
  const shown = kept ?? events
  useLayout(() => {
    rendered.current = shown
  })
  const seen = kept ? countUntil(events, kept.at(-1)?.seq ?? -1) : events.length
  return {
    shown,
    isHeld: kept !== undefined,
    behind: events.length - seen,
    isMore: seen === 0 && events.length > 0,
    // What is on the screen, which may be a frame older than what has come.
    hold: () => setHeld((now) => now ?? rendered.current),
    release: () => setHeld(undefined),
  }
}

/** What is held of the events: the same array unless they are chosen by another filter. */
function heldAmong<E extends Numbered>(events: readonly E[], held: readonly E[]): readonly E[] {
  const first = events[0]
  const last = held.at(-1)
  if (first === undefined || last === undefined) return held
  const common = countUntil(events, last.seq)
  if (common === 0) return held
  const heldToo = held.length - countUntil(held, first.seq - 1)
  const isSame = common === heldToo && events[common - 1] === last
  return isSame ? held : events.slice(0, common)
}

/** How many of them have at most that seq. */
export function countUntil(events: readonly Numbered[], seq: number): number {
  let [low, high] = [0, events.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((events[middle] as Numbered).seq <= seq) low = middle + 1
    else high = middle
  }
  return low
}
