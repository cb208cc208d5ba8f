import { useMemo } from 'react'
import type { StreamEvent } from '../stream/subscription.js'
import { type Standing, Store } from './store.js'
import { type HookOptions, useAddress } from './useEventStream.js'
import { type Feed, useStore } from './useStore.js'

/** An event in a log. */
export interface LogEvent<T = unknown> extends StreamEvent<T> {
  /** Rises by one from event to event: a key for React. */
  readonly seq: number
}

/** What {@link useEventLog} takes. */
export interface EventLogOptions<T> extends HookOptions<T> {
  /** How many events are kept, the newest. Default 1,000. */
  readonly limit?: number
  /** The data of events that were there before, oldest first, as from the server. */
  readonly initialData?: readonly T[]
  /** Which of the kept events are shown. It may be another at each render. */
  readonly filter?: (event: StreamEvent<T>) => boolean
}

/** What {@link useEventLog} gives. */
export interface EventLogResult<T, E extends LogEvent<T> = LogEvent<T>> extends Standing {
  /** Oldest first. */
  readonly events: readonly E[]
  readonly paused: boolean
  /** How many events have come since the log was paused that pass the filter, at most
   * `limit`. */
  readonly pending: number
  /** Shows nothing new until {@link resume}. What comes is kept. */
  readonly pause: () => void
  readonly resume: () => void
  /** Forgets everything, also a gap. */
  readonly clear: () => void
  readonly reconnect: () => void
}

interface Shown<T> {
  readonly events: readonly LogEvent<T>[]
  readonly paused: boolean
  /** What has come since. */
  readonly waiting: readonly LogEvent<T>[]
}

const NONE: readonly never[] = []

/**
 * The last events of a stream, every one of them: for logs and activity feeds.
 *
 * @example
 * const { events, error } = useEventLog<LogLine>('/v1/streams/logs.web/events?last=100')
 */
export function useEventLog<T = unknown>(
  url: string | URL | null | undefined,
  options: EventLogOptions<T> = {},
): EventLogResult<T> {
  return useLog(useAddress<T, EventLogOptions<T>>(url, options), options)
}

/** A store of events, and its controls. */
function newLog<T>(
  { open, latest }: Feed<T, EventLogOptions<T>>,
  { initialData = NONE, limit = 1000 }: EventLogOptions<T>,
) {
  const newest = <E>(events: readonly E[], limit = latest.current.limit ?? 1000) =>
    events.slice(Math.max(0, events.length - limit))
  let seq = 0
  const enter = (event: StreamEvent<T>): LogEvent<T> => ({ ...event, seq: seq++ })
  let kept = newest(initialData, limit).map((data) =>
    enter({ data, type: 'message', id: '', receivedAt: 0 }),
  )
  let heldAt: number | undefined // the first seq that is not shown
  let shown: Shown<T> = { events: newest(kept, limit), paused: false, waiting: NONE }
  let isNew = false // there is something else to show
  const store = new Store<T, Shown<T>>(
    open,
    {
      add(event, isOther) {
        if (isOther) kept = []
        kept.push(enter(event))
        isNew = true
        // Between two frames of a page that nobody sees there is time for many.
        if (kept.length >= 2 * (latest.current.limit ?? 1000)) kept = newest(kept)
      },
      cumulative: true,
      view() {
        if (!isNew) return shown
        isNew = false
        const events = newest(kept)
        const since = heldAt
        shown =
          since === undefined
            ? { events, paused: false, waiting: NONE }
            : { ...shown, paused: true, waiting: events.filter((e) => e.seq >= since) }
        return shown
      },
    },
    latest,
  )
  const hold = (at: number | undefined) => {
    heldAt = at
    isNew = true
    store.refresh()
  }
  return {
    store,
    pause: () => hold(heldAt ?? (shown.events.at(-1)?.seq ?? -1) + 1),
    resume: () => hold(undefined),
    clear() {
      kept = []
      shown = { ...shown, events: NONE }
      store.forgive()
      hold(heldAt === undefined ? heldAt : seq)
    },
  }
}

/** The last events of a stream.
 * @internal */
export function useLog<T>(
  feed: Feed<T, EventLogOptions<T>>,
  options: EventLogOptions<T>,
): EventLogResult<T> {
  const { filter } = options
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is another where the stream is
  const { store, ...controls } = useMemo(() => newLog(feed, options), [feed.open])
  const { view, ...standing } = useStore(store, feed.enabled)
  const { events, paused, waiting } = view as Shown<T>
  const pass = (all: readonly LogEvent<T>[]) => (filter ? all.filter(filter) : all)
  // biome-ignore lint/correctness/useExhaustiveDependencies: pass is what filter makes it
  const passed = useMemo(() => pass(events), [events, filter])
  // biome-ignore lint/correctness/useExhaustiveDependencies: pass is what filter makes it
  const pending = useMemo(() => pass(waiting).length, [waiting, filter])
  const { reconnect } = store
  return { ...standing, ...controls, events: passed, paused, pending, reconnect }
}
