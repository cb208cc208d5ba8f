import { listOf } from '../../dashboard/definition'
import { Numbers } from '../../data/numbers'
import { Rows } from '../../data/rows'
import { useSession } from '../../page/session'
import { Panel } from '../Panel'
import type { PanelProps, PanelType } from '../registry'
import { usePanelPainter } from '../usePanelPainter'
import { tableTwin } from './tableModel'
import { TablePainter, tableAt } from './tablePainter'
import './table.css'

/** The newest event's rows, the newest event of each key, or the groups of views. */
export const table: PanelType = {
  name: 'table',
  width: 6,
  height: 8,
  content: ({ view, keys, field }, name, window) => {
    if (view === undefined) return new Rows({ keyed: true })
    const fields = listOf(field)
    // Several views are columns of one table: their groups are the same rows.
    return new Numbers({ name, window, keys, ...(fields.length > 0 ? { fields } : {}) })
  },
  Component: TablePanel,
}

function TablePanel({ definition, source }: PanelProps) {
  const session = useSession()
  const ref = usePanelPainter(TablePainter, { definition, source })
  const name = definition.title ?? source.name
  return (
    <Panel
      definition={definition}
      source={source}
      tools={<span className="facts" />}
      twin={() => tableTwin(tableAt(source, definition, session) ?? { columns: [], rows: [] })}
    >
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section className="table" ref={ref} tabIndex={0} aria-label={`${name}, newest rows`}>
        <table>
          <thead>
            <tr />
          </thead>
          <tbody />
        </table>
      </section>
    </Panel>
  )
}
