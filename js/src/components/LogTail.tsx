import { type KeyboardEvent, memo, type ReactNode } from 'react'
import type { EventLogResult, LogEvent } from '../react/useEventLog.js'
import { formatCount } from './format.js'
import { type PartProps, rootProps } from './part.js'
import { useTail } from './useTail.js'

/** How grave a line is: it decides on the colour. Any other word works as well, as
 * `data-level` for a stylesheet. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | (string & {})

/** What {@link LogTail} takes. */
export interface LogTailProps<T> extends PartProps {
  /** What `useEventLog` or `useStreamLog` gives. Its `limit` says how many lines are kept;
   * 10,000 are as smooth as 100. */
  readonly log: EventLogResult<T>
  /** Draws a line. The same function at each render draws no line twice. */
  readonly render: (event: LogEvent<T>) => ReactNode
  /** How grave a line is. */
  readonly level?: ((event: LogEvent<T>) => LogLevel | undefined) | undefined
  /** Whether long lines are wrapped. Then each row is as high as it needs to be, and is
   * measured. Default false: rows are all alike, and the list scrolls sideways. */
  readonly wrap?: boolean
  /** The height of a row in px. Default 20. */
  readonly rowHeight?: number
  /** The height of the list, in px or any CSS length. Default 320. */
  readonly height?: number | string
  /** What it is called. Default "Log". */
  readonly label?: string
  /** What is shown while there are no lines. */
  readonly empty?: ReactNode
}

/**
 * The end of a log. It follows while it is scrolled to its end; who scrolls up reads in
 * peace, whatever comes, and is told how many lines are new. Pausing does the same with a
 * button. Only what is seen is in the document.
 *
 * Keys, when it has the focus: Space pauses and resumes, Home goes to the oldest line, End
 * to the newest.
 *
 * @example
 * const log = useEventLog<Line>('/v1/streams/logs.web/events?last=1000', { limit: 10_000 })
 * <LogTail log={log} render={(e) => e.data.message} level={(e) => e.data.level} />
 */
export function LogTail<T>(props: LogTailProps<T>) {
  const { log, render, level, wrap = false, rowHeight = 20, height = 320 } = props
  const { label = 'Log', empty = 'No lines yet' } = props
  const { paused, pending } = log
  const tail = useTail(log.events, { rowHeight, isMeasured: wrap })
  const { shown, isHeld, first, end } = tail
  const toggle = () => (paused ? log.resume() : log.pause())
  const toEnd = () => {
    tail.release()
    if (paused) log.resume()
    // The button that was pressed is gone.
    tail.viewport.current?.focus({ preventScroll: true })
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget || hasModifier(event)) return
    if (event.key === 'End') toEnd()
    else if (event.key === 'Home') tail.toStart()
    else if (event.key === ' ') toggle()
    else return tail.onKeyDown(event)
    event.preventDefault()
  }
  const news = tail.behind + pending
  return (
    <div
      {...rootProps(props)}
      aria-label={undefined} // it is that of the list
      data-sg="log-tail"
      data-status={log.status}
      data-stale={log.isStale || undefined}
      data-following={!isHeld && !paused}
      data-paused={paused || undefined}
      style={{ position: 'relative', ...props.style }}
    >
      {/* biome-ignore-start lint/a11y/noNoninteractiveTabindex: keys scroll and pause it */}
      <div
        role="log"
        aria-live="off"
        aria-label={props['aria-label'] ?? label}
        tabIndex={0}
        data-sg="log-viewport"
        ref={tail.viewport}
        style={{ height, overflow: 'auto', overflowAnchor: 'none' }}
        onKeyDown={onKeyDown}
        {...tail.handlers}
      >
        {shown.length === 0 ? (
          <div data-sg="empty">{empty}</div>
        ) : (
          <div style={{ height: tail.total, ...(wrap ? {} : WIDE) }}>
            <div
              ref={tail.lines}
              data-sg="log-lines"
              style={{ transform: `translateY(${tail.top}px)` }}
            >
              {shown.slice(first, end).map((event) => (
                <Line
                  key={event.seq}
                  event={event as LogEvent<unknown>}
                  render={render as (event: LogEvent<unknown>) => ReactNode}
                  level={level?.(event)}
                  height={wrap ? undefined : rowHeight}
                />
              ))}
            </div>
          </div>
        )}
        {news > 0 ? (
          // In what scrolls, so that a wheel that turns over it does scroll.
          <div style={STICKY}>
            <button type="button" data-sg="log-new" onClick={toEnd}>
              {formatCount(news, 'new line', 'new lines').replace(' ', tail.isMore ? '+ ' : ' ')}
            </button>
          </div>
        ) : null}
      </div>
      {/* biome-ignore-end lint/a11y/noNoninteractiveTabindex: keys scroll and pause it */}
      <div data-sg="log-bar">
        <span role="status" data-sg="log-status">
          {paused ? 'Paused' : isHeld ? 'Standing still' : 'Following'}
          {log.isStale ? ', not connected' : ''}
        </span>{' '}
        <button type="button" data-sg="pause" onClick={toggle}>
          {paused ? 'Resume' : 'Pause'}
        </button>
      </div>
    </div>
  )
}

/** As wide as its longest line, and no less than what there is room for. */
const WIDE = { width: 'max-content', minWidth: '100%' } as const

const STICKY = { position: 'sticky', left: 0, bottom: 0, height: 0, zIndex: 1 } as const

interface LineProps {
  readonly event: LogEvent<unknown>
  readonly render: (event: LogEvent<unknown>) => ReactNode
  readonly level: LogLevel | undefined
  readonly height: number | undefined
}

const Line = memo(function Line({ event, render, level, height }: LineProps) {
  return (
    <div
      data-sg="log-line"
      data-seq={event.seq}
      data-level={level}
      style={
        height === undefined
          ? { whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }
          : { height, lineHeight: `${height}px`, overflow: 'hidden', whiteSpace: 'pre' }
      }
    >
      {render(event)}
    </div>
  )
})

function hasModifier({ altKey, ctrlKey, metaKey }: KeyboardEvent): boolean {
  return altKey || ctrlKey || metaKey
}
