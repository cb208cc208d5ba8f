import { useSession } from '../../page/session'
import { numbersFor, numbersOf } from '../numbers'
import { Panel } from '../Panel'
import type { PanelProps, PanelType } from '../registry'
import { usePanelPainter } from '../usePanelPainter'
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
  const ref = usePanelPainter(BarsPainter, { definition, source })
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
