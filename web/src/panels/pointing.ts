import { formatClock } from '../data/units'
import type { Timeline } from '../time/timeline'

/** What can be pointed at on a panel that has a time axis. */
export interface Pointable {
  /** What pointer and keyboard act on. */
  readonly element: HTMLElement
  /** The instant at so many px from the element's left edge; NaN if there is none. */
  timeAt(x: number): number
  /** The instant `n` steps from one, or from the newest. */
  step(from: number | undefined, n: number): number
  /** What is to be read out of an instant. */
  describe(at: number): string
  /** Runs when the pointer is at a place of the element, in px, or has left. */
  pointed?(x: number, y: number): void
}

/** Many steps, for Page Up and Down and with Shift. */
const LEAP = 10

/** How long a cursor rests before its values are read out, in ms. */
const REST = 250

/** Lets pointer and keyboard point at an instant, which all panels then show. The
 * signal ends it. */
export function makePointable(target: Pointable, timeline: Timeline, signal: AbortSignal): void {
  const { element } = target
  const say = announcer(element, signal)
  const leave = () => {
    target.pointed?.(Number.NaN, Number.NaN)
    timeline.hover.set(undefined)
  }
  const onPointer = ({ clientX, clientY }: PointerEvent) => {
    const { left, top } = element.getBoundingClientRect()
    const at = target.timeAt(clientX - left)
    if (Number.isNaN(at)) return leave()
    target.pointed?.(clientX - left, clientY - top)
    timeline.hover.set(Math.min(at, timeline.now))
  }
  const onKey = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key === 'Escape' && timeline.hover.get() !== undefined) {
      event.stopPropagation()
      leave()
      return
    }
    const at = stepFor(event, target, timeline)
    if (at === undefined) return
    event.preventDefault()
    timeline.hover.set(at)
    say(`${formatClock(at)}: ${target.describe(at)}`)
  }
  element.addEventListener('pointermove', onPointer, { signal })
  element.addEventListener('pointerdown', onPointer, { signal })
  element.addEventListener('pointerleave', leave, { signal })
  element.addEventListener('blur', leave, { signal })
  element.addEventListener('keydown', onKey, { signal })
}

function stepFor(
  { key, shiftKey }: KeyboardEvent,
  { step }: Pointable,
  timeline: Timeline,
): number | undefined {
  const { from, to } = timeline.span
  const hover = timeline.hover.get()
  const move = (n: number) => Math.min(Math.max(step(hover, n), from), to)
  switch (key) {
    case 'ArrowLeft':
      return move(shiftKey ? -LEAP : -1)
    case 'ArrowRight':
      return move(shiftKey ? LEAP : 1)
    case 'PageUp':
      return move(-LEAP)
    case 'PageDown':
      return move(LEAP)
    case 'Home':
      return from
    case 'End':
      return to
    default:
      return undefined
  }
}

/** Reads out what the panel's polite region is given, once the cursor rests. */
function announcer(element: HTMLElement, signal: AbortSignal): (text: string) => void {
  const region = element.closest('.panel')?.querySelector('.said')
  let timer: ReturnType<typeof setTimeout> | undefined
  signal.addEventListener('abort', () => clearTimeout(timer))
  return (text) => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      if (region) region.textContent = text
    }, REST)
  }
}
