import type { StreamState } from '../stream/connection.js'
import type { StreamError } from '../stream/error.js'
import { type EventStream, type StreamEvent, tell } from '../stream/subscription.js'
import { soon } from './frame.js'

/** Where a stream stands: `idle` is not opened, or not yet; else see StreamState. */
export type StreamStatus = 'idle' | StreamState['status']

/** How a stream stands, for who shows it. */
export interface Standing {
  /** What is wrong, undefined while nothing is. It lasts as long as it is true: a lost
   * connection until there is one again, a parse error until the next event, a gap as
   * long as the data was built across it. It never takes the data away. */
  readonly error: StreamError | undefined
  readonly status: StreamStatus
  /** Whether the data may be old: the connection has been down for more than two
   * seconds, or is given up. */
  readonly isStale: boolean
}

/** What a hook makes of the events of its stream. */
export interface Fold<T, V> {
  /** Takes an event. If that is the first of another log, what was taken before is void. */
  add(event: StreamEvent<T>, isOther: boolean): void
  /** Whether what a gap left out would still be missing after the next event. */
  readonly cumulative: boolean
  /** What to show. The same as the last time, by identity, if nothing has changed. */
  view(): V
}

/** The newest options of what is rendered. */
export interface Latest<O> {
  readonly current: O
}

/** What a store asks of its hook's options. */
interface StoreOptions<T> {
  readonly throttle?: 'frame' | number
  readonly onEvent?: (event: StreamEvent<T>) => void
}

/** What there is to show. */
export interface Snapshot<V> extends Standing {
  readonly view: V
}

/** Ms for which a cut goes unmentioned. */
const GRACE = 2000

/**
 * A stream and what was made of it, outside of React. It is open while somebody is
 * subscribed, and goes on where it was when somebody is again.
 */
export class Store<T, V> {
  readonly #open: (lastEventId: string) => EventStream<T>
  readonly #fold: Fold<T, V>
  readonly #latest: Latest<StoreOptions<T>>
  readonly #renders = new Set<() => void>()
  #stream: EventStream<T> | undefined
  #lastEventId = ''
  #problem: StreamError | undefined // with the events, not with the connection
  #isOther = false // the log is another since the last event
  #flushed = 0
  #cancel: (() => void) | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #snapshot: Snapshot<V>

  /** @param open opens the stream after an id */
  constructor(
    open: (lastEventId: string) => EventStream<T>,
    fold: Fold<T, V>,
    latest: Latest<StoreOptions<T>>,
  ) {
    this.#open = open
    this.#fold = fold
    this.#latest = latest
    this.#snapshot = { view: fold.view(), error: undefined, status: 'connecting', isStale: false }
  }

  readonly getSnapshot = (): Snapshot<V> => this.#snapshot

  /** Opens the stream. One component has a store, so that there is one at a time. */
  readonly subscribe = (render: () => void): (() => void) => {
    const unwatch = this.watch(render)
    this.#start()
    return () => {
      unwatch()
      this.#stop()
    }
  }

  /** Hears of what there is to show, as often as that may be shown. */
  readonly watch = (render: () => void): (() => void) => {
    this.#renders.add(render)
    return () => this.#renders.delete(render)
  }

  /** The id of the last event that was taken. */
  get lastEventId(): string {
    return this.#stream?.lastEventId ?? this.#lastEventId
  }

  readonly reconnect = (): void => {
    this.#stream?.reconnect()
    this.forgive()
  }

  /** Forgets a gap or an event that made no sense. */
  forgive(): void {
    this.#problem = undefined
    this.refresh()
  }

  /** Shows what has changed, soon. */
  readonly refresh = (): void => {
    if (this.#cancel !== undefined || this.#renders.size === 0) return
    const { throttle = 'frame' } = this.#latest.current
    const wait =
      throttle === 'frame' ? throttle : Math.max(0, this.#flushed + throttle - Date.now())
    this.#cancel = soon(() => this.#flush(), wait)
  }

  #start(): void {
    const stream = this.#open(this.#lastEventId)
    this.#stream = stream
    stream.onState((state) => this.#changed(state))
    stream.onError((error) => {
      const reason = error.gap?.reason
      if (reason === 'epoch' || reason === 'unknown') this.#isOther = true
      if (error.kind !== 'gap' && error.kind !== 'parse') return
      this.#problem = error
      this.refresh()
    })
    stream.on((event) => {
      this.#fold.add(event, this.#isOther)
      this.#isOther = false
      this.#latest.current.onEvent?.(event)
      if (this.#problem?.kind === 'parse' || !this.#fold.cumulative) this.#problem = undefined
      this.refresh()
    })
    this.#changed(stream.state)
  }

  #stop(): void {
    this.#lastEventId = this.lastEventId
    this.#stream?.close()
    this.#stream = undefined
    this.#cancel?.()
    this.#cancel = undefined
    clearTimeout(this.#timer)
    this.#look()
  }

  #changed(state: StreamState): void {
    clearTimeout(this.#timer)
    if ('since' in state) {
      this.#timer = setTimeout(this.refresh, state.since + GRACE - Date.now())
    }
    this.refresh()
  }

  #flush(): void {
    this.#cancel = undefined
    this.#flushed = Date.now()
    this.#look()
    tell(this.#renders, undefined)
  }

  /** Looks what there is to show. */
  #look(): void {
    const { status, error, since } = (this.#stream?.state ?? { status: this.#snapshot.status }) as {
      status: StreamStatus
      error?: StreamError
      since?: number
    }
    const isLate = since !== undefined && Date.now() - since >= GRACE
    this.#snapshot = {
      view: this.#fold.view(),
      error: error ?? this.#problem,
      status,
      isStale: isLate || (status === 'closed' && error !== undefined),
    }
  }
}
