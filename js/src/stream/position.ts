import type { WireEvent } from './decoder.js'

const POSITION = /^(.+)-(\d+)$/

/**
 * Reports whether position `a` may be newer than `b`. It is false only where
 * that is certain: both belong to the same epoch and `a`'s sequence number is
 * not higher. Ids that are not positions are opaque, so nothing is known of
 * them.
 */
export function isNewer(a: string, b: string): boolean {
  const [, epoch, m = 0] = POSITION.exec(a) ?? []
  const [, other, n = 0] = POSITION.exec(b) ?? []
  // 64-bit numbers don't fit a double.
  return epoch === undefined || epoch !== other || BigInt(m) > BigInt(n)
}

/** Reports whether position `a` is certainly older than `b`. */
export function isOlder(a: string, b: string): boolean {
  return isNewer(b, a) && !isNewer(a, b)
}

/** Whether who is at `here` has certainly had everything up to `there`.
 *
 * @param ordered whether ids are a hub's positions; of others only equality is known */
export function hasCome(here: string, there: string, ordered: boolean): boolean {
  return here !== '' && (here === there || (ordered && !isNewer(there, here)))
}

/** Whether an event is one to hand out after that id, and no repetition. What the hub
 * itself says is always news, and a view's row is a state, which may change without a
 * new position. */
export function isNews({ type, id, data }: WireEvent, lastEventId: string): boolean {
  if (id === undefined || type.startsWith('hub.') || isNewer(id, lastEventId)) return true
  return data.includes('"type":"hub.view"')
}
