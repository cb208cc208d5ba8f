'use client'

import Link from 'next/link'
import { pageTitle } from '@/lib/articles'
import type { Snapshot } from '@/lib/hub'
import type { View } from '@/lib/streams'
import { useStream } from '../live'

const WINDOW = 10 * 60_000

/**
 * How often each page was opened: every view is counted, in the browser.
 *
 * @param props.now the time by the site's clock, as the newest sample has it; as it comes
 * every few seconds, what is old leaves without a timer
 */
export function TopPages(props: {
  readonly snapshot: Snapshot<View>
  readonly now: number | undefined
}) {
  const { snapshot, now = 0 } = props
  const { data: views = [] } = useStream('site.views', {
    initialData: snapshot.data,
    ...{ lastEventId: snapshot.lastEventId, last: 1000 },
    reduce: (all: readonly View[] = [], { data }) => [
      ...all.filter(({ at }) => at > data.at - WINDOW),
      data,
    ],
  })
  const counts = new Map<string, number>()
  for (const { at, page } of views) {
    if (at > now - WINDOW) counts.set(page, (counts.get(page) ?? 0) + 1)
  }
  const rows = [...counts].sort(([a, m], [b, n]) => n - m || a.localeCompare(b)).slice(0, 6)
  const most = rows[0]?.[1] ?? 1
  if (rows.length === 0) return <p className="top-empty">Nobody has opened a page.</p>
  return (
    <ol className="top-pages">
      {rows.map(([page, count]) => (
        <li key={page}>
          <Link href={page}>{pageTitle(page) ?? page}</Link>
          <span>{count}</span>
          <i style={{ width: `${(100 * count) / most}%` }} />
        </li>
      ))}
    </ol>
  )
}
