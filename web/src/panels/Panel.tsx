import { type ReactNode, useId, useRef } from 'react'
import { freshness } from '../data/cadence'
import type { Stream } from '../data/stream'
import { formatAge } from '../data/units'
import { useSession } from '../page/session'
import { setText } from '../paint/text'
import { usePainter } from '../paint/usePainter'

/** An age up to this, in ms, is not worth a word where nothing is expected. */
const UNREMARKABLE = 5000

/** Props of {@link Panel}. */
export interface PanelFrameProps {
  readonly stream: Stream
  readonly kind: string
  /** What of the stream is shown, if not all. */
  readonly detail?: string | undefined
  readonly tools?: ReactNode
  readonly children: ReactNode
}

/** The frame that all panels share: name, losses, age. */
export function Panel({ stream, kind, detail, tools, children }: PanelFrameProps) {
  const title = useId()
  return (
    <article className="panel" data-panel={kind} data-stream={stream.name} aria-labelledby={title}>
      <header>
        <h3 id={title} title={stream.name}>
          <StreamName name={stream.name} />
          {detail ? <span className="detail">{detail}</span> : null}
        </h3>
        {tools}
        <Losses stream={stream} />
        <Age stream={stream} />
      </header>
      {children}
    </article>
  )
}

/** A stream's name, its last token in front of the eye. */
function StreamName({ name }: { name: string }) {
  const dot = name.lastIndexOf('.') + 1
  return (
    <span className="name">
      <span className="prefix">{name.slice(0, dot)}</span>
      {name.slice(dot)}
    </span>
  )
}

function Losses({ stream }: { stream: Stream }) {
  if (stream.gaps === 0) return null
  const text = stream.lost > 0 ? `${stream.lost} lost` : `${stream.gaps} gaps`
  return (
    <span className="losses" title="Events that this page could not get any more">
      <span aria-hidden="true">▲ </span>
      {text}
    </span>
  )
}

/** How old the newest event is: in silence while it is as young as expected. */
function Age({ stream }: { stream: Stream }) {
  const { board } = useSession()
  const ref = useRef<HTMLSpanElement>(null)
  usePainter(
    ref,
    (element) => ({
      every: 500,
      ages: true,
      version: () => stream.version,
      paint() {
        const age = board.clock.now() - stream.lastAt
        // A number claims to be true now. A line of a log is as true as it was.
        const isCurrent = stream.content?.kind === 'numbers' || stream.content?.kind === 'rows'
        const interval = isCurrent ? stream.cadence.interval : undefined
        const state = freshness(age, interval)
        const panel = element.closest<HTMLElement>('.panel')
        if (panel !== null && panel.dataset.age !== state) panel.dataset.age = state
        const expected = interval !== undefined || age < UNREMARKABLE
        setText(element, state === 'fresh' && expected ? '' : `${formatAge(age)} old`)
      },
    }),
    [stream],
  )
  return <span className="age" ref={ref} />
}
