import { useMemo } from 'react'
import type { ConnectOptions } from '../stream/connection.js'
import { openEventStream, openNewest } from '../stream/eventStream.js'
import type { StreamEvent, StreamOptions } from '../stream/subscription.js'
import { type Latest, type Standing, Store } from './store.js'
import { type Feed, useLatest, useStore } from './useStore.js'

/** What every hook takes. */
export interface HookOptions<T> extends Omit<StreamOptions<T>, 'signal'> {
  /** Whether to be connected. What was received stays when it turns false. Default true. */
  readonly enabled?: boolean
  /** How often it may render: once each animation frame (default), or every so many ms.
   * No event is left out for it. */
  readonly throttle?: 'frame' | number
  /** Sees every event, in order, and renders nothing. It may be another at each render. */
  readonly onEvent?: (event: StreamEvent<T>) => void
}

/** What {@link useEventStream} takes. All functions may be others at each render. */
export interface EventStreamOptions<T, S = T, R = S> extends HookOptions<T> {
  /** What `data` is until the first event: on the server, when hydrating, and after. */
  readonly initialData?: S | undefined
  /** Makes the data of what it was and an event. It sees every event, however many there
   * are between two renders. Without it the data is the last event's. */
  readonly reduce?: (state: S | undefined, event: StreamEvent<T>) => S
  /** What of the data is shown: only when that changes (Object.is) there is a render. */
  readonly select?: (data: S) => R
}

/** What {@link useEventStream} gives. */
export interface EventStreamResult<S> extends Standing {
  /** The last event's data, or what was made of all; undefined before the first. */
  readonly data: S | undefined
  /** The id of the last event. Reading it renders nothing when it changes. */
  readonly lastEventId: string
  /** Connects now, also when given up, and forgets a gap. */
  readonly reconnect: () => void
}

/**
 * The live value of an event stream.
 *
 * One connection serves all components of the tab that ask for the same address. It
 * resumes after every cut, and the data stays when there is an error.
 *
 * @param url where; null or undefined is nowhere yet
 * @example
 * const { data, error } = useEventStream<Metrics>('/v1/streams/host.cpu/events')
 */
export function useEventStream<T = unknown, S = T, R = S>(
  url: string | URL | null | undefined,
  options: EventStreamOptions<T, S, R> = {},
): EventStreamResult<R> {
  return useValue(useAddress<T, EventStreamOptions<T, S, R>>(url, options, true), options)
}

/** The stream at an address, which is opened with the newest options.
 * @internal */
export function useAddress<T, O extends HookOptions<T> & { readonly reduce?: unknown }>(
  url: string | URL | null | undefined,
  options: O,
  newest = false,
): Feed<T, O> {
  const latest: Latest<O> = useLatest(options)
  const { key, enabled = true } = options
  const address = url == null ? '' : String(url)
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the options
  const open = useMemo(
    () => (lastEventId: string) => {
      const { current: options } = latest
      const { headers } = options
      const all = {
        ...options,
        ...(lastEventId !== '' && { lastEventId }),
        ...(headers && { headers: () => headersOf(latest.current.headers) }),
        // Functions are called as they are then.
        get parse() {
          return latest.current.parse
        },
        get retry() {
          return latest.current.retry
        },
        get fetch() {
          return latest.current.fetch
        },
      } as StreamOptions<T>
      return newest && !options.reduce && !options.onEvent
        ? openNewest(address, all)
        : openEventStream(address, all)
    },
    [address, key],
  )
  return { open, latest, enabled: enabled && url != null }
}

/** The headers as they are now.
 * @internal */
export async function headersOf(headers: ConnectOptions['headers']): Promise<HeadersInit> {
  return (await (typeof headers === 'function' ? headers() : headers)) ?? {}
}

/** The last event's data of a stream, or what was made of all.
 * @internal */
export function useValue<T, S, R>(
  { open, latest, enabled }: Feed<T, EventStreamOptions<T, S, R>>,
  { initialData, select }: EventStreamOptions<T, S, R>,
): EventStreamResult<R> {
  // biome-ignore lint/correctness/useExhaustiveDependencies: latest is always the same
  const store = useMemo(() => {
    let now = initialData
    const fold = {
      add(event: StreamEvent<T>, isOther: boolean) {
        const { reduce, initialData } = latest.current
        now = reduce ? reduce(isOther ? initialData : now, event) : (event.data as unknown as S)
      },
      get cumulative() {
        return latest.current.reduce !== undefined
      },
      view: () => now,
    }
    return new Store(open, fold, latest)
  }, [open])
  const { view: data, ...standing } = useStore(store, enabled, select)
  return {
    ...standing,
    data,
    reconnect: store.reconnect,
    get lastEventId() {
      return store.lastEventId
    },
  }
}
