import { describe, expectTypeOf, it } from 'vitest'
import {
  type EventStream,
  openEventStream,
  type StreamError,
  type StreamEvent,
} from '../src/index.js'
import {
  createLive,
  type EventLogResult,
  type LogEvent,
  useEventLog,
  useEventSeries,
  useEventStream,
} from '../src/react/index.js'

// Nothing of this runs: it is what the compiler has to say.
const typed = (check: () => void) => it('compiles', () => expectTypeOf(check).toBeFunction())

interface Cpu {
  readonly percent: number
}

describe('types of the hooks', () => {
  typed(() => {
    const { data, error } = useEventStream<Cpu>('/cpu')
    expectTypeOf(data).toEqualTypeOf<Cpu | undefined>()
    expectTypeOf(error).toEqualTypeOf<StreamError | undefined>()
    expectTypeOf(useEventStream('/x').data).toEqualTypeOf<unknown>()
    useEventStream<Cpu>(null)
    useEventStream<Cpu>(new URL('http://x/'), { enabled: false, throttle: 100 })
    // @ts-expect-error an address is no number
    useEventStream<Cpu>(1)
    // @ts-expect-error what there is at first is of the same kind
    useEventStream<Cpu>('/cpu', { initialData: { percent: 'much' } })
  })

  typed(() => {
    const sum = useEventStream<Cpu, number>('/cpu', { reduce: (n = 0, e) => n + e.data.percent })
    expectTypeOf(sum.data).toEqualTypeOf<number | undefined>()
    const high = useEventStream<Cpu, Cpu, boolean>('/cpu', { select: (d) => d.percent > 90 })
    expectTypeOf(high.data).toEqualTypeOf<boolean | undefined>()
    useEventStream('/cpu', {
      parse: (text): Cpu => JSON.parse(text),
      onEvent: (e) => expectTypeOf(e).toEqualTypeOf<StreamEvent<Cpu>>(),
    })
  })

  typed(() => {
    const log = useEventLog<string>('/log', { filter: (e) => e.data.includes('x') })
    expectTypeOf(log).toEqualTypeOf<EventLogResult<string>>()
    expectTypeOf(log.events).toEqualTypeOf<readonly LogEvent<string>[]>()
    useEventSeries<Cpu>('/cpu', { points: 10, x: (e) => e.receivedAt, y: { p: (d) => d.percent } })
    // @ts-expect-error without points there is no series
    useEventSeries<Cpu>('/cpu', { x: (e) => e.receivedAt, y: {} })
  })
})

describe('types of streams over one connection', () => {
  interface Streams {
    'host.cpu': Cpu
    'logs.>': { readonly body: string }
  }
  const { useStream, useStreamLog, LiveProvider, useConnection } = createLive<Streams>()

  typed(() => {
    expectTypeOf(useStream('host.cpu').data).toEqualTypeOf<Cpu | undefined>()
    const percent = useStream('host.cpu', { select: (d: Cpu) => d.percent })
    expectTypeOf(percent.data).toEqualTypeOf<number | undefined>()
    const { events } = useStreamLog('logs.>', { last: 10 })
    expectTypeOf(events[0]?.data.body).toEqualTypeOf<string | undefined>()
    useStream('host.cpu', { onEvent: (e) => expectTypeOf(e.stream).toEqualTypeOf<string>() })
    expectTypeOf(useConnection().status).toExtend<string>()
    // @ts-expect-error there is no such stream
    useStream('host.memory')
    // @ts-expect-error how to connect is the provider's
    useStream('host.cpu', { headers: {} })
    // @ts-expect-error a provider has an address
    LiveProvider({})
  })
})

describe('types of an event stream', () => {
  typed(async () => {
    const stream = openEventStream<Cpu>('/cpu', { share: 'browser', credentials: 'include' })
    expectTypeOf(stream).toEqualTypeOf<EventStream<Cpu>>()
    for await (const event of stream) expectTypeOf(event).toEqualTypeOf<StreamEvent<Cpu>>()
    const { state } = stream
    if (state.status === 'retrying') expectTypeOf(state.error).toEqualTypeOf<StreamError>()
    // @ts-expect-error only those who are down are so since then
    state.since
    // @ts-expect-error there are two transports
    openEventStream('/cpu', { transport: 'websocket' })
  })
})
