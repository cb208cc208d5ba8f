'use client'

export type { LiveConnectionOptions, LiveEvent } from '../live/liveConnection.js'
export { type Gap, StreamError, type StreamErrorKind } from '../stream/error.js'
export type { Envelope, Schema, StreamEvent } from '../stream/subscription.js'
export { type ConnectionResult, createLive, type Live } from './createLive.js'
export type { Standing, StreamStatus } from './store.js'
export {
  type EventLogOptions,
  type EventLogResult,
  type LogEvent,
  useEventLog,
} from './useEventLog.js'
export {
  type EventSeriesOptions,
  type EventSeriesResult,
  useEventSeries,
} from './useEventSeries.js'
export {
  type EventStreamOptions,
  type EventStreamResult,
  type HookOptions,
  useEventStream,
} from './useEventStream.js'
