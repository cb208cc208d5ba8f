import { X } from 'lucide-react'
import { type KeyboardEvent, type RefObject, useEffect, useRef } from 'react'
import { useValue } from '../../page/value'
import type { LogPainter } from './logPainter'
import type { LogView } from './view'

/** What a log is searched with. */
export function FindBar({
  view,
  painter,
}: {
  view: LogView
  painter: RefObject<LogPainter | undefined>
}) {
  const { search, only } = useValue(view.settings)
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => input.current?.focus(), [])
  const close = () => view.change({ searching: false, search: '' })
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter') painter.current?.find(event.shiftKey ? 1 : -1)
    else if (event.key === 'Escape') close()
    else return
    event.preventDefault()
  }
  return (
    <search className="find">
      <input
        type="search"
        value={search}
        placeholder="Text or /regular expression/"
        aria-label="Search in this log"
        aria-invalid={view.pattern.kind === 'wrong'}
        spellCheck={false}
        autoCapitalize="off"
        ref={input}
        onChange={(event) => view.change({ search: event.target.value })}
        onKeyDown={onKeyDown}
      />
      <span className="found" role="status" />
      <button
        type="button"
        className="icon"
        aria-label="Match above"
        title="Above (Enter)"
        onClick={() => painter.current?.find(-1)}
      >
        ↑
      </button>
      <button
        type="button"
        className="icon"
        aria-label="Match below"
        title="Below (Shift+Enter)"
        onClick={() => painter.current?.find(1)}
      >
        ↓
      </button>
      <button
        type="button"
        className="only"
        aria-pressed={only}
        title="Leave out lines without a match"
        onClick={() => view.change({ only: !only })}
      >
        Only matches
      </button>
      <button
        type="button"
        className="icon"
        aria-label="End the search"
        title="Esc"
        onClick={close}
      >
        <X aria-hidden="true" />
      </button>
    </search>
  )
}
