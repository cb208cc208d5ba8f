import { useSession } from '../../page/session'
import { chartTwin } from '../chart/chartTwin'
import { numbersFor, numbersOf, seriesOf, unitOf } from '../numbers'
import { Panel } from '../Panel'
import type { PanelProps, PanelType } from '../registry'
import { useOutline } from '../useOutline'
import { usePanelPainter } from '../usePanelPainter'
import { GaugePainter } from './gaugePainter'
import './gauge.css'

/** A number between bounds: an arc where there is room for one, else a bar. */
export const gauge: PanelType = {
  name: 'gauge',
  width: 3,
  height: 5,
  content: (definition, name, window) => numbersFor(definition, name, window),
  Component: GaugePanel,
}

/** 240 degrees of a circle, and a thinner one around it. */
const ARC = 'M16.7 85A50 50 0 1 1 103.3 85'
const RIM = 'M11.9 87.75A55.5 55.5 0 1 1 108.1 87.75'

function GaugePanel({ definition, source }: PanelProps) {
  const session = useSession()
  const ref = usePanelPainter(GaugePainter, { definition, source })
  useOutline(source)
  const series = seriesOf(definition, source)
  const zones = (definition.thresholds ?? []).map(({ state, at }) => ({
    state,
    key: `${state} ${at}`,
  }))
  const text = definition.title === undefined ? series?.label.text : ''
  const twin = () => {
    const lines =
      series === undefined ? [] : [{ name: text || definition.title || 'value', series }]
    return chartTwin(definition, numbersOf(source), lines, unitOf(definition, series), session)
  }
  return (
    <Panel definition={definition} source={source} detail={text} twin={twin}>
      {/* biome-ignore lint/a11y/useSemanticElements: a <meter> can't be an arc */}
      <div
        className="gauge"
        ref={ref}
        role="meter"
        aria-label={definition.title ?? source.name}
        aria-valuenow={0}
      >
        <div className="dial">
          <svg viewBox="0 0 120 94" aria-hidden="true">
            <path className="track" d={ARC} />
            {zones.map(({ key, state }) => (
              <path key={key} className="zone" data-is={state} d={RIM} pathLength={100} />
            ))}
            <path className="reach" d={ARC} pathLength={100} />
          </svg>
          <div className="bar-track" aria-hidden="true">
            <div className="bar-reach" />
            {zones.map(({ key, state }) => (
              <i key={key} className="zone" data-is={state} />
            ))}
          </div>
          <p className="figure">
            <span className="value" data-value="" />
            <span className="unit" />
          </p>
          <p className="scale">
            <span className="low" />
            <span className="state" />
            <span className="high" />
          </p>
        </div>
      </div>
    </Panel>
  )
}
