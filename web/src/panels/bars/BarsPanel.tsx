import { useRef } from 'react'
import { useSession } from '../../page/session'
import { usePainter } from '../../paint/usePainter'
import { numbersFor, numbersOf } from '../numbers'
import { Panel } from '../Panel'
import type { PanelProps, PanelType } from '../registry'
import { BarsPainter, barsTwin } from './barsPainter'
import './bars.css'

/** The newest number of each key, the largest first. */
export const bars: PanelType = {
  name: 'bars',
  width: 4,
  height: 6,
  content: (definition, name, window) => numbersFor(definition, name, window),
  Component: BarsPanel,
}

function BarsPanel({ definition, source }: PanelProps) {
  const session = useSession()
  const ref = useRef<HTMLDivElement>(null)
  usePainter(ref, (element) => new BarsPainter(element, session, definition, source), [
    session,
    definition,
    source,
  ])
  return (
    <Panel
      definition={definition}
      source={source}
      twin={() => barsTwin(numbersOf(source), definition, session)}
    >
      <div className="bars" ref={ref}>
        <ol aria-label={definition.title ?? source.name} />
        <p className="rest" />
      </div>
    </Panel>
  )
}
