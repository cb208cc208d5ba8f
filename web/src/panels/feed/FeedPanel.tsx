import { type KeyboardEvent, type PointerEvent, useEffect, useMemo, useRef } from 'react'
import { Activities } from '../../data/activities'
import { useSession } from '../../page/session'
import { useValue } from '../../page/value'
import { usePainter } from '../../paint/usePainter'
import { Panel } from '../Panel'
import type { PanelProps, PanelType } from '../registry'
import { FeedPainter } from './feedPainter'
import { dayName } from './groups'
import { Item } from './Item'
import '../unseen.css'
import './feed.css'

/** Activities that a feed keeps. */
const MAX_ACTIVITIES = 5000

/** Who did what, newest first. */
export const feed: PanelType = {
  name: 'feed',
  width: 6,
  height: 9,
  content: ({ fields }) => new Activities(MAX_ACTIVITIES, fields),
  Component: FeedPanel,
}

function FeedPanel({ definition, source }: PanelProps) {
  const { timeline } = useSession()
  const ref = useRef<HTMLDivElement>(null)
  const painter = useMemo(() => new FeedPainter(timeline, source), [timeline, source])
  usePainter(ref, (element) => painter.attach(element), [painter])
  const { days, unseen, more, kept } = useValue(painter.shown)
  // biome-ignore lint/correctness/useExhaustiveDependencies: new articles have no age yet
  useEffect(() => painter.paint(), [painter, days])
  const toTop = () => {
    painter.follow()
    ref.current?.scrollTo({ top: 0 })
    ref.current?.querySelector<HTMLElement>('[role="feed"]')?.focus()
  }
  return (
    <Panel definition={definition} source={source}>
      <div className="feed">
        <div
          className="scroller"
          ref={ref}
          onScroll={(event) => painter.scrolled(event.currentTarget.scrollTop)}
        >
          <section
            role="feed"
            aria-busy={days.length === 0}
            aria-label={`${source.name}, newest first`}
            // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
            tabIndex={0}
            onKeyDown={moveFocus}
            onPointerOver={(event) => painter.point(pointedAt(event))}
            onPointerLeave={() => painter.point(undefined)}
          >
            {days.map(({ at, groups }) => (
              <div className="day" key={at}>
                <div className="date">{dayName(at, timeline.now)}</div>
                {groups.map((group) => (
                  <Item key={group.id} group={group} />
                ))}
              </div>
            ))}
          </section>
          {more ? (
            <button type="button" className="older" onClick={() => painter.showOlder()}>
              Show older
            </button>
          ) : null}
        </div>
        {days.length === 0 && kept > 0 ? (
          <p className="hint">Nothing is kept from before that</p>
        ) : null}
        <button type="button" className="unseen" hidden={unseen === 0} onClick={toTop}>
          ↑ {unseen} new
        </button>
      </div>
    </Panel>
  )
}

/** The time that is under the pointer: all panels show it. */
function pointedAt({ target, pointerType }: PointerEvent): number | undefined {
  const time = (target as Element).closest<HTMLElement>('time[data-at]')
  return time === null || pointerType === 'touch' ? undefined : Number(time.dataset.at)
}

/** Moves from article to article, as in every feed. */
function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  const steps: Readonly<Record<string, number>> = {
    ArrowDown: 1,
    PageDown: 1,
    ArrowUp: -1,
    PageUp: -1,
  }
  const articles = [...event.currentTarget.querySelectorAll<HTMLElement>('article')]
  const current = articles.indexOf(document.activeElement?.closest('article') as HTMLElement)
  const step = steps[event.key]
  let next: HTMLElement | undefined
  if (step !== undefined) next = articles[current < 0 ? 0 : current + step]
  else if (event.key === 'Home') next = articles[0]
  else if (event.key === 'End') next = articles.at(-1)
  if (next === undefined) return
  event.preventDefault()
  next.focus({ preventScroll: true })
  next.scrollIntoView({ block: 'nearest' })
}
