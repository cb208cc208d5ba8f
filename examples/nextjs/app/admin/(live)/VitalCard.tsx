'use client'

import { MetricCard, Sparkline } from 'streamgauge/components'
import type { Snapshot } from '@/lib/hub'
import type { Vital } from '@/lib/streams'
import { useStream, useStreamSeries } from '../live'

/** Up to where it is good, and from where on poor: https://web.dev/articles/vitals */
const BOUNDS = { lcp: [2500, 4000], inp: [200, 500], cls: [0.1, 0.25] } as const
const VISITS = 100

/** A web vital of the last hundred visits: three of four were at least so fast. */
export function VitalCard(props: {
  readonly name: keyof typeof BOUNDS
  readonly label: string
  readonly snapshot: Snapshot<Vital>
}) {
  const { name, label, snapshot } = props
  const vital = useStream(`site.vitals.${name}`, {
    initialData: snapshot.data.map((d) => d.value),
    ...{ lastEventId: snapshot.lastEventId, last: VISITS },
    reduce: (values: readonly number[] = [], { data }) => [
      ...values.slice(1 - VISITS),
      data.value,
    ],
  })
  const series = useStreamSeries(`site.vitals.${name}`, {
    ...{ points: VISITS, last: VISITS },
    x: ({ data }) => data.at / 1000,
    y: { value: (d) => d.value },
  })
  const p75 = vital.data && quartile(vital.data)
  const [good, poor] = BOUNDS[name]
  const rating = p75 === undefined ? undefined : p75 <= good ? 'good' : p75 > poor ? 'poor' : 'fair'
  const unit = name === 'cls' ? '' : 'ms'
  return (
    <MetricCard
      source={vital}
      value={quartile}
      label={`${label} · ${name.toUpperCase()}`}
      unit={unit}
      format={(value) => (name === 'cls' ? value.toFixed(3) : value.toFixed(0))}
      data-rating={rating}
    >
      <Sparkline series={series} label={label} unit={unit} min={0} max={good / 4} />
    </MetricCard>
  )
}

function quartile(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.ceil(sorted.length * 0.75) - 1]
}
