import type { ConnectOptions } from '../stream/connection.js'
import { checkResponse, type Gap, StreamError } from '../stream/error.js'
import type { Envelope } from '../stream/subscription.js'

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
export async function* history(
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
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      done()
    })
  })
}
