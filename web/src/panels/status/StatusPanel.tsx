import type { PanelDefinition } from '../../dashboard/definition'
import { useSession } from '../../page/session'
import { type Page, spanOf } from '../moment'
import { numbersFor, numbersOf } from '../numbers'
import { Panel } from '../Panel'
import type { PanelProps, PanelType } from '../registry'
import type { Twin } from '../twin'
import { usePanelPainter } from '../usePanelPainter'
import { rowsOf, StatusPainter } from './statusPainter'
import './status.css'

/** States over time, a row of beats for each key. */
export const status: PanelType = {
  name: 'status',
  width: 6,
  height: 5,
  content: (definition, name, window) => numbersFor(definition, name, window, byWords(definition)),
  Component: StatusPanel,
}

/** Whether states are words, or numbers with thresholds. */
function byWords({ thresholds, states }: PanelDefinition): boolean {
  return thresholds === undefined || states !== undefined
}

function StatusPanel({ definition, source }: PanelProps) {
  const session = useSession()
  const ref = usePanelPainter(StatusPainter, { definition, source })
  const name = definition.title ?? source.name
  return (
    <Panel
      definition={definition}
      source={source}
      spans
      twin={() => twinOf(definition, source, session)}
    >
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys move the crosshair */}
      <section className="status" ref={ref} tabIndex={0} aria-label={`${name}, states over time`}>
        <ul />
        <i className="cross" hidden />
        <p className="tip" hidden />
      </section>
    </Panel>
  )
}

/** The states as they came, the newest first. */
function twinOf(definition: PanelDefinition, source: PanelProps['source'], page: Page): Twin {
  const numbers = numbersOf(source)
  const columns = [{ name: 'time', unit: 'time' }, { name: 'key' }, { name: 'state' }]
  if (numbers === undefined) return { columns, rows: [] }
  const { from, to } = spanOf(definition, page.timeline)
  const rows: (string | number)[][] = []
  for (let row = numbers.columns.rowUntil(to); row >= 0; row--) {
    const at = numbers.columns.timeAt(row)
    if (at < from) break
    for (const { column, key = '' } of rowsOf(numbers, definition)) {
      const value = numbers.columns.valueAt(column, row)
      if (!Number.isFinite(value)) continue
      rows.push([at, key, byWords(definition) ? (numbers.stateOf(value) ?? '') : String(value)])
    }
  }
  return { columns, rows }
}
