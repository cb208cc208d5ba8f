export type { ConnectOptions, StreamState } from '../stream/connection.js'
export type { WireEvent } from '../stream/decoder.js'
export { isNewer } from '../stream/position.js'
export { Live, type LiveOptions, type LiveSink } from './live.js'
export {
  LiveConnection,
  type LiveConnectionOptions,
  type LiveEvent,
  type LiveStreamOptions,
} from './liveConnection.js'
export type { Channel } from './message.js'
export { isConditional, isSelector, matches, selectorOf } from './selector.js'
export type { Want } from './want.js'
