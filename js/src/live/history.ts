import { backoff } from '../stream/backoff.js'
import type { ConnectOptions } from '../stream/connection.js'
import type { WireEvent } from '../stream/decoder.js'
import { checkResponse, type Gap, isDenied, isTemporary, StreamError } from '../stream/error.js'
import type { Envelope, Listener } from '../stream/subscription.js'
import type { LiveStreamOptions } from './liveConnection.js'
import { wants } from './selector.js'

/** How often what was before is asked for, in a row. */
const ATTEMPTS = 5

/** Who wants to have what was before first. */
export interface Latecomer extends Pick<Listener, 'failed'> {
  readonly selector: string
  readonly wish: Pick<LiveStreamOptions<unknown>, 'last' | 'since'>
  /** What it has had, of what may come again. */
  after: string
  receive(event: WireEvent, envelope?: Envelope): void
}

/**
 * Reads what was before, up to the newest event. Throws if it can't be had.
 *
 * @param at where the hub's `/v1/events` is found, up to a `?` or a `&`
 */
export async function catchUp(
  late: Latecomer,
  at: string,
  options: ConnectOptions,
  signal: AbortSignal,
): Promise<void> {
  /** Hands out what was on a page. */
  const say = (type: string, data: string, id: string, envelope?: Envelope) => {
    late.after = id
    late.receive({ type, data, id, lastEventId: id }, envelope)
  }
  for (let failures = 0; ; ) {
    try {
      for await (const { events, cursor, gaps = [] } of history(
        at,
        queryOf(late),
        options,
        signal,
      )) {
        if (signal.aborted) return
        for (const gap of gaps) say('hub.gap', JSON.stringify(gap), cursor)
        for (const event of events) {
          if (wants(late.selector, event)) say(event.type ?? 'message', '', event.id, event)
        }
        late.after = cursor
        failures = 0
      }
      return
    } catch (cause) {
      if (signal.aborted) return
      const why = `what was before could not be read: ${String(cause)}`
      const error =
        cause instanceof StreamError ? cause : new StreamError('connect', why, { cause })
      late.failed(error)
      failures++
      const denied = isDenied(error)
      const renew = denied && typeof options.headers === 'function' && failures === 1
      if (failures >= ATTEMPTS || !(denied ? renew : isTemporary(error))) throw error
      const { retry = {} } = options
      const delay = backoff(failures, retry.minDelay ?? 500, retry)
      await pause(Math.max(delay, error.retryAfter ?? 0), signal)
      if (signal.aborted) return
    }
  }
}

/** Asks for what follows what it has had, or else for what it wants to have first. */
function queryOf({ selector, after, wish: { last, since } }: Latecomer): URLSearchParams {
  const query = new URLSearchParams({ stream: selector })
  if (after !== '') query.set('last-event-id', after)
  else if (last !== undefined) query.set('last', String(last))
  else if (since !== undefined) query.set('since', `${Math.ceil(since / 1000)}s`)
  return query
}

/** A page of what is kept. */
export interface Page {
  /** Oldest first. */
  readonly events: readonly (Envelope & { readonly id: string })[]
  /** What comes after it has not been on a page. */
  readonly cursor: string
  readonly gaps?: readonly Gap[]
}

/**
 * Reads what is kept of a stream, page by page, up to the newest event. Throws a
 * StreamError, or what fetch throws.
 *
 * @param at where the hub's `/v1/events` is found, up to a `?` or a `&`
 * @param query the stream, and where to begin
 */
async function* history(
  at: string,
  query: URLSearchParams,
  options: ConnectOptions,
  signal: AbortSignal,
): AsyncGenerator<Page> {
  const { heartbeatTimeout = 45_000 } = options
  const from = new URLSearchParams(query)
  for (let more = true; more; ) {
    const stop = new AbortController()
    const end = () => stop.abort(signal.reason)
    signal.addEventListener('abort', end)
    const late = new StreamError('stalled', `no page came for ${heartbeatTimeout / 1000} s`)
    const timer = heartbeatTimeout > 0 && setTimeout(() => stop.abort(late), heartbeatTimeout)
    let page: Page & { more: boolean }
    try {
      page = await pageAt(at + from, options, stop.signal)
    } finally {
      if (timer !== false) clearTimeout(timer)
      signal.removeEventListener('abort', end)
    }
    yield page
    more = page.more
    for (const name of ['last', 'since']) from.delete(name)
    from.set('last-event-id', page.cursor)
  }
}

async function pageAt(
  url: string,
  { headers: given, credentials = 'same-origin', fetch: get = fetch }: ConnectOptions,
  signal: AbortSignal,
): Promise<Page & { more: boolean }> {
  const headers = new Headers(typeof given === 'function' ? await given() : given)
  headers.set('accept', 'application/json')
  const response = await get(url, { headers, signal, credentials, cache: 'no-store' })
  if (!response.ok) await checkResponse(response)
  return response.json()
}

/** Waits for so many ms, or until the signal is aborted. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      done()
    })
  })
}
