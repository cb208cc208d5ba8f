import type { Envelope } from '../stream/subscription.js'

/** Whether a selector of `*` and `>` tokens matches a stream's name. */
export function matches(selector: string, stream: string): boolean {
  const pattern = selector.split('.')
  const tokens = stream.split('.')
  for (const [i, p] of pattern.entries()) {
    const token = tokens[i]
    if (!token) return false
    if (p === '>') return true
    if (p !== '*' && p !== token) return false
  }
  return pattern.length === tokens.length
}

/** Names of streams are at most so long. */
const MAX_NAME = 200

/** Whether the hub takes it for a stream's name or a pattern. */
export function isSelector(text: string): boolean {
  return text.length <= MAX_NAME && /^(?:(?:[\w-]+|\*)(?:\.(?:[\w-]+|\*))*(?:\.>)?|>)$/.test(text)
}

/** What stands between a selector and its condition, if it has one. */
export const WHERE = ' where '

/** The selector of what may have a condition: `logs.>` of `logs.> where data.n > 3`. */
export function selectorOf(text: string): string {
  const [selector = ''] = text.split(WHERE)
  return selector
}

/** Whether it is a selector with a condition. */
export function isConditional(text: string): boolean {
  return text.includes(WHERE)
}

/** Whether selector `a` selects every event that selector `b` selects, under the
 * same name: the events of a condition say which one they meet. */
export function includes(a: string, b: string): boolean {
  if (isConditional(a) || isConditional(b)) return a === b
  // A selector's own tokens match as if they were a name's, but for a last `>`,
  // which stands for more than the one token that `*` is.
  return matches(a, b) && (!b.endsWith('>') || a.endsWith('>'))
}

/** Whether an event is one of those that a selector selects. */
export function wants(
  selector: string,
  envelope: Envelope & { match?: readonly string[] },
): boolean {
  return isConditional(selector)
    ? (envelope.match?.includes(selector) ?? false)
    : matches(selector, String(envelope.stream))
}
