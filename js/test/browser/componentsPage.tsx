// What components.test.mjs looks at: a page with every component, moved by a real hub.

import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { LiveChart } from '../../src/chart/index.js'
import {
  ActivityFeed,
  ConnectionStatus,
  LogTail,
  MetricCard,
  Sparkline,
} from '../../src/components/index.js'
import { createLive, type LogEvent, useEventStream } from '../../src/react/index.js'

interface Cpu {
  readonly usage_percent: number
  readonly user_percent: number
  readonly system_percent: number
}

interface Memory {
  readonly used_percent: number
  readonly used_bytes: number
}

interface Line {
  readonly n: number
  readonly level: string
  readonly message: string
}

interface Deed {
  readonly who: string
  readonly what: string
}

const { LiveProvider, useConnection, useStream, useStreamLog, useStreamSeries } = createLive<{
  'host.cpu': Cpu
  'host.memory': Memory
  'test.log': Line
  'test.deeds': Deed
}>()

const seconds = (e: { readonly receivedAt: number }) => e.receivedAt / 1000

function Numbers() {
  const cpu = useStream('host.cpu', { last: 1 })
  const memory = useEventStream<Memory>('/v1/streams/host.memory/events?last=1')
  const cpuSeries = useStreamSeries('host.cpu', {
    points: 120,
    x: seconds,
    y: { usage: (d) => d.usage_percent },
  })
  const memorySeries = useStreamSeries('host.memory', {
    points: 120,
    x: seconds,
    y: { used: (d) => d.used_bytes },
  })
  return (
    <div className="cards">
      <MetricCard source={cpu} value={(d) => d.usage_percent} label="CPU" unit="%">
        <Sparkline series={cpuSeries} label="CPU" unit="%" min={0} max={100} />
      </MetricCard>
      <MetricCard source={memory} value={(d) => d.used_bytes} label="Memory" unit="bytes">
        <Sparkline series={memorySeries} label="Memory" unit="bytes" />
      </MetricCard>
      <MetricCard source={cpu} value={(d) => d.system_percent} label="In the kernel" unit="%" />
      <MetricCard
        source={memory}
        value={(d) => (d.used_percent > 90 ? 'Scarce' : 'Plenty')}
        label="Room"
      />
    </div>
  )
}

function Chart() {
  const series = useStreamSeries('host.cpu', {
    points: 120,
    x: seconds,
    y: { user: (d) => d.user_percent, system: (d) => d.system_percent },
  })
  return (
    <LiveChart
      series={series}
      labels={['User', 'System']}
      label="CPU over time"
      unit="%"
      min={0}
      max={100}
      height={180}
    />
  )
}

const renderLine = ({ data, receivedAt }: LogEvent<Line>) => (
  <>
    <span className="dim">{new Date(receivedAt).toISOString().slice(11, 23)} </span>
    <span>{data.level.toUpperCase().padEnd(6)}</span>
    {data.message}
  </>
)

const levelOf = ({ data }: LogEvent<Line>) => data.level

const renderDeed = ({ data }: LogEvent<Deed>) => (
  <>
    <b>{data.who}</b> {data.what}
  </>
)

function Lists() {
  const wrap = new URLSearchParams(location.search).has('wrap')
  const log = useStreamLog('test.log', { limit: 10_000, last: 1000 })
  const deeds = useStreamLog('test.deeds', { limit: 50, last: 20 })
  return (
    <div className="lists">
      <LogTail log={log} render={renderLine} level={levelOf} label="Web server" wrap={wrap} />
      <ActivityFeed log={deeds} render={renderDeed} height={357} />
    </div>
  )
}

function Head() {
  return (
    <header>
      <h1>Shop</h1>
      <ConnectionStatus {...useConnection()} />
    </header>
  )
}

declare global {
  interface Window {
    /** The number of a line, for the tests. */
    numberOf(row: Element): number
  }
}

const root = document.createElement('main')
document.body.append(root)
createRoot(root).render(
  <StrictMode>
    <LiveProvider url="/v1/events">
      <Head />
      <Numbers />
      <Chart />
      <Lists />
    </LiveProvider>
  </StrictMode>,
)
