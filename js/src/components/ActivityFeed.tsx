import { memo, type ReactNode, useEffect, useRef, useState } from 'react'
import type { EventLogResult, LogEvent } from '../react/useEventLog.js'
import { useClockText } from './clock.js'
import { formatAge, formatCount } from './format.js'
import { type PartProps, rootProps, UNSEEN } from './part.js'
import { countUntil, useHeld } from './useHeld.js'
import { useLayout } from './useLayout.js'

/** Ms for which news are collected before they are read out. */
const SAY_EVERY = 4000

/** Ms within which what comes was there before. */
const AT_FIRST = 1000

/** What {@link ActivityFeed} takes. */
export interface ActivityFeedProps<T> extends PartProps {
  /** What `useEventLog` or `useStreamLog` gives. */
  readonly log: EventLogResult<T>
  /** Draws an item. The same function at each render draws no item twice. */
  readonly render: (event: LogEvent<T>) => ReactNode
  /** When it happened: a Date, epoch ms or a text in ISO 8601. Default: when it came here. */
  readonly time?: ((event: LogEvent<T>) => Date | number | string | null | undefined) | undefined
  /** Writes how long ago it happened, in ms. Default "now", "12 s ago", "3 min ago". */
  readonly formatAge?: ((ms: number) => string) | undefined
  /** How many of the newest items are shown. Default 100. */
  readonly limit?: number
  /** The height of the list, in px or any CSS length. Default 320. */
  readonly height?: number | string
  /** What it is called. Default "Activity". */
  readonly label?: string
  /** What is shown while there are no items. */
  readonly empty?: ReactNode
}

/**
 * What has happened, the newest first, each with its age. Nothing moves for who has
 * scrolled down: a button says how much is new. News are read out, politely and together.
 *
 * @example
 * const log = useEventLog<Deploy>('/v1/streams/deploys/events?last=50')
 * <ActivityFeed log={log} render={(e) => <>{e.data.who} deployed {e.data.what}</>} />
 */
export function ActivityFeed<T>(props: ActivityFeedProps<T>) {
  const { log, render, time = receivedAt, limit = 100, height = 320 } = props
  const { label = 'Activity', empty = 'Nothing yet', formatAge: age = formatAge } = props
  const list = useRef<HTMLOListElement>(null)
  const { shown, isHeld, behind, isMore, hold, release } = useHeld(log.events)
  const onScroll = () => {
    const top = list.current?.scrollTop ?? 0
    if (top > 0) hold()
    else release()
  }
  const toStart = () => {
    release()
    list.current?.focus({ preventScroll: true })
  }
  useLayout(() => {
    if (!isHeld && list.current) list.current.scrollTop = 0
  }, [isHeld])
  const said = useNews(log.events, list)
  const news = Math.min(behind + log.pending, log.events.length)
  return (
    // biome-ignore lint/a11y/useSemanticElements: any element may be a group
    <div
      role="group"
      aria-label={label}
      {...rootProps(props)}
      data-sg="activity-feed"
      data-status={log.status}
      data-stale={log.isStale || undefined}
      style={{ position: 'relative', ...props.style }}
    >
      {/* biome-ignore-start lint/a11y/noNoninteractiveTabindex: keys scroll it */}
      <ol
        aria-label={label}
        tabIndex={0}
        data-sg="feed-list"
        ref={list}
        style={{ height, overflow: 'auto', overflowAnchor: 'none' }}
        onScroll={onScroll}
      >
        {isHeld && news > 0 ? (
          <li style={STICKY}>
            <button type="button" data-sg="feed-new" onClick={toStart}>
              {formatCount(news, 'new', 'new').replace(' ', isMore ? '+ ' : ' ')}
            </button>
          </li>
        ) : null}
        {shown.length === 0 ? <li data-sg="empty">{empty}</li> : null}
        {shown
          .slice(-limit)
          .reverse()
          .map((event) => (
            <Item
              key={event.seq}
              event={event as LogEvent<unknown>}
              render={render as (event: LogEvent<unknown>) => ReactNode}
              at={instant(time(event))}
              age={age}
            />
          ))}
      </ol>
      {/* biome-ignore-end lint/a11y/noNoninteractiveTabindex: keys scroll it */}
      <div role="status" data-sg="feed-status" style={UNSEEN}>
        {said}
      </div>
    </div>
  )
}

const STICKY = { position: 'sticky', top: 0, height: 0, listStyle: 'none', zIndex: 1 } as const

function receivedAt(event: LogEvent<unknown>): number | undefined {
  // What a server has rendered was never received here.
  return event.receivedAt || undefined
}

/** In epoch ms; undefined if it is no time. */
function instant(time: Date | number | string | null | undefined): number | undefined {
  const at = time == null ? Number.NaN : new Date(time).getTime()
  return Number.isNaN(at) ? undefined : at
}

interface ItemProps {
  readonly event: LogEvent<unknown>
  readonly render: (event: LogEvent<unknown>) => ReactNode
  readonly at: number | undefined
  readonly age: (ms: number) => string
}

const Item = memo(function Item({ event, render, at, age }: ItemProps) {
  return (
    <li data-sg="feed-item" data-seq={event.seq}>
      <div data-sg="feed-content">{render(event)}</div>
      {at === undefined ? null : <Age at={at} age={age} />}
    </li>
  )
})

/** On the server it is the date: there nobody knows when it will be read, or where. */
function Age({ at, age }: { readonly at: number; readonly age: (ms: number) => string }) {
  const iso = new Date(at).toISOString()
  const text = useClockText((now) => age(Math.max(0, now - at)))
  const title = useClockText(() => new Date(at).toLocaleString())
  return (
    <time data-sg="time" dateTime={iso} title={title}>
      {text ?? iso.slice(0, 16).replace('T', '\u00a0')}
    </time>
  )
}

/** What to read out: what is new, once in a while. What was there at first is not new. */
function useNews(
  events: readonly LogEvent<unknown>[],
  list: { readonly current: HTMLElement | null },
): string {
  const [said, say] = useState('')
  const newest = useRef(events)
  const last = useRef<number>(undefined)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => {
    newest.current = events
    const until = events.at(-1)?.seq ?? -1
    if (timer.current !== undefined || until === last.current) return
    timer.current = setTimeout(
      () => {
        timer.current = undefined
        const all = newest.current
        const before = last.current
        last.current = all.at(-1)?.seq ?? -1
        if (before === undefined) return
        const count = all.length - countUntil(all, before)
        const item = list.current?.querySelector(`[data-seq="${last.current}"]`)
        const text = item?.querySelector('[data-sg="feed-content"]')?.textContent
        say(count === 1 && text ? text : formatCount(count, 'new item', 'new items'))
      },
      last.current === undefined ? AT_FIRST : SAY_EVERY,
    )
  }, [events, list])
  useEffect(() => {
    return () => {
      clearTimeout(timer.current)
      timer.current = undefined
    }
  }, [])
  return said
}
