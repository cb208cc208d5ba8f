import type { ConnectOptions } from '../stream/connection.js'
import { checkResponse, type Gap } from '../stream/error.js'
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
  { headers: given, credentials = 'same-origin', fetch: get = fetch }: ConnectOptions,
  signal: AbortSignal,
): AsyncGenerator<Page> {
  const from = new URLSearchParams(query)
  for (let more = true; more; ) {
    const headers = new Headers(typeof given === 'function' ? await given() : given)
    headers.set('accept', 'application/json')
    const init = { headers, signal, credentials, cache: 'no-store' } as const
    const response = await get(at + from, init)
    if (!response.ok) await checkResponse(response)
    const page = (await response.json()) as Page & { more: boolean }
    yield page
    more = page.more
    for (const name of ['last', 'since']) from.delete(name)
    from.set('last-event-id', page.cursor)
  }
}
