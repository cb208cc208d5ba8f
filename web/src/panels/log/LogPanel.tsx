import { useEffect, useId, useMemo, useRef } from 'react'
import { listOf } from '../../dashboard/definition'
import { Lines } from '../../data/lines'
import { useSession } from '../../page/session'
import { useValue } from '../../page/value'
import { usePainter } from '../../paint/usePainter'
import { Panel } from '../Panel'
import type { PanelProps, PanelType } from '../registry'
import { FindBar } from './FindBar'
import { LinkedLine } from './LinkedLine'
import { LogItems } from './LogItems'
import { LogTools } from './LogTools'
import { LogPainter } from './logPainter'
import { formatLine, PARAMETER } from './permalink'
import { LogView } from './view'
import '../unseen.css'
import './log.css'

/** Lines that a log of a dashboard keeps. */
const MAX_LINES = 100_000

/** Log records, and events of any other shape as compact JSON, newest last. */
export const log: PanelType = {
  name: 'log',
  width: 12,
  height: 9,
  content: () => new Lines('log', MAX_LINES),
  Component: LogPanel,
}

function LogPanel({ definition, source }: PanelProps) {
  const session = useSession()
  const id = useId()
  const ref = useRef<HTMLDivElement>(null)
  const painter = useRef<LogPainter>(undefined)
  const { level, search, wrap } = definition
  // biome-ignore lint/correctness/useExhaustiveDependencies: what a reader chose outlives the rest
  const view = useMemo(() => new LogView(definition), [level, search, wrap])
  const { searching } = useValue(view.settings)
  const selectors = listOf(definition.stream)
  usePainter(
    ref,
    (element) => {
      const deeds = {
        copy: (text: string, what: string) => void session.copy(text, what),
        link: ({
          event: { stream, id = '' },
        }: {
          event: { stream: string; id: string | undefined }
        }) => {
          session.location.change({ [PARAMETER]: formatLine({ stream, id }) })
          void session.copy(session.link({}), 'Link to the line copied')
        },
      }
      const made = new LogPainter(element as HTMLElement, {
        session,
        source,
        view,
        selectors,
        deeds,
        id,
      })
      painter.current = made
      return made
    },
    [session, source, view, selectors.join(' '), id],
  )
  useSlash(ref, view)
  return (
    <Panel
      definition={definition}
      source={source}
      tools={<LogTools view={view} source={source} />}
      items={<LogItems view={view} source={source} painter={painter} />}
    >
      {searching ? <FindBar view={view} painter={painter} /> : null}
      <LinkedLine source={source} selectors={selectors} painter={painter} />
      <div className="tail" ref={ref}>
        {/* Announcing every line would drown a listener, so the log is read on demand. */}
        <div
          className="viewport"
          role="log"
          aria-live="off"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
          tabIndex={0}
          aria-label={`${source.name}, newest last`}
        >
          {/* biome-ignore lint/a11y/useSemanticElements: its items come and go by script */}
          <div className="lines" role="list" />
        </div>
        <p className="hint">
          <span />
          <button type="button" onClick={() => view.change({ level: undefined, search: '' })}>
            Show all lines
          </button>
        </p>
        <button type="button" className="unseen" hidden />
      </div>
    </Panel>
  )
}

/** The key `/` begins a search: in the log that has the focus, else in the one under
 * the pointer, else in the first. */
function useSlash(ref: { readonly current: HTMLElement | null }, view: LogView): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as Element
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return
      if (event.defaultPrevented || target.closest('input, textarea, select, [role="dialog"]'))
        return
      const log = '[data-panel="log"]'
      const chosen =
        target.closest(log) ?? document.querySelector(`${log}:hover`) ?? document.querySelector(log)
      if (chosen === null || !chosen.contains(ref.current)) return
      event.preventDefault()
      view.change({ searching: true })
      // The bar is there only after the next render.
      requestAnimationFrame(() => chosen.querySelector<HTMLInputElement>('.find input')?.select())
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [ref, view])
}
