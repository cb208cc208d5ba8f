import { formatClock } from '../../data/units'
import type { Pattern } from './pattern'

/** Why there is nothing to be seen, and in words. */
export interface Hint {
  readonly kind: '' | 'before' | 'filtered'
  readonly text: string
}

/**
 * What to say where no line is. What a panel without any event waits for, its frame says.
 * @param nothing whether no line is to be seen
 * @param before whether there are some, all later than the moment, in epoch ms
 * @param count of the lines that are kept
 */
export function hintFor(nothing: boolean, before: boolean, count: number, moment: number): Hint {
  if (!nothing) return { kind: '', text: '' }
  if (before) {
    return { kind: 'before', text: `Nothing is kept from before ${formatClock(moment)}` }
  }
  const lines = count === 1 ? 'The only line is not' : `None of ${count} lines is`
  return { kind: 'filtered', text: `${lines} what you look for` }
}

/**
 * What a search has found, in words.
 * @param read which match is read, counting from 1; 0 is none
 * @param more whether it is still looking
 */
export function foundText(pattern: Pattern, matches: number, read: number, more: boolean): string {
  if (pattern.kind === 'none') return ''
  if (pattern.kind === 'wrong') return pattern.why
  const place = read > 0 ? `${read} of ` : ''
  return `${place}${matches}${more ? '…' : ''} ${matches === 1 && !place ? 'line' : 'lines'}`
}
