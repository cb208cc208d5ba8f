'use client'

import Link from 'next/link'
import { ActivityFeed } from 'streamgauge/components'
import type { LogEvent } from 'streamgauge/react'
import type { Snapshot } from '@/lib/hub'
import type { Activity } from '@/lib/streams'
import { useStreamLog } from '../live'

export function ActivityPanel({ snapshot }: { readonly snapshot: Snapshot<Activity> }) {
  const { data, lastEventId } = snapshot
  const log = useStreamLog('site.activity', {
    ...{ initialData: data, lastEventId, limit: 100, last: 50 },
  })
  return (
    <ActivityFeed
      log={log}
      render={renderActivity}
      time={({ data: { at } }) => at}
      height={354}
      empty="Nothing yet. Comment on an article, or sign up."
    />
  )
}

function renderActivity({ data: { actor, verb, object, href } }: LogEvent<Activity>) {
  return (
    <>
      <b>{actor}</b> {verb} {href ? <Link href={href}>{object}</Link> : object}
    </>
  )
}
