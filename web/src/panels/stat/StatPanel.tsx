import { useRef } from 'react'
import type { Series } from '../../data/numbers'
import type { Stream } from '../../data/stream'
import { useSession } from '../../page/session'
import { useValue } from '../../page/value'
import { usePainter } from '../../paint/usePainter'
import { Panel } from '../Panel'
import type { PanelProps, PanelType } from '../registry'
import { StatPainter } from './statPainter'

/** More cards than this for one stream would crowd out the others. */
const MAX_CARDS = 4

/** A number, large, with its recent course. An object of numbers shows the first
 * of each unit. */
export const stat: PanelType = {
  name: 'stat',
  place: 'stats',
  fit: (stream) => headlines(stream).map((series) => ({ stream, series })),
  Component: StatPanel,
}

function headlines(stream: Stream): Series[] {
  const { content } = stream
  if (content?.kind !== 'numbers' || content.keyed) return []
  const first = content.units.map((unit) => content.series.find((s) => s.label.unit === unit))
  return first.filter((s) => s !== undefined).slice(0, MAX_CARDS)
}

/** Which of the stream's numbers it is, unless its name already says so. */
function detailOf(stream: Stream, series: Series | undefined): string | undefined {
  return series?.label.text === stream.name.split('.').at(-1) ? undefined : series?.label.text
}

function StatPanel({ stream, series }: PanelProps) {
  const session = useSession()
  const scheme = useValue(session.theme.scheme)
  const ref = useRef<HTMLDivElement>(null)
  usePainter(ref, (element) => new StatPainter(element, session.board, stream, series), [
    stream,
    series,
    scheme,
  ])
  return (
    <Panel stream={stream} kind="stat" detail={detailOf(stream, series)}>
      <div className="stat" ref={ref}>
        <p>
          <span className="value" data-value="" />
          <span className="unit" />
        </p>
        <div className="spark" aria-hidden="true">
          <canvas />
        </div>
      </div>
    </Panel>
  )
}
