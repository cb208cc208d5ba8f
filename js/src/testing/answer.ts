import { type Ask, nameIn, selects } from './ask.js'
import type { Gap, History } from './history.js'
import { blockOf, controlBlock, gapBlock, pageOf } from './wire.js'

/** Where an answer begins, and what it can't give any more. */
interface Beginning {
  readonly after: number
  readonly gaps: readonly Gap[]
}

/** What a new connection is sent at once: hello, gaps and replay. Times in ms. */
export function opening(
  history: History,
  ask: Ask,
  { retry, heartbeat }: { readonly retry: number; readonly heartbeat: number },
): string {
  const { after, gaps } = beginning(history, ask)
  const position = history.position(after)
  const hello = {
    version: 'test',
    heartbeat_ms: heartbeat,
    position,
    streams: ask.selectors,
    delivery: ask.delivery,
  }
  const replay = history.after(after, (stream) => selects(ask, stream))
  return [
    `retry: ${retry}\n${controlBlock('hello', hello, position)}`,
    ...gaps.map((gap) => gapBlock(gap, position)),
    ...replay.map((event) => blockOf(ask, event)),
  ].join('')
}

/** One page of what is kept. */
export function page(history: History, ask: Ask): Response {
  const { after, gaps } = beginning(history, ask)
  const all = history.after(after, (stream) => selects(ask, stream))
  const events = all.slice(0, ask.limit)
  const more = events.length < all.length
  const cursor = (more ? events.at(-1)?.id : undefined) ?? history.position(history.head)
  return pageOf(ask, { events, cursor, more, gaps })
}

function beginning(history: History, ask: Ask): Beginning {
  const of = (stream: string | undefined) => selects(ask, stream)
  const found = ask.cursor === '' ? undefined : history.resolve(ask.cursor)
  if (found !== undefined && 'after' in found) {
    return { after: found.after, gaps: history.gaps(found.after, of).map((g) => told(ask, g)) }
  }
  const gaps: Gap[] = []
  if (found !== undefined) {
    gaps.push({ stream: null, from: null, to: null, lost: null, reason: found.bad })
  }
  const { last, since } = ask
  if (last === undefined && since === undefined) return { after: history.head, gaps }
  const kept = history.after(0, of).filter((e) => e.time >= (since ?? 0))
  const first = kept[Math.max(0, kept.length - (last ?? kept.length))]
  return { after: first === undefined ? history.head : first.seq - 1, gaps }
}

/** A gap as who asked is told it: nobody knows how many events would have met a
 * condition. */
function told(ask: Ask, gap: Gap): Gap {
  const stream = nameIn(ask, gap.stream ?? undefined)
  return { ...gap, stream, lost: ask.counted ? gap.lost : null }
}
