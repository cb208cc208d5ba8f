import { useSession } from '../../page/session'
import { knownUntil, spanOf } from '../moment'
import { numbersFor, numbersOf } from '../numbers'
import { Panel } from '../Panel'
import type { PanelProps, PanelType } from '../registry'
import type { Twin } from '../twin'
import { usePanelPainter } from '../usePanelPainter'
import { cellsOf, rowText, unitsOf } from './cells'
import { HeatmapPainter } from './heatmapPainter'
import './heatmap.css'

/** Values by time and key, or a histogram's counts by time and size, as colours. */
export const heatmap: PanelType = {
  name: 'heatmap',
  width: 6,
  height: 6,
  content: (definition, name, window) => numbersFor(definition, name, window),
  Component: HeatmapPanel,
}

function HeatmapPanel({ definition, source }: PanelProps) {
  const session = useSession()
  const ref = usePanelPainter(HeatmapPainter, { definition, source })
  const twin = (): Twin => {
    const numbers = numbersOf(source)
    if (numbers === undefined) return { columns: [], rows: [] }
    const live = session.timeline.mode.get().kind === 'live'
    const span = spanOf(definition, session.timeline)
    const cells = cellsOf(numbers, definition, { ...span, live, known: knownUntil(session) })
    const units = unitsOf(numbers, definition, cells.histogram)
    const names = cells.rows.map((_, i) => rowText(cells, i, units.row))
    const times = Array.from({ length: cells.columns }, (_, j) => cells.columns - 1 - j)
    return {
      columns: [
        { name: 'time', unit: 'time' },
        ...names.map((name) => ({ name, unit: units.cell })),
      ],
      rows: times.map((j) => [
        cells.start + j * cells.length,
        ...names.map((_, i) => cells.values[i * cells.columns + j]),
      ]),
    }
  }
  const name = definition.title ?? source.name
  return (
    <Panel definition={definition} source={source} tools={<Ramp />} twin={twin} spans>
      <div
        className="heat"
        ref={ref}
        role="img"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys move the crosshair
        tabIndex={0}
        aria-label={`${name} as a heatmap`}
      >
        <canvas />
        <i className="cross" hidden />
        <p className="tip" hidden />
      </div>
    </Panel>
  )
}

/** What the colours stand for. */
function Ramp() {
  return (
    <span className="ramp">
      <span className="low" />
      <canvas />
      <span className="high" />
    </span>
  )
}
