export type { RetryOptions } from './stream/backoff.js'
export type { StreamState } from './stream/connection.js'
export { type Gap, StreamError, type StreamErrorKind } from './stream/error.js'
export {
  type Envelope,
  type EventStream,
  openEventStream,
  type Schema,
  type StreamEvent,
  type StreamOptions,
} from './stream/eventStream.js'
