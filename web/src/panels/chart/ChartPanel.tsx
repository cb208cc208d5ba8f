import { useMemo, useRef, useState } from 'react'
import { type Unit, unitName } from '../../data/units'
import { useSession } from '../../page/session'
import { useValue } from '../../page/value'
import { assignColours } from '../../paint/palette'
import { usePainter } from '../../paint/usePainter'
import { numbersFor, numbersOf } from '../numbers'
import { Panel } from '../Panel'
import type { PanelProps, PanelType } from '../registry'
import { useOutline } from '../useOutline'
import { ChartPainter } from './chartPainter'
import { chartTwin } from './chartTwin'
import { Legend } from './Legend'
import { type Lines, linesOf, unitsOf } from './lines'
import './chart.css'

/** Numbers over time, a line for each field or key of one unit at a time. */
export const timeseries: PanelType = {
  name: 'timeseries',
  width: 6,
  height: 6,
  content: (definition, name, window) => numbersFor(definition, name, window),
  Component: ChartPanel,
}

const NOTHING: Lines = { lines: [], field: undefined, hidden: 0 }
const NONE: ReadonlySet<string> = new Set()

function ChartPanel({ definition, source }: PanelProps) {
  const session = useSession()
  const [chosen, choose] = useState<Unit>()
  const numbers = numbersOf(source)
  const outline = useOutline(source)
  const units = numbers === undefined ? [] : unitsOf(numbers, definition)
  const unit = chosen ?? units[0] ?? 'count'
  // biome-ignore lint/correctness/useExhaustiveDependencies: the outline says what is new of the numbers
  const shown = useMemo(
    () => (numbers === undefined ? NOTHING : linesOf(numbers, unit, definition)),
    [numbers, outline, unit, definition],
  )
  const twin = () => chartTwin(definition, numbers, shown.lines, unit, session)
  return (
    <Panel
      definition={definition}
      source={source}
      detail={shown.field}
      tools={units.length > 1 ? <Units units={units} unit={unit} choose={choose} /> : null}
      twin={twin}
      spans
    >
      <Chart definition={definition} source={source} shown={shown} unit={unit} />
    </Panel>
  )
}

/** The picture and its legend. */
function Chart({ definition, source, shown, unit }: PanelProps & { shown: Lines; unit: Unit }) {
  const session = useSession()
  const scheme = useValue(session.theme.scheme)
  const [hidden, hide] = useState(NONE)
  const ref = useRef<HTMLDivElement>(null)
  const slots = useMemo(() => assignColours(shown.lines.map((line) => line.name)), [shown])
  usePainter(
    ref,
    (element) => {
      const drawn = shown.lines.flatMap((line, i) =>
        hidden.has(line.name) ? [] : [{ line, slot: slots[i] ?? 0 }],
      )
      const order = drawn.map((_, i) => i)
      // The bars of a stack reach down to zero, those in front to a lower sum.
      if (definition.stack && definition.style === 'bar') order.reverse()
      return new ChartPainter(element, {
        definition,
        page: session,
        source,
        all: shown.lines,
        lines: drawn.map(({ line }) => line),
        slots: drawn.map(({ slot }) => slot),
        order,
        unit,
        marks: () => session.page.get().marks,
      })
    },
    [definition, source, shown, slots, hidden, unit, scheme],
  )
  return (
    <div className="chart" ref={ref}>
      <div
        className="plot"
        role="img"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys move the crosshair
        tabIndex={0}
        aria-label={`${definition.title ?? source.name}, waiting for data`}
      />
      <Legend lines={shown.lines} slots={slots} hidden={hidden} onHide={hide} more={shown.hidden} />
    </div>
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
          {unitName(u)}
        </button>
      ))}
    </fieldset>
  )
}
