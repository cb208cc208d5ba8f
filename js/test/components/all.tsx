import { LiveChart } from '../../src/chart/index.js'
import {
  ActivityFeed,
  ConnectionStatus,
  LogTail,
  MetricCard,
  Sparkline,
} from '../../src/components/index.js'
import { events, logResult, seriesResult, streamResult } from './results.js'

const cpu = seriesResult([1, 2], [3, 4])
const log = logResult(events(0, 100))

/** Every component, with what a server knows. */
export function All() {
  return (
    <>
      <ConnectionStatus status="connecting" />
      <MetricCard source={streamResult(1234.5)} value={(n) => n} label="CPU">
        <Sparkline series={cpu.series} />
      </MetricCard>
      <LiveChart series={cpu.series} labels={['User']} />
      <LogTail log={log} render={(e) => e.data} />
      <LogTail log={log} render={(e) => e.data} wrap />
      <ActivityFeed log={log} render={(e) => e.data} time={(e) => 1e12 + e.data} />
    </>
  )
}
