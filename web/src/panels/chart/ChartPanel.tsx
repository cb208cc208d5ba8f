import { useMemo, useRef, useState } from 'react'
import type { Stream } from '../../data/stream'
import { UNIT_NAMES, type Unit } from '../../data/units'
import { useSession } from '../../page/session'
import { useValue } from '../../page/value'
import { assignColours } from '../../paint/palette'
import { usePainter } from '../../paint/usePainter'
import { Panel } from '../Panel'
import type { PanelProps, PanelType } from '../registry'
import { ChartPainter } from './chartPainter'
import { type Lines, linesOf, unitsOf } from './lines'

/** Numbers over time, a line for each field or key of one unit at a time. */
export const chart: PanelType = {
  name: 'chart',
  place: 'charts',
  fit: (stream) => (isPlural(stream) ? [{ stream }] : []),
  Component: ChartPanel,
}

const NOTHING: Lines = { lines: [], field: undefined, hidden: 0 }

/** A single number is well served by its stat card. */
function isPlural({ content }: Stream): boolean {
  return content?.kind === 'numbers' && (content.keyed || content.series.length > 1)
}

function ChartPanel({ stream }: PanelProps) {
  const session = useSession()
  const scheme = useValue(session.theme.scheme)
  const [chosen, choose] = useState<Unit>()
  const ref = useRef<HTMLDivElement>(null)
  const numbers = stream.content?.kind === 'numbers' ? stream.content : undefined
  const count = numbers?.series.length ?? 0
  const units = numbers === undefined ? [] : unitsOf(numbers)
  const unit = chosen ?? units[0] ?? 'count'
  // biome-ignore lint/correctness/useExhaustiveDependencies: series are only ever added
  const { lines, field, hidden } = useMemo(
    () => (numbers === undefined ? NOTHING : linesOf(numbers, unit)),
    [numbers, count, unit],
  )
  const slots = useMemo(() => assignColours(lines.map((line) => line.name)), [lines])
  usePainter(
    ref,
    (element) => new ChartPainter(element, { board: session.board, stream, lines, slots, unit }),
    [stream, lines, slots, unit, scheme],
  )
  return (
    <Panel
      stream={stream}
      kind="chart"
      detail={field}
      tools={units.length > 1 ? <Units units={units} unit={unit} choose={choose} /> : null}
    >
      <div className="chart" ref={ref}>
        <div className="plot" role="img" aria-label={`${stream.name}, waiting for data`} />
        <ul className="legend">
          {lines.map((line, i) => (
            <li key={line.name}>
              <svg viewBox="0 0 14 8" aria-hidden="true" data-slot={(slots[i] ?? 0) % 8}>
                <path d="M1 4h12" strokeDasharray={(slots[i] ?? 0) < 8 ? undefined : '3 2'} />
              </svg>
              <span className="label">{line.name}</span>
              <span className="number">
                <span className="value" data-value="" />
                <span className="unit" />
              </span>
            </li>
          ))}
          {hidden > 0 ? <li>and {hidden} more</li> : null}
        </ul>
      </div>
    </Panel>
  )
}

interface UnitsProps {
  readonly units: readonly Unit[]
  readonly unit: Unit
  choose(unit: Unit): void
}

function Units({ units, unit, choose }: UnitsProps) {
  return (
    <fieldset className="units" aria-label="Unit shown">
      {units.map((u) => (
        <button key={u} type="button" aria-pressed={u === unit} onClick={() => choose(u)}>
          {UNIT_NAMES[u]}
        </button>
      ))}
    </fieldset>
  )
}
