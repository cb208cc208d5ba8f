import { useRef } from 'react'
import type { Source } from '../data/source'
import { fill } from '../paint/fill'
import { setText } from '../paint/text'
import { usePainter } from '../paint/usePainter'
import { cellText, type Twin } from './twin'

/** More rows than these nobody reads; CSV has them all. */
const MAX_ROWS = 200

/** Props of {@link TwinTable}. */
export interface TwinTableProps {
  readonly name: string
  readonly source: Source
  twin(): Twin
}

/** What a panel shows, as a table: for screen readers, and for who wants numbers. */
export function TwinTable({ name, source, twin }: TwinTableProps) {
  const ref = useRef<HTMLElement>(null)
  const latest = useRef(twin)
  latest.current = twin
  usePainter(
    ref,
    (element) => {
      const head = element.querySelector('thead tr')
      const body = element.querySelector('tbody')
      return {
        every: 1000,
        ages: true,
        version: () => source.version,
        paint: () => paint(head, body, latest.current()),
      }
    },
    [source],
  )
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className="table twin" ref={ref} tabIndex={0} aria-label={`${name} as a table`}>
      <table>
        <caption className="said">{name}</caption>
        <thead>
          <tr />
        </thead>
        <tbody />
      </table>
    </section>
  )
}

function paint(head: Element | null, body: Element | null, { columns, rows }: Twin): void {
  if (head === null || body === null) return
  fill(head, columns.length, 'th')
  for (const [i, { name, unit }] of columns.entries()) {
    const cell = head.children[i] as HTMLTableCellElement
    cell.scope = 'col'
    cell.classList.toggle('number', unit !== undefined && unit !== 'time')
    setText(cell, name)
  }
  fill(body, Math.min(rows.length, MAX_ROWS), 'tr')
  for (let i = 0; i < body.children.length; i++) {
    const row = body.children[i] as Element
    fill(row, columns.length, 'td')
    for (const [j, { unit }] of columns.entries()) {
      const cell = row.children[j] as Element
      cell.classList.toggle('number', unit !== undefined && unit !== 'time')
      setText(cell, cellText(rows[i]?.[j], unit))
    }
  }
}
