/// <reference lib="esnext.disposable" preserve="true" />
import type { TestStreamOptions } from './options.js'
import { TestStream } from './testStream.js'

export type { GapReason } from './history.js'
export type {
  ByeOptions,
  FailOptions,
  GapOptions,
  SendOptions,
  TestRequest,
  TestStreamOptions,
  Undo,
} from './options.js'
export type { TestStream } from './testStream.js'

/**
 * Makes an event stream in memory, for tests of what follows one. It behaves like a
 * hub — says hello, replays after a `Last-Event-ID`, tells gaps — and cuts, stalls and
 * refuses on demand. It has no timers, so it works with fake ones.
 *
 * What an address gets: `…/v1/streams/{stream}/events` that stream's data, bare; one
 * that ends in `/v1/events` or has `stream=` parameters what they select, in envelopes;
 * any other everything, bare. With `Accept: application/json` it gets a page of what is
 * kept. Conditions and filters count as met, and there are no views.
 *
 * @throws RangeError if the option `history` is less than 1
 * @example
 * const stream = createTestStream()
 * const received: unknown[] = []
 * openEventStream('/live', { fetch: stream.fetch }).on((e) => received.push(e.data))
 * await stream.connected()
 * stream.send({ visitors: 523 })
 */
export function createTestStream(options: TestStreamOptions = {}): TestStream {
  return new TestStream(options)
}
