import { vi } from 'vitest'
import type { EventLogResult, LogEvent } from '../../src/react/useEventLog.js'
import type { EventSeriesResult } from '../../src/react/useEventSeries.js'
import type { EventStreamResult } from '../../src/react/useEventStream.js'

/** What useEventStream gives. */
export function streamResult<T>(
  data: T | undefined,
  rest: Partial<EventStreamResult<T>> = {},
): EventStreamResult<T> {
  return {
    data,
    error: undefined,
    status: 'live',
    isStale: false,
    lastEventId: 'a-1',
    reconnect: vi.fn(),
    ...rest,
  }
}

const known = new Map<string, LogEvent<number>>()

/** Events of a log whose data are their numbers. The same event is the same object, as
 * in a log that goes on. */
export function events(from: number, to: number, receivedAt = 0): LogEvent<number>[] {
  return Array.from({ length: to - from }, (_, i) => {
    const [n, key] = [from + i, `${from + i} ${receivedAt}`]
    const event = known.get(key) ?? { data: n, type: 'message', id: `a-${n}`, receivedAt, seq: n }
    known.set(key, event)
    return event
  })
}

/** What useEventLog gives. */
export function logResult<T>(
  all: readonly LogEvent<T>[],
  rest: Partial<EventLogResult<T>> = {},
): EventLogResult<T> {
  return {
    events: all,
    error: undefined,
    status: 'live',
    isStale: false,
    paused: false,
    pending: 0,
    pause: vi.fn(),
    resume: vi.fn(),
    clear: vi.fn(),
    reconnect: vi.fn(),
    ...rest,
  }
}

/** What useEventSeries gives, and what lets it tell of something new. */
export function seriesResult(...columns: (readonly number[])[]) {
  const listeners = new Set<() => void>()
  let now = columns.map((column) => Float64Array.from(column))
  const series: EventSeriesResult = {
    columns: () => now,
    names: columns.slice(1).map((_, i) => `y${i + 1}`),
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    error: undefined,
    status: 'live',
    isStale: false,
    reconnect: vi.fn(),
  }
  return {
    series,
    listeners,
    set(...next: (readonly number[])[]) {
      now = next.map((column) => Float64Array.from(column))
      for (const listener of listeners) listener()
    },
  }
}
