export {
  type EventStreamOptions,
  type EventStreamSend,
  type EventStreamSource,
  eventStreamResponse,
  type SendOptions,
} from './eventStreamResponse.js'
export { type ProxyOptions, proxyEventStream, type Upstream } from './proxyEventStream.js'
