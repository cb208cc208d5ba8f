import type { WireEvent } from './decoder.js'
import { isNewer } from './position.js'
import { pool, Shared } from './shared.js'
import {
  type EventStream,
  type Source,
  type StreamEvent,
  type StreamOptions,
  Subscription,
} from './subscription.js'

/**
 * Opens an event stream: any `text/event-stream`, best one of a Streamgauge hub. It
 * connects at once, again after every cut, and continues after the last event, so that
 * none is lost and none comes twice, as far as the server can.
 *
 * @param url where; relative to the page in a browser
 * @example
 * const prices = openEventStream<Price>('/v1/streams/prices/events')
 * prices.on(({ data }) => console.log(data.amount))
 *
 * for await (const { data } of openEventStream<Price>(url, { signal })) save(data)
 */
export function openEventStream<T = unknown>(
  url: string | URL,
  options: StreamOptions<T> = {},
): EventStream<T> {
  const { signal, lastEventId } = options
  const key = signal?.aborted ? undefined : keyOf(String(url), options)
  const shared = pool.get(key)
  if (shared?.isAt(lastEventId)) return shared.join(new Subscription(shared, options))
  const own = new Shared(String(url), options, shared === undefined ? key : undefined)
  const stream = own.join(new Subscription(own, options))
  if (key !== undefined && shared !== undefined) {
    // If that can't be loaded it goes on alone.
    import('./merge.js').then(
      ({ merge }) => merge(stream, own, key, () => new Shared(String(url), options, key)),
      () => {},
    )
  }
  return stream
}

/** As {@link openEventStream}, for one to whom only the newest event matters: if others
 * have one already, that is where it begins. */
export function openNewest<T>(url: string, options: StreamOptions<T>): EventStream<T> {
  const { lastEventId = '', types } = options
  const shared = pool.get(keyOf(url, options))
  const last = shared?.newest
  const isNews = last && !shared.isAt(lastEventId) && isNewer(shared.lastEventId, lastEventId)
  if (!isNews || types?.includes(last.type) === false) return openEventStream(url, options)
  return shared.join(new Latest(shared, options, last))
}

/** Has an event already that whoever listens first is to hear. */
class Latest<T> extends Subscription<T> {
  #last: WireEvent | undefined

  constructor(source: Source, options: StreamOptions<T>, last: WireEvent) {
    super(source, options)
    this.#last = last
  }

  override on(listener: (event: StreamEvent<T>) => void): () => void {
    const end = super.on(listener)
    const last = this.#last
    this.#last = undefined
    if (last !== undefined) this.receive(last)
    return end
  }
}

/** What connections have in common that can be one; undefined if that is none. */
function keyOf<T>(url: string, options: StreamOptions<T>): string | undefined {
  const { key, headers, fetch, credentials, transport, types } = options
  const isPage = typeof document === 'object'
  const { share = isPage ? 'tab' : false } = options
  // Whose headers they are is known to the caller alone.
  if (!share || (key === undefined && (headers ?? fetch))) return undefined
  const at = share === 'browser' && isPage ? new URL(url, location.href) : url
  return JSON.stringify([share, at, key, credentials, transport, transport && types])
}
