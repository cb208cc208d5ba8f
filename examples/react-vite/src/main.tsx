import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { ConnectionStatus, LogTail, MetricCard, Sparkline } from 'streamgauge/components'
import 'streamgauge/components.css'
import { type LogEvent, useEventLog, useEventSeries, useEventStream } from 'streamgauge/react'

const CPU = '/v1/streams/host.cpu/events?last=1'

interface Cpu {
  readonly usage_percent: number
}

function App() {
  // The same address, so both are on one connection.
  const cpu = useEventStream<Cpu>(CPU)
  const series = useEventSeries<Cpu>(CPU, {
    points: 300,
    x: (event) => event.receivedAt,
    y: { usage: (data) => data.usage_percent },
  })
  const log = useEventLog<unknown>('/v1/streams/logs.web/events?last=1000')
  return (
    <>
      <ConnectionStatus status={cpu.status} error={cpu.error} reconnect={cpu.reconnect} />
      <MetricCard source={cpu} value={(data) => data.usage_percent} label="CPU" unit="%">
        <Sparkline series={series} label="CPU" unit="%" min={0} max={100} />
      </MetricCard>
      <LogTail log={log} render={line} empty="Nothing in logs.web yet" />
    </>
  )
}

const line = ({ data }: LogEvent) => (typeof data === 'string' ? data : JSON.stringify(data))

createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <App />
  </StrictMode>,
)
