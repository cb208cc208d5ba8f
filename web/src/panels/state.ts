import type { State, Threshold } from '../dashboard/definition'
import { setText } from '../paint/text'

/** A state's word and shape: colour alone says nothing to many. */
export const STATES: Readonly<Record<State, { readonly word: string; readonly shape: string }>> = {
  good: { word: 'good', shape: '●' },
  warn: { word: 'warning', shape: '▲' },
  bad: { word: 'critical', shape: '■' },
  idle: { word: 'idle', shape: '○' },
}

/** The state of a value: that of the last threshold it has passed, or undefined. */
export function stateOf(value: number, thresholds: readonly Threshold[] = []): State | undefined {
  if (!Number.isFinite(value)) return undefined
  let found: Threshold | undefined
  for (const threshold of thresholds) {
    const { at, below = false } = threshold
    if (below ? value > at : value < at) continue
    // The farthest is the one that counts; one that goes down outdoes one that goes up.
    if (found === undefined || isFarther(threshold, found)) found = threshold
  }
  return found?.state
}

function isFarther(a: Threshold, b: Threshold): boolean {
  if ((a.below ?? false) !== (b.below ?? false)) return a.below ?? false
  return a.below ? a.at < b.at : a.at > b.at
}

/** Shows a value's state on its panel, in shape and word where it is not good. */
export function paintState(
  element: Element,
  output: Element | null,
  value: number,
  thresholds: readonly Threshold[] | undefined,
): void {
  const state = stateOf(value, thresholds)
  const panel = element.closest<HTMLElement>('.panel')
  if (panel !== null && panel.dataset.state !== (state ?? '')) panel.dataset.state = state ?? ''
  if (output === null) return
  const said = state === undefined || state === 'good' ? undefined : STATES[state]
  setText(output, said === undefined ? '' : `${said.shape} ${said.word}`)
}
