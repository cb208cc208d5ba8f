'use client'

import { useEventStream } from 'streamgauge/react'
import type { Traffic } from '@/lib/streams'

/** How many are reading now: from the hub, through the rewrite in next.config.ts. */
export function VisitorCount({ initial }: { readonly initial: Traffic }) {
  const { data = initial, isStale } = useEventStream<Traffic>(
    '/hub/v1/streams/site.visitors/events?last=1',
    { initialData: initial },
  )
  // A number that may be wrong is worse than none.
  if (isStale || data.visitors === 0) return null
  return (
    <p className="readers" title="Open tabs, within the last minute">
      <span className="pulse" aria-hidden="true" />
      <b data-testid="visitors">{data.visitors}</b> reading now
    </p>
  )
}
