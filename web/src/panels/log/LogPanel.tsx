import { useRef } from 'react'
import type { Stream } from '../../data/stream'
import { usePainter } from '../../paint/usePainter'
import { Panel } from '../Panel'
import type { PanelProps, PanelType } from '../registry'
import { TailPainter } from './tailPainter'

/** Log records, and events of any other shape as compact JSON, newest last. */
export const tail: PanelType = {
  name: 'tail',
  place: 'tails',
  fit: (stream) => (isLines(stream) ? [{ stream }] : []),
  Component: TailPanel,
}

function isLines({ content }: Stream): boolean {
  return content?.kind === 'log' || content?.kind === 'other'
}

function TailPanel({ stream }: PanelProps) {
  const ref = useRef<HTMLDivElement>(null)
  const kind = stream.content?.kind ?? 'log'
  usePainter(ref, (element) => new TailPainter(element, stream), [stream])
  return (
    <Panel stream={stream} kind={kind === 'log' ? 'log' : 'events'}>
      <div className="tail" ref={ref}>
        {/* Announcing every line would drown a listener, so the log is read on demand. */}
        <div
          className="viewport"
          role="log"
          aria-live="off"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
          tabIndex={0}
          aria-label={`${stream.name}, newest last`}
        >
          <div className="lines" />
        </div>
        <button type="button" className="unseen" hidden />
      </div>
    </Panel>
  )
}
