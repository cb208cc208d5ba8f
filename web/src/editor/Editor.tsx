import { useEffect, useState } from 'react'
import type { RowDefinition } from '../dashboard/definition'
import type { Dashboard, Mistake } from '../page/api'
import type { Opened } from '../page/dashboards'
import { MistakeLine } from '../page/mistakes'
import { useSession } from '../page/session'
import { useValue } from '../page/value'
import type { Draft } from './draft'
import { EditGrid } from './EditGrid'
import { PanelForm } from './PanelForm'
import './editor.css'

/** The open dashboard, with everything to change it. */
export default function Editor({ draft }: { draft: Draft }) {
  const session = useSession()
  const { rows } = useValue(session.page)
  const [selected, select] = useState<string>()
  const { definition } = useValue(draft.preview)
  const panel = selected === undefined ? undefined : panelAt(definition.rows, selected)
  return (
    <div className="editor" data-form={panel !== undefined || undefined}>
      <h2 className="visually-hidden">{definition.title}</h2>
      <Bar draft={draft} />
      <div className="canvas">
        <EditGrid draft={draft} rows={rows} selected={selected} select={select} />
      </div>
      {panel === undefined || selected === undefined ? null : (
        <PanelForm draft={draft} path={selected} panel={panel} close={() => select(undefined)} />
      )}
    </div>
  )
}

function panelAt(rows: readonly RowDefinition[], path: string) {
  const [, , row = '', , panel = ''] = path.split('/')
  return rows[Number(row)]?.panels[Number(panel)]
}

/** Undo and save by the keys that everybody knows; and no change is lost unasked. */
function useEditKeys(draft: Draft, save: () => void): void {
  useEffect(() => {
    const stop = new AbortController()
    const { signal } = stop
    const onKey = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey) return
      const typing = (event.target as Element).closest('input, textarea') !== null
      if (event.key === 'z' && !typing) draft.undo()
      else if (event.key === 's') {
        if (typing) (event.target as HTMLElement).blur() // what is typed is a change too
        save()
      } else return
      event.preventDefault()
    }
    addEventListener('keydown', onKey, { signal })
    addEventListener(
      'beforeunload',
      (event) => {
        if (draft.count.get() > 0) event.preventDefault()
      },
      { signal },
    )
    return () => stop.abort()
  })
}

/** What is wrong with the file already. */
function errorsOf(opened: Opened): readonly Mistake[] {
  return (opened.status === 'open' ? opened.dashboard.errors : undefined) ?? []
}

/** What has been changed so far, and what to do with it. */
function Bar({ draft }: { draft: Draft }) {
  const session = useSession()
  const count = useValue(draft.count)
  const opened = useValue(session.dashboards.opened)
  const newest = useValue(draft.mistakes)
  const mistakes = newest.length > 0 ? newest : errorsOf(opened)
  const [wrong] = mistakes
  const { diff, yaml } = useValue(draft.preview)
  const writable = useValue(draft.writable)
  const [failed, setFailed] = useState<{ why: string; diff: string | undefined }>()
  const [saving, setSaving] = useState(false)
  const gone = !saving && opened.status === 'missing'
  const changed =
    !saving && opened.status === 'open' && opened.dashboard.version !== draft.base.version
      ? opened.dashboard
      : undefined
  const rebase = async (to: Dashboard) => {
    const why = await draft.rebase(to)
    const { diff } = draft.preview.get()
    setFailed(why === undefined ? undefined : { why: `They don’t apply: ${why}`, diff })
  }
  useEffect(() => {
    if (changed !== undefined && count === 0) void draft.rebase(changed)
  }, [draft, changed, count])
  const save = async () => {
    await draft.settled()
    if (draft.count.get() === 0 || changed !== undefined || saving) return
    if (!draft.writable.get()) return
    setFailed(undefined)
    setSaving(true)
    const saved = await (gone ? draft.recreate() : draft.save())
    if (saved.ok) session.say('Saved')
    await session.dashboards.open(draft.name)
    if (saved.ok) session.draft.set(undefined)
    else {
      setFailed(saved)
      setSaving(false)
    }
  }
  useEditKeys(draft, () => void save())
  return (
    <div className="edit-bar" role="toolbar" aria-label="Editing">
      <strong>Editing {draft.name}</strong>
      <span className="count">
        {count === 0 ? 'no changes' : count === 1 ? '1 change' : `${count} changes`}
      </span>
      {wrong === undefined ? null : (
        <span className="wrong" role="alert">
          <MistakeLine mistake={wrong} />
          {mistakes.length > 1 ? ` (and ${mistakes.length - 1} more)` : ''}
        </span>
      )}
      {writable ? null : (
        <span className="count" role="status">
          Read-only here: you can copy the change
        </span>
      )}
      {gone ? (
        <span className="wrong" role="alert">
          The file is gone: Save makes it again
        </span>
      ) : null}
      {changed === undefined || count === 0 ? null : (
        <>
          <span className="wrong" role="alert">
            The file has changed meanwhile
          </span>
          <button type="button" onClick={() => void rebase(changed)}>
            Apply my changes to it
          </button>
        </>
      )}
      <span className="spring" />
      <button type="button" disabled={count === 0} onClick={() => draft.undo()}>
        Undo
      </button>
      <button type="button" onClick={() => session.draft.set(undefined)}>
        {count === 0 ? 'Done' : 'Discard'}
      </button>
      <button
        type="button"
        className="primary"
        disabled={count === 0 || changed !== undefined || !writable}
        onClick={() => void save()}
      >
        Save
      </button>
      {count === 0 ? null : (
        <details open={failed !== undefined || !writable || undefined}>
          <summary>{failed === undefined ? 'What changes in the file' : failed.why}</summary>
          <pre>
            <code>{failed?.diff ?? diff}</code>
          </pre>
          <button type="button" onClick={() => void session.copy(yaml, 'File copied')}>
            Copy the whole file
          </button>{' '}
          <button
            type="button"
            onClick={() => void session.copy(failed?.diff ?? diff, 'Diff copied')}
          >
            Copy the diff
          </button>
        </details>
      )}
    </div>
  )
}
