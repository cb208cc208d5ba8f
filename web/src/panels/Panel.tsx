import { type ReactNode, useEffect, useId, useRef, useState } from 'react'
import { listOf, type PanelDefinition } from '../dashboard/definition'
import type { Source } from '../data/source'
import { formatAge, formatSpan } from '../data/units'
import { type Session, useSession } from '../page/session'
import { setText } from '../paint/text'
import { usePainter } from '../paint/usePainter'
import { absenceOf, ageOf, isSilentZero } from './age'
import { spanOf } from './moment'
import { PanelMenu } from './PanelMenu'
import { TwinTable } from './TwinTable'
import type { Twin } from './twin'
import './panel.css'

/** An age up to this, in ms, is not worth a word where nothing is expected. */
const UNREMARKABLE = 5000

/** Props of {@link Panel}. */
export interface PanelFrameProps {
  readonly definition: PanelDefinition
  readonly source: Source
  /** What of the stream is shown, if not all. */
  readonly detail?: string | undefined
  readonly tools?: ReactNode
  /** What its menu has more than others', as items of Radix's DropdownMenu. */
  readonly items?: ReactNode
  /** Makes the table of what is shown; without it the panel is none. */
  readonly twin?: (() => Twin) | undefined
  /** Whether it shows only what lies within its window. */
  readonly spans?: boolean
  readonly children: ReactNode
}

/** The frame that all panels share: name, losses, age, menu. */
export function Panel({
  definition,
  source,
  detail,
  tools,
  items,
  twin,
  spans = false,
  children,
}: PanelFrameProps) {
  const title = useId()
  const ref = useRef<HTMLElement>(null)
  const [full, setFull] = useFullScreen(ref)
  const [asTable, setAsTable] = useState(false)
  const name = definition.title ?? source.name
  return (
    <article
      ref={ref}
      className="panel"
      data-panel={definition.type}
      data-stream={source.name}
      data-full={full || undefined}
      aria-labelledby={title}
    >
      <header>
        <h3 id={title} title={definition.description ?? source.name}>
          {definition.title === undefined ? (
            <StreamName name={source.name} />
          ) : (
            <span className="name">{definition.title}</span>
          )}
          {detail ? <span className="detail">{detail}</span> : null}
        </h3>
        {asTable ? null : tools}
        <Losses source={source} />
        <Age definition={definition} source={source} spans={spans} />
        <PanelMenu
          items={items}
          name={name}
          panel={ref}
          twin={twin}
          full={full}
          onFull={setFull}
          asTable={asTable}
          onTable={setAsTable}
        />
      </header>
      {asTable && twin ? <TwinTable name={name} source={source} twin={twin} /> : children}
      <p className="empty" />
      <p className="said" aria-live="polite" />
    </article>
  )
}

/** Full screen, by `f` while the focus is within the panel; Escape leaves. */
function useFullScreen(ref: React.RefObject<HTMLElement | null>) {
  const [full, setFull] = useState(false)
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const { key, target, ctrlKey, metaKey, altKey } = event
      if (event.defaultPrevented || ctrlKey || metaKey || altKey) return
      const within = target instanceof Node && ref.current?.contains(target)
      const typing = target instanceof Element && target.closest('input, textarea, [role=menu]')
      if (key === 'f' && within && !typing) setFull((was) => !was)
      else if (key === 'Escape' && !typing) setFull(false)
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [ref])
  return [full, setFull] as const
}

/** A stream's name, its last token in front of the eye. */
function StreamName({ name }: { name: string }) {
  const dot = name.includes('(') ? 0 : name.lastIndexOf('.') + 1
  return (
    <span className="name">
      <span className="prefix">{name.slice(0, dot)}</span>
      {name.slice(dot)}
    </span>
  )
}

function Losses({ source }: { source: Source }) {
  if (source.gaps === 0) return null
  const text = source.lost > 0 ? `${source.lost} lost` : `${source.gaps} gaps`
  return (
    <span className="losses" title="Events that this page could not get any more">
      <span aria-hidden="true">▲ </span>
      {text}
    </span>
  )
}

interface AgeProps {
  readonly definition: PanelDefinition
  readonly source: Source
  readonly spans: boolean
}

/** How old the newest event is: in silence while it is as young as expected. And
 * what an empty panel waits for. */
function Age({ definition, source, spans }: AgeProps) {
  const session = useSession()
  const ref = useRef<HTMLSpanElement>(null)
  usePainter(
    ref,
    (element) => {
      const panel = element.closest<HTMLElement>('.panel')
      const empty = panel?.querySelector('.empty')
      return {
        every: 500,
        ages: true,
        version: () => source.version,
        paint() {
          const { age, interval, state } = ageOf(source, session)
          if (panel !== null && panel.dataset.age !== state) panel.dataset.age = state
          const expected =
            interval !== undefined || age < UNREMARKABLE || isSilentZero(source, session)
          setText(element, state === 'fresh' && expected ? '' : ageText(age))
          if (empty) setText(empty, emptyText(definition, source, spans, session))
        },
      }
    },
    [definition, source, spans],
  )
  return <span className="age" ref={ref} />
}

function ageText(age: number): string {
  return Number.isFinite(age) ? `${formatAge(age)} old` : ''
}

/** Whether there are events, but none with a number that this panel could show. */
function hasNoNumbers({ content }: Source): boolean {
  return content?.kind === 'numbers' && content.series.length === 0
}

function emptyText(
  definition: PanelDefinition,
  source: Source,
  spans: boolean,
  session: Session,
): string {
  if (definition.type === 'text') return ''
  if (source.problem !== undefined) return source.problem
  // A list has a place for each value, and none for those that are not there.
  const isList = definition.type === 'bars' || definition.type === 'table'
  const absence = isList && source.count > 0 ? absenceOf(source, session) : ''
  if (absence !== '') return absence
  // What silence is worth is a number now, but no picture of the past.
  const silent = isSilentZero(source, session)
  if (silent && (source.count > 0 || !spans)) return ''
  if (source.count === 0 && !silent) return `Waiting for ${source.name}`
  if (hasNoNumbers(source)) {
    const fields = listOf(definition.field).join(', ')
    return `${source.name} has no number${fields === '' ? '' : ` at ${fields}`}`
  }
  if (!spans) return ''
  const { from, to } = spanOf(definition, session.timeline)
  if (source.lastAt >= from) return ''
  const window = definition.window ?? session.timeline.window.get()
  const standing = session.timeline.mode.get().kind !== 'live'
  return `Nothing in ${standing ? 'these' : 'the last'} ${formatSpan(Math.max(window, to - from))}`
}
