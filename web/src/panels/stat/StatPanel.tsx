import { useSession } from '../../page/session'
import { chartTwin } from '../chart/chartTwin'
import { numbersFor, numbersOf, seriesOf, unitOf } from '../numbers'
import { Panel } from '../Panel'
import type { PanelProps, PanelType } from '../registry'
import { useOutline } from '../useOutline'
import { usePanelPainter } from '../usePanelPainter'
import { StatPainter } from './statPainter'
import './stat.css'

/** A number, large, with its recent course. */
export const stat: PanelType = {
  name: 'stat',
  width: 2,
  height: 3,
  content: (definition, name, window) => numbersFor(definition, name, window),
  Component: StatPanel,
}

function StatPanel({ definition, source }: PanelProps) {
  const session = useSession()
  useOutline(source)
  const series = seriesOf(definition, source)
  const ref = usePanelPainter(StatPainter, { definition, source }, series)
  // Which of the stream's numbers it is, unless its name already says so.
  const text = definition.title === undefined ? series?.label.text : ''
  const twin = () => {
    const lines =
      series === undefined ? [] : [{ name: definition.title ?? (text || 'value'), series }]
    const unit = unitOf(definition, series)
    return chartTwin(definition, numbersOf(source), lines, unit, session)
  }
  return (
    <Panel
      definition={definition}
      source={source}
      detail={text === source.name.split('.').at(-1) ? undefined : text}
      twin={twin}
    >
      <div className="stat" ref={ref}>
        <p className="figure">
          <span className="value" data-value="" />
          <span className="unit" />
        </p>
        <p className="remarks">
          <span className="state" />
          <span className="delta" />
        </p>
        <div className="spark" aria-hidden="true">
          <canvas />
        </div>
      </div>
    </Panel>
  )
}
