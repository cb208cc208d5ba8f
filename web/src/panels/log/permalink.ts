import { type Envelope, parseEnvelope } from '../../data/envelope'
import { isObject } from '../../data/shape'
import type { API } from '../../page/api'

/** An event, as an address names it: `<stream>/<position>`. */
export interface LineAddress {
  readonly stream: string
  readonly id: string
}

/** The parameter of the page's address that names a line. */
export const PARAMETER = 'line'

/** Writes the address of an event. */
export function formatLine({ stream, id }: LineAddress): string {
  return `${stream}/${id}`
}

/** Reads the address of an event; undefined if there is none. */
export function parseLine(text: string | null): LineAddress | undefined {
  const [, stream, id] = /^([A-Za-z0-9_.-]{1,200})\/([A-Za-z0-9._~-]{1,64})$/.exec(text ?? '') ?? []
  return stream === undefined || id === undefined ? undefined : { stream, id }
}

/**
 * Asks the hub for an event that the page doesn't have. Undefined if it isn't kept
 * any more.
 * @param base the root of the server's pages
 */
export async function fetchLine(
  api: API,
  { stream, id }: LineAddress,
): Promise<Envelope | undefined> {
  const before = precedingPosition(id)
  if (before === undefined) return undefined
  const url = new URL('v1/events', api.base)
  url.searchParams.set('stream', stream)
  url.searchParams.set('last-event-id', before)
  url.searchParams.set('limit', '1')
  const response = await api.fetch(url)
  if (!response.ok) return undefined
  const answer: unknown = await response.json()
  const [first] = isObject(answer) && Array.isArray(answer.events) ? answer.events : []
  const event = parseEnvelope(first, Date.now())
  return event?.id === id ? event : undefined
}

/** A position just before another: reading goes on after a position. */
function precedingPosition(id: string): string | undefined {
  const [, epoch, sequence] = /^(.+)-(\d{1,20})$/.exec(id) ?? []
  if (epoch === undefined || sequence === undefined || BigInt(sequence) === 0n) return undefined
  return `${epoch}-${BigInt(sequence) - 1n}`
}
