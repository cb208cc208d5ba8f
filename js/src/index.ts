export type { RetryOptions } from './stream/backoff.js'
export type { StreamState } from './stream/connection.js'
export { type Gap, StreamError, type StreamErrorKind } from './stream/error.js'
export { openEventStream } from './stream/eventStream.js'
export type {
  Envelope,
  EventStream,
  Schema,
  StreamEvent,
  StreamOptions,
} from './stream/subscription.js'
