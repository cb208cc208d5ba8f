import { afterEach } from 'vitest'
import { Connection, type StreamState } from '../src/stream/connection.js'
import { createTestStream, type TestStream, type TestStreamOptions } from '../src/testing/index.js'

const open: { connection: Connection }[] = []

afterEach(() => {
  for (const { connection } of open.splice(0)) connection.close()
})

/** An event as a client sees it. */
export interface Seen {
  readonly type: string
  readonly id: string | undefined
  readonly data: unknown
}

/** A client of an address, and what it has seen. All tests of the test stream go
 * through this: they are about what is on the wire, not about the client's options. */
export function follow(url: string, options: { fetch: typeof fetch; lastEventId?: string }) {
  const seen: Seen[] = []
  const states: StreamState[] = []
  const waiting = new Set<() => void>()
  const connection = new Connection(url, {
    ...options,
    onEvent: ({ type, id, data }) => {
      seen.push({ type, id, data: JSON.parse(data) })
      for (const look of waiting) look()
    },
    onState: (state) => {
      states.push(state)
      for (const look of waiting) look()
    },
  })
  /** Resolves once the condition holds, which is looked at after every event and state. */
  const until = (condition: () => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!condition()) return
        waiting.delete(look)
        resolve()
      }
      waiting.add(look)
      look()
    })
  return {
    connection,
    seen,
    states,
    until,
    /** Resolves once so many events have come whose type is no control event's. */
    events: (count: number) => until(() => dataOf(seen).length >= count),
    /** Resolves once an event of the type has come. */
    has: (type: string) => until(() => seen.some((e) => e.type === type)),
  }
}

/** The data of the events that are no control events. */
export function dataOf(seen: readonly Seen[]): unknown[] {
  return seen.filter((e) => !e.type.startsWith('hub.')).map((e) => e.data)
}

/** A client that is connected to a stream. */
export async function connected(options: TestStreamOptions = {}, path = '/live') {
  const stream = createTestStream({ retry: 1, ...options })
  const client = followed(stream, path)
  await stream.connected()
  return { stream, client }
}

/** A client of a stream, until the test ends. */
export function followed(stream: TestStream, path = '/live', lastEventId?: string) {
  const options = lastEventId === undefined ? {} : { lastEventId }
  const client = follow(`http://hub.test${path}`, { fetch: stream.fetch, ...options })
  open.push(client)
  return client
}
