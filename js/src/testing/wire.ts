import { type Ask, conditionsMet, nameIn, type Refusal } from './ask.js'
import type { Gap, Kept } from './history.js'

/** An event's block, as the request asked for it. */
export function blockOf(ask: Ask, event: Kept): string {
  if (ask.envelope) return `id: ${event.id}\ndata: ${envelopeOf(ask, event)}\n\n`
  const type = event.type === undefined ? '' : `event: ${event.type}\n`
  return `id: ${event.id}\n${type}data: ${event.json}\n\n`
}

/** A control event's block, which has an id only where one is given. */
export function controlBlock(name: string, data: unknown, id?: string): string {
  const line = id === undefined ? '' : `id: ${id}\n`
  return `${line}event: hub.${name}\ndata: ${JSON.stringify(data)}\n\n`
}

/** A gap's block. Only an epoch or unknown one says where delivery goes on. */
export function gapBlock(gap: Gap, position: string): string {
  const begins = gap.reason === 'epoch' || gap.reason === 'unknown'
  return controlBlock('gap', gap, begins ? position : undefined)
}

/** A page of JSON. */
export function pageOf(
  ask: Ask,
  page: {
    readonly events: readonly Kept[]
    readonly cursor: string
    readonly more: boolean
    readonly gaps: readonly Gap[]
  },
): Response {
  const events = page.events.map((e) => envelopeOf(ask, e)).join(',\n')
  const { cursor, more, gaps } = page
  const rest = JSON.stringify({ cursor, more, gaps }).slice(1)
  const headers = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }
  return new Response(`{"events":[${events}],${rest}`, { headers })
}

/** The answer whose body is an event stream. */
export function streamOf(body: ReadableStream<Uint8Array>): Response {
  return new Response(body, {
    headers: {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-cache, no-transform',
      'X-Accel-Buffering': 'no',
    },
  })
}

/** A problem as of RFC 9457. @param retryAfter ms, sent as whole seconds, rounded up */
export function problemOf({ status, detail }: Refusal, retryAfter?: number): Response {
  const headers = new Headers({
    'Content-Type': 'application/problem+json',
    'Cache-Control': 'no-store',
  })
  if (retryAfter !== undefined) headers.set('Retry-After', String(Math.ceil(retryAfter / 1000)))
  const bare = status === 204 || status === 205 || status === 304
  const body = bare ? null : JSON.stringify({ type: 'about:blank', status, detail })
  return new Response(body, { status, headers })
}

function envelopeOf(ask: Ask, event: Kept): string {
  const stream = nameIn(ask, event.stream)
  const { id, type, key } = event
  const time = new Date(event.time).toISOString()
  const match = conditionsMet(ask, stream)
  const head = JSON.stringify({ stream, id, type, time, key, match })
  return `${head.slice(0, -1)},"data":${event.json}}`
}
