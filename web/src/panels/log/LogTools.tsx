import { useReducer, useRef } from 'react'
import { LEVELS, type Level } from '../../data/shape'
import type { Source } from '../../data/source'
import { useValue } from '../../page/value'
import type { LogView } from './view'

interface ToolsProps {
  readonly view: LogView
  readonly source: Source
}

/** What stands in the header of a log: quiet until it is needed. */
export function LogTools({ view, source }: ToolsProps) {
  const { searching } = useValue(view.settings)
  const toggle = () =>
    view.change(searching ? { searching: false, search: '' } : { searching: true })
  return (
    <span className="log-tools">
      <LevelChoice view={view} source={source} />
      <button
        type="button"
        className="icon"
        aria-label="Search"
        title="Search ( / )"
        aria-pressed={searching}
        onClick={toggle}
      >
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path d="M7 2.5a4.5 4.5 0 1 1 0 9a4.5 4.5 0 0 1 0-9zM10.4 10.4L14 14" />
        </svg>
      </button>
    </span>
  )
}

/** The least level that is listed, with how many lines each would leave. */
function LevelChoice({ view, source: { content } }: ToolsProps) {
  const { level } = useValue(view.settings)
  // Counts change all the time: they are told when the list opens.
  const [, open] = useReducer((n: number) => n + 1, 0)
  const list = useRef<HTMLSelectElement>(null)
  if (content?.kind !== 'log') return null
  const isOpen = list.current?.matches(':focus') ?? false
  const count = (least?: Level) => (isOpen ? ` · ${content.count(least)}` : '')
  return (
    <select
      className="level-choice"
      aria-label="Least level"
      data-level={level}
      value={level ?? ''}
      ref={list}
      onPointerDown={open}
      onFocus={open}
      onBlur={open}
      onChange={(event) => view.change({ level: (event.target.value || undefined) as Level })}
    >
      <option value="">All levels{count()}</option>
      {LEVELS.slice(1).map((least) => (
        <option key={least} value={least}>
          {levelText(least)}
          {count(least)}
        </option>
      ))}
    </select>
  )
}

/** A least level in words. */
export function levelText(level: Level): string {
  return level === 'FATAL' ? level : `${level} and above`
}
