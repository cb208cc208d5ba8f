'use client'

import { LogTail } from 'streamgauge/components'
import type { LogEvent } from 'streamgauge/react'
import type { Snapshot } from '@/lib/hub'
import type { LogLine } from '@/lib/streams'
import { useStreamLog } from '../live'

export function LogPanel(props: {
  readonly snapshot: Snapshot<LogLine>
  readonly height: number | string
}) {
  const { data, lastEventId } = props.snapshot
  const log = useStreamLog('logs.site', {
    ...{ initialData: data, lastEventId, limit: 5000 },
    // For when there is no position to go on from, as the hub was away.
    last: 200,
  })
  return (
    <LogTail
      log={log}
      render={renderLine}
      level={levelOf}
      height={props.height}
      label="Server log, times in UTC"
      empty="No lines yet. Open a page of the site."
    />
  )
}

// Outside of the component, so that no line is drawn twice.
const levelOf = ({ data }: LogEvent<LogLine>) => data.level

function renderLine({ data: { at, level, message, ...fields } }: LogEvent<LogLine>) {
  return (
    <>
      <time dateTime={new Date(at).toISOString()}>{new Date(at).toISOString().slice(11, 19)}</time>
      {` ${level.padEnd(5)} ${message} `}
      <span className="fields">
        {Object.entries(fields)
          .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
          .join(' ')}
      </span>
    </>
  )
}
