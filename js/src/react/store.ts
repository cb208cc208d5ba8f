import type { StreamState } from '../stream/connection.js'
import type { StreamError } from '../stream/error.js'
import type { EventStream, StreamEvent } from '../stream/subscription.js'
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
  /** Takes an event. */
  add(event: StreamEvent<T>): void
  /** Whether what a gap left out would still be missing after the next event. */
  readonly cumulative: boolean
  /** What was taken before the next event is void: it is of another log. */
  restart(): void
  /** What to show. The same as the last time, by identity, if nothing has changed. */
  view(): V
}

/** Ms for which a cut goes unmentioned. */
const GRACE = 2000

/**
 * A stream and what was made of it, outside of React. It is open while somebody is
 * subscribed, and goes on where it was when somebody is again.
 */
export class Store<T, V> {
  readonly #open: (lastEventId: string) => EventStream<T> | undefined
  readonly #fold: Fold<T, V>
  readonly #throttle: () => 'frame' | number
  readonly #onFlush: (() => void) | undefined
  readonly #renders = new Set<() => void>()
  #stream: EventStream<T> | undefined
  #lastEventId = ''
  #problem: StreamError | undefined // with the events, not with the connection
  #down = 0 // since when, in epoch ms
  #flushed = 0
  #cancel: (() => void) | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #snapshot: Standing & { readonly view: V }

  /**
   * @param open opens the stream after an id; undefined if there is nothing to open
   * @param throttle how often it may render: each frame, or every so many ms
   * @param onFlush is called as often, whether there is something to render or not
   */
  constructor(
    open: (lastEventId: string) => EventStream<T> | undefined,
    fold: Fold<T, V>,
    throttle: () => 'frame' | number,
    onFlush?: () => void,
  ) {
    this.#onFlush = onFlush
    this.#open = open
    this.#fold = fold
    this.#throttle = throttle
    this.#snapshot = { view: fold.view(), error: undefined, status: 'connecting', isStale: false }
  }

  readonly getSnapshot = (): Standing & { readonly view: V } => this.#snapshot

  readonly subscribe = (render: () => void): (() => void) => {
    this.#renders.add(render)
    if (this.#renders.size === 1) this.#start()
    return () => {
      this.#renders.delete(render)
      if (this.#renders.size === 0) this.#stop()
    }
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
    if (this.#cancel !== undefined || this.#stream === undefined) return
    const throttle = this.#throttle()
    const wait =
      throttle === 'frame' ? throttle : Math.max(0, this.#flushed + throttle - Date.now())
    this.#cancel = soon(() => this.#flush(), wait)
  }

  #start(): void {
    const stream = this.#open(this.#lastEventId)
    this.#stream = stream
    if (stream === undefined) return
    stream.on((event) => {
      this.#fold.add(event)
      if (this.#problem?.kind === 'parse' || !this.#fold.cumulative) this.#problem = undefined
      this.refresh()
    })
    stream.onState((state) => this.#changed(state))
    stream.onError((error) => {
      const reason = error.gap?.reason
      if (reason === 'epoch' || reason === 'unknown') this.#fold.restart()
      if (error.kind !== 'gap' && error.kind !== 'parse') return
      this.#problem = error
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
    this.#update()
  }

  #changed(state: StreamState): void {
    clearTimeout(this.#timer)
    this.#down = 'since' in state ? state.since : 0
    if (this.#down > 0) {
      const left = this.#down + GRACE - Date.now()
      if (left > 0) this.#timer = setTimeout(this.refresh, left)
    }
    this.refresh()
  }

  #flush(): void {
    this.#cancel = undefined
    this.#flushed = Date.now()
    this.#onFlush?.()
    if (this.#update()) for (const render of this.#renders) render()
  }

  /** Makes a new snapshot if anything has changed. */
  #update(): boolean {
    const state = this.#stream?.state
    const status = state?.status ?? this.#snapshot.status
    const error = state && 'error' in state ? state.error : undefined
    const late = this.#down > 0 && Date.now() - this.#down >= GRACE
    const next = {
      view: this.#fold.view(),
      error: error ?? this.#problem,
      status,
      isStale: late || (status === 'closed' && error !== undefined),
    }
    const last = this.#snapshot
    const same = (Object.keys(next) as (keyof typeof next)[]).every((k) => next[k] === last[k])
    if (!same) this.#snapshot = next
    return !same
  }
}
