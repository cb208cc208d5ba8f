import 'server-only'
import type { StreamName, Streams } from './streams'

export const HUB = process.env.STREAM_URL ?? 'http://127.0.0.1:7070'

/** What the hub is to know us by. Never sent to a browser. */
export function hubHeaders(): Record<string, string> {
  const token = process.env.STREAM_TOKEN
  return token ? { authorization: `Bearer ${token}` } : {}
}

/** What was on a stream, and where a client goes on from there. */
export interface Snapshot<T> {
  /** Oldest first. */
  readonly data: readonly T[]
  /** The position after the last of them; undefined if the hub could not be asked. */
  readonly lastEventId: string | undefined
}

/** The last events of a stream. A hub that is away costs the page half a second at most. */
export async function snapshot<K extends StreamName>(
  stream: K,
  last: number,
): Promise<Snapshot<Streams[K]>> {
  try {
    const response = await fetch(`${HUB}/v1/streams/${stream}/events?last=${last}`, {
      headers: { ...hubHeaders(), accept: 'application/json' },
      cache: 'no-store',
      signal: AbortSignal.timeout(500),
    })
    if (!response.ok) throw new Error(`the hub answered ${response.status}`)
    const page = (await response.json()) as { events: { data: Streams[K] }[]; cursor: string }
    return { data: page.events.map((event) => event.data), lastEventId: page.cursor }
  } catch {
    // The dashboard says so itself, and goes on when the hub is back.
    return { data: [], lastEventId: undefined }
  }
}
