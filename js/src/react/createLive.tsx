import { createContext, type ReactNode, useContext, useMemo, useSyncExternalStore } from 'react'
import {
  CONNECTING,
  LiveConnection,
  type LiveConnectionOptions,
  type LiveEvent,
  type LiveStreamOptions,
} from '../live/liveConnection.js'
import type { StreamError } from '../stream/error.js'
import type { Latest, StreamStatus } from './store.js'
import { type EventLogOptions, type EventLogResult, type LogEvent, useLog } from './useEventLog.js'
import { type EventSeriesOptions, type EventSeriesResult, useSeries } from './useEventSeries.js'
import {
  type EventStreamOptions,
  type EventStreamResult,
  headersOf,
  useValue,
} from './useEventStream.js'
import { type Feed, useLatest } from './useStore.js'

/** What the hooks of {@link createLive} take instead of how to connect. */
type Here<O, T> = Omit<O, keyof LiveConnectionOptions | Connecting> &
  Pick<LiveStreamOptions<T>, 'last' | 'since' | 'lastEventId'>

/** An event of a log that is a stream of a {@link createLive}. What was `initialData` says
 * only its data. */
export type LiveLogEvent<T> = LogEvent<T> & Partial<LiveEvent<T>>

type Connecting =
  | 'parse'
  | 'key'
  | 'persist'
  | 'pauseWhenHidden'
  | 'transport'
  | 'onEvent'
  | 'reduce'
  | 'filter'
  | 'x'

/** What {@link createLive} takes, beside how to connect. */
interface Seen<T> {
  /** Sees every event, in order, and renders nothing. */
  readonly onEvent?: (event: LiveEvent<T>) => void
}

/** How the connection of a {@link createLive} stands. */
export interface ConnectionResult {
  readonly status: StreamStatus
  /** Why it is down, while it is. */
  readonly error: StreamError | undefined
  /** Connects now, also when given up. */
  readonly reconnect: () => void
}

/** What {@link createLive} makes. `K` is a stream's name, or a pattern. */
export interface Live<Streams> {
  /** Holds the connection for what is in it. Put it where it outlives a change of route. */
  LiveProvider(
    props: LiveConnectionOptions & {
      /** Where the hub's `/v1/events` is found. */
      readonly url: string
      readonly children?: ReactNode
    },
  ): ReactNode
  /** As useEventStream, for a stream of the connection. */
  useStream<K extends keyof Streams & string, S = Streams[K], R = S>(
    stream: K | null | undefined,
    options?: Here<EventStreamOptions<Streams[K], S, R>, Streams[K]> &
      Seen<Streams[K]> & {
        /** Makes the data of what it was and an event; it sees every event. */
        readonly reduce?: (state: S | undefined, event: LiveEvent<Streams[K]>) => S
      },
  ): EventStreamResult<R>
  /** As useEventLog, for a stream of the connection. */
  useStreamLog<K extends keyof Streams & string>(
    stream: K | null | undefined,
    options?: Here<EventLogOptions<Streams[K]>, Streams[K]> &
      Seen<Streams[K]> & {
        /** Which of the kept events are shown. */
        readonly filter?: (event: LiveLogEvent<Streams[K]>) => boolean
      },
  ): EventLogResult<Streams[K], LiveLogEvent<Streams[K]>>
  /** As useEventSeries, for a stream of the connection. */
  useStreamSeries<K extends keyof Streams & string>(
    stream: K | null | undefined,
    options: Here<EventSeriesOptions<Streams[K]>, Streams[K]> &
      Seen<Streams[K]> & {
        /** An event's place on the x axis, such as `Date.parse(event.time)`. */
        readonly x: (event: LiveEvent<Streams[K]>) => number
      },
  ): EventSeriesResult
  /** How the connection stands. */
  useConnection(): ConnectionResult
  /** The connection itself, for what is no component. */
  useLive(): LiveConnection
}

/**
 * Typed streams over one connection with one cursor, for all that is in a provider.
 *
 * @example
 * export const { LiveProvider, useStream } = createLive<{
 *   'host.cpu': { percent: number }
 *   'logs.>': LogLine
 * }>()
 *
 * const { data, error } = useStream('host.cpu')
 */
export function createLive<Streams = Record<string, unknown>>(): Live<Streams> {
  const Context = createContext<LiveConnection | undefined>(undefined)

  function LiveProvider({
    url,
    children,
    ...options
  }: LiveConnectionOptions & { url: string; children?: ReactNode }) {
    const latest = useLatest(options)
    const { share = 'tab' } = options
    // biome-ignore lint/correctness/useExhaustiveDependencies: the rest is asked for when needed
    const live = useMemo(() => {
      const headers = () => headersOf(latest.current.headers)
      return new LiveConnection(url, { ...options, headers })
    }, [url, share])
    return <Context.Provider value={live}>{children}</Context.Provider>
  }

  function useLive(): LiveConnection {
    const live = useContext(Context)
    if (live === undefined) throw new Error('there is no <LiveProvider> around this component')
    return live
  }

  /** A stream of the connection, which is opened with the newest options. */
  function useFeed<O extends { readonly enabled?: boolean }>(
    stream: string | null | undefined,
    options: O,
  ): Feed<unknown, O> {
    const live = useLive()
    const latest: Latest<O & LiveStreamOptions<unknown>> = useLatest(options)
    const { enabled = true } = options
    // biome-ignore lint/correctness/useExhaustiveDependencies: latest is always the same
    const open = useMemo(
      () => (lastEventId: string) =>
        live.open(String(stream), {
          ...latest.current,
          ...(lastEventId !== '' && { lastEventId }),
        }),
      [live, stream],
    )
    return { open, latest, enabled: enabled && stream != null }
  }

  const hooks: Untyped = {
    LiveProvider,
    useLive,
    useStream: (stream, options = {}) => useValue(useFeed(stream, options), options),
    useStreamLog: (stream, options = {}) => useLog(useFeed(stream, options), options),
    useStreamSeries: (stream, options) => useSeries(useFeed(stream, options), options),
    useConnection() {
      const live = useLive()
      const subscribe = useMemo(() => (render: () => void) => live.onState(render), [live])
      const state = useSyncExternalStore(
        subscribe,
        () => live.state,
        () => CONNECTING,
      )
      const error = 'error' in state ? state.error : undefined
      return { status: state.status, error, reconnect: () => live.reconnect() }
    },
  }
  // The hooks are the same for all streams; what differs is known to the compiler only.
  return hooks as unknown as Live<Streams>
}

/** The hooks, to whom all streams are alike. */
interface Untyped extends Pick<Live<unknown>, 'LiveProvider' | 'useLive' | 'useConnection'> {
  useStream(
    stream: string | null | undefined,
    options?: EventStreamOptions<unknown>,
  ): EventStreamResult<unknown>
  useStreamLog(
    stream: string | null | undefined,
    options?: EventLogOptions<unknown>,
  ): EventLogResult<unknown>
  useStreamSeries(
    stream: string | null | undefined,
    options: EventSeriesOptions<unknown>,
  ): EventSeriesResult
}
