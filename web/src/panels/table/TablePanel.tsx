import { useRef } from 'react'
import { usePainter } from '../../paint/usePainter'
import { Panel } from '../Panel'
import type { PanelProps, PanelType } from '../registry'
import { TablePainter } from './tablePainter'

/** The newest event's rows. */
export const table: PanelType = {
  name: 'table',
  place: 'charts',
  fit: (stream) => (stream.content?.kind === 'rows' ? [{ stream }] : []),
  Component: TablePanel,
}

function TablePanel({ stream }: PanelProps) {
  const ref = useRef<HTMLDivElement>(null)
  usePainter(ref, (element) => new TablePainter(element, stream), [stream])
  return (
    <Panel stream={stream} kind="table" tools={<span className="facts" />}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section className="table" ref={ref} tabIndex={0} aria-label={`${stream.name}, newest rows`}>
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
