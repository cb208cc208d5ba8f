import { includes, isConditional, matches, selectorOf } from './selector.js'

/** What a page wants to hear. */
export interface Want {
  /** Selectors of streams: names, or patterns with `*` and a last `>`; each may have a
   * condition, as in `logs.> where data.n > 3`. */
  readonly streams: readonly string[]
  /** Views, by name or by text. */
  readonly views: readonly string[]
  /** Ms of history before now; 0 is none. It may be given more. */
  readonly since: number
  /** How many times a second something comes, at most; see {@link Live.pace}. */
  readonly rate?: number | undefined
}

/** Whose an envelope is. */
export interface Head {
  /** The stream's name; for a row the view's name or text. */
  readonly stream: string
  /** Whether it is a view's row: a state, which may be said again. */
  readonly row: boolean
  /** The conditions that it meets, of those that were asked for. */
  readonly match: readonly string[]
}

/** How much a server takes in one request. */
const LIMITS = { streams: 1000, patterns: 16, conditions: 64, views: 64 }

const HEAD = /^\{"stream":"([^"\\]*)"(?:,"id":"[^"\\]*")?(?:,"type":"([^"\\]*)")?[,}]/
const ROW = 'hub.view'

/** Wanting nothing. */
export const NOTHING: Want = { streams: [], views: [], since: 0 }

/** Whether nothing is wanted. */
export function isNothing(want: Want): boolean {
  return want.streams.length === 0 && want.views.length === 0
}

/** Everything that either wants, each stream once, the longest history, as soon as the
 * more impatient one wants it. */
export function union(a: Want, b: Want): Want {
  const streams: string[] = []
  for (const s of [...a.streams, ...b.streams]) {
    if (streams.some((wider) => includes(wider, s))) continue
    streams.splice(0, streams.length, ...streams.filter((other) => !includes(s, other)), s)
  }
  return {
    streams,
    views: [...new Set([...a.views, ...b.views])],
    since: Math.max(a.since, b.since),
    rate: isNothing(a) ? b.rate : isNothing(b) ? a.rate : faster(a.rate, b.rate),
  }
}

function faster(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : Math.max(a, b)
}

/** Whether all streams and views of `b` are among those of `a`. */
export function covers(a: Want, b: Want): boolean {
  return (
    b.streams.every((s) => a.streams.some((wider) => includes(wider, s))) &&
    b.views.every((v) => a.views.includes(v))
  )
}

/** Whether a server takes as much in one request. */
export function fits({ streams, views }: Want): boolean {
  const patterns = new Set(streams.map(selectorOf).filter((s) => /[*>]/.test(s)))
  return (
    streams.length <= LIMITS.streams &&
    patterns.size <= LIMITS.patterns &&
    streams.filter(isConditional).length <= LIMITS.conditions &&
    views.length <= LIMITS.views
  )
}

/** Whether an envelope is wanted. Rows are called as their view was asked for. */
export function hears(want: Want, { stream, row, match }: Head): boolean {
  if (!row) {
    return want.streams.some((s) => (isConditional(s) ? match.includes(s) : matches(s, stream)))
  }
  return want.views.includes(stream)
}

/** Reads whose an envelope is, without reading its data where that can be avoided. */
export function headOf(envelope: string): Head {
  const m = HEAD.exec(envelope)
  const match = matchOf(envelope)
  if (m !== null) return { stream: m[1] ?? '', row: m[2] === ROW, match }
  try {
    const { stream, type } = JSON.parse(envelope) as { stream?: unknown; type?: unknown }
    return { stream: typeof stream === 'string' ? stream : '', row: type === ROW, match }
  } catch {
    return { stream: '', row: false, match }
  }
}

const NONE: readonly string[] = []
const MATCH = ',"match":['

/** The conditions that an envelope says it meets: its last member. One of the same
 * name within its data has more than the envelope's own brace behind it. */
function matchOf(envelope: string): readonly string[] {
  if (!envelope.endsWith(']}')) return NONE
  const at = envelope.lastIndexOf(MATCH)
  if (at < 0) return NONE
  try {
    return JSON.parse(envelope.slice(at + MATCH.length - 1, -1)) as string[]
  } catch {
    return NONE
  }
}

/** The address of the events that are wanted, with so many ms of history. A page
 * draws the past, so it is sent every event and not only the newest of each key. */
export function eventsURL(events: URL, want: Want, since: number): string {
  const url = new URL(events)
  for (const stream of want.streams) url.searchParams.append('stream', stream)
  for (const view of want.views) url.searchParams.append('view', view)
  if (since > 0) url.searchParams.set('since', `${Math.ceil(since / 1000)}s`)
  url.searchParams.set('delivery', 'all')
  if (want.rate !== undefined) url.searchParams.set('rate', String(want.rate))
  return url.href
}
