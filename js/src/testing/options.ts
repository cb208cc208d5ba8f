import type { GapReason } from './history.js'

/** How a {@link TestStream} behaves. */
export interface TestStreamOptions {
  /** Which addresses it serves: a text is compared with the path (and the origin and
   * query, if it has them), an expression is tested against the whole address, a
   * function decides. Other requests go to the `fetch` that there was before. Default:
   * every address. */
  readonly url?: string | RegExp | ((url: URL) => boolean)
  /** How many events of each stream it keeps for who comes back. What is older is gone:
   * a `hub.gap` says how many that were. Default 1,000. */
  readonly history?: number
  /** The `retry:` that clients are told, in ms. Default 100, so that tests don't wait. */
  readonly retry?: number
  /** The heartbeat that `hub.hello` announces, in ms. A test stream has no timers: it
   * sends none but by {@link TestStream.heartbeat}. Default 15,000. */
  readonly heartbeat?: number
}

/** What an event has besides data. */
export interface SendOptions {
  /** Its stream. Without one it reaches every connection, in envelopes under the name
   * that was asked for. */
  readonly stream?: string
  /** Its type. Types that begin with `hub.` are the hub's own. */
  readonly type?: string
  /** Its key, which only an envelope shows. */
  readonly key?: string
  /** Its id. Default: the next position, `test-1`, `test-2`… */
  readonly id?: string
  /** Its time, as epoch ms or a Date. Default: now. */
  readonly time?: number | Date
}

/** What a `hub.gap` says. */
export interface GapOptions {
  /** How many events are lost; null, the default: not known. So many positions are
   * skipped, and who resumes from before them is told again. Only `evicted` and
   * `overflow` have a number. */
  readonly lost?: number | null
  /** Default `overflow`. With `epoch` and `unknown` the client must forget what it has. */
  readonly reason?: GapReason
  /** Whose events are lost. Default: those of no stream. */
  readonly stream?: string
}

/** How attempts fail. */
export interface FailOptions {
  /** The `Retry-After` of the answer, in ms. It is sent as whole seconds, rounded up. */
  readonly retryAfter?: number
  /** How many attempts fail, 1 or more. Default 1; Infinity is until
   * {@link TestStream.restore}. */
  readonly times?: number
}

/** What a `hub.bye` says before the server ends a connection. */
export interface ByeOptions {
  readonly reason: 'drain' | 'age' | 'expired' | 'revoked' | 'overload'
  /** When to come back, in ms. Default: the stream's `retry`. */
  readonly retryMs?: number
}

/** A request that came. */
export interface TestRequest {
  /** The address, resolved. */
  readonly url: string
  readonly headers: Headers
  /** The id to resume after, of the header or else of the query; empty without one. */
  readonly lastEventId: string
}

/** Takes an installed `fetch` away again: call it, or declare it with `using`. */
export type Undo = (() => void) & Disposable
