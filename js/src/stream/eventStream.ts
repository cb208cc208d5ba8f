import type { WireEvent } from './decoder.js'
import { Seat } from './shared.js'
import type { EventStream, StreamOptions } from './subscription.js'

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
  return openAt(String(url), options, () => false)
}

/** As {@link openEventStream}, for one to whom only the newest event matters: if others
 * have one already, that is where it begins. */
export function openNewest<T>(url: string, options: StreamOptions<T>): EventStream<T> {
  return openAt(url, options, ({ type }) => options.types?.includes(type) ?? true)
}

function openAt<T>(
  url: string,
  options: StreamOptions<T>,
  newest: (event: WireEvent) => boolean,
): EventStream<T> {
  return new Seat(keyOf(url, options), url, options, newest).until(options.signal)
}

/** What connections have in common that can be one; undefined if that is none. */
function keyOf<T>(url: string, options: StreamOptions<T>): string | undefined {
  const { key, headers, fetch, credentials, transport, types } = options
  const share = options.share ?? (typeof document === 'object' ? 'tab' : false)
  // Whose headers they are is known to the caller alone.
  if (!share || (key === undefined && (headers ?? fetch))) return undefined
  const at = share === 'tab' ? url : new URL(url, location.href)
  return JSON.stringify([share, at, key, credentials, transport, transport && types])
}
