import { type CSSProperties, memo, useMemo, useState } from 'react'
import { PanelContext } from '../panels/PanelContext'
import { panelTypes } from '../panels/registry'
import type { Mistake } from './api'
import { mistakesOf } from './mistakes'
import type { PanelItem, PanelRow } from './page'

/** More panels than this in one row are drawn when somebody asks for them. */
const MAX_PANELS = 60

/** The rows, or of them the one panel that was asked for. */
export function only(panel: string | undefined, rows: readonly PanelRow[]): readonly PanelRow[] {
  if (panel === undefined) return rows
  return rows
    .map(({ items }) => ({ title: undefined, items: items.filter(({ id }) => id === panel) }))
    .filter(({ items }) => items.length > 0)
}

interface GridRowProps extends PanelRow {
  /** What is wrong with the dashboard's file. */
  readonly mistakes?: readonly Mistake[] | undefined
}

/** Panels side by side on twelve columns. */
export function GridRow({ title, items, mistakes }: GridRowProps) {
  const [all, setAll] = useState(false)
  const hidden = all ? 0 : items.length - MAX_PANELS
  return (
    <div className="row">
      {title ? <h2 className="row-title">{title}</h2> : null}
      <div className="grid">
        {items.slice(0, all ? undefined : MAX_PANELS).map((item) => (
          <Cell key={item.id} item={item} wrong={mistakesOf(mistakes, item.id)} />
        ))}
      </div>
      {hidden > 0 ? (
        <button type="button" onClick={() => setAll(true)}>
          Show {hidden} more
        </button>
      ) : null}
    </div>
  )
}

interface CellProps {
  readonly item: PanelItem
  readonly wrong: string
}

const Cell = memo(function Cell({ item: { id, definition, source }, wrong }: CellProps) {
  const type = panelTypes[definition.type]
  const width = definition.width ?? type.width
  const style = {
    '--width': width,
    '--half': Math.min(6, Math.max(2, Math.ceil(width / 2))),
    '--height': definition.height ?? type.height,
  } as CSSProperties
  return (
    <div
      className="cell"
      style={style}
      data-type={definition.type}
      data-wrong={wrong || undefined}
      title={wrong || undefined}
    >
      <PanelContext value={useMemo(() => ({ id }), [id])}>
        <type.Component definition={definition} source={source} />
      </PanelContext>
    </div>
  )
})
