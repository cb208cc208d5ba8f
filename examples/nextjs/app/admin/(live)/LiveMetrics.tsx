'use client'

import { LiveChart } from 'streamgauge/chart'
import { MetricCard, Sparkline } from 'streamgauge/components'
import type { Snapshot } from '@/lib/hub'
import type { Traffic, View, Vital } from '@/lib/streams'
import { useStream, useStreamSeries } from '../live'
import { TopPages } from './TopPages'
import { VitalCard } from './VitalCard'

const QUARTER_HOUR = 15 * 60_000

/** Who is here, what they read, and how fast it is. */
export function LiveMetrics(props: {
  readonly visitors: Snapshot<Traffic>
  readonly views: Snapshot<View>
  readonly vitals: Readonly<Record<'lcp' | 'inp' | 'cls', Snapshot<Vital>>>
}) {
  const { visitors, views, vitals } = props
  const traffic = useStream('site.visitors', {
    initialData: visitors.data.at(-1),
    ...{ lastEventId: visitors.lastEventId, last: 1 },
  })
  const series = useStreamSeries('site.visitors', {
    ...{ points: 900, since: QUARTER_HOUR },
    x: ({ data }) => data.at / 1000,
    y: { visitors: (d) => d.visitors, views: (d) => d.views },
  })
  return (
    <>
      {traffic.isStale && (
        <p className="desk-away" role="alert">
          The hub can’t be reached. The numbers are the last that were known; the dashboard goes on
          by itself.
        </p>
      )}
      <div className="desk-cards">
        <MetricCard source={traffic} value={(d) => d.visitors} label="Reading now">
          <Sparkline series={series} label="Reading now" min={0} />
        </MetricCard>
        <MetricCard source={traffic} value={(d) => d.views} label="Views in a minute">
          <Sparkline series={series} column={2} label="Views in a minute" min={0} />
        </MetricCard>
        <VitalCard name="lcp" label="Paint" snapshot={vitals.lcp} />
        <VitalCard name="inp" label="Input" snapshot={vitals.inp} />
        <VitalCard name="cls" label="Shift" snapshot={vitals.cls} />
      </div>
      <section className="desk-traffic">
        <h2>Traffic</h2>
        <LiveChart
          series={series}
          labels={['Reading now', 'Views in a minute']}
          label="Traffic"
          height={236}
          min={0}
          max={4}
        />
      </section>
      <section className="desk-pages">
        <h2>
          Most read <small>last ten minutes</small>
        </h2>
        <TopPages snapshot={views} now={traffic.data?.at} />
      </section>
    </>
  )
}
