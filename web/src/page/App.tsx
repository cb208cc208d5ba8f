import { lazy, Suspense, useEffect } from 'react'
import type { DashboardDefinition } from '../dashboard/definition'
import type { Preview } from '../editor/draft'
import { DEFAULT_WINDOW } from '../time/timeline'
import { edit, useKeys } from './actions'
import type { Address } from './address'
import { Connect } from './Connect'
import { DashboardView } from './DashboardView'
import { Help, NewDashboard, nameFor, Streams } from './Dialogs'
import type { Opened } from './dashboards'
import { Everything } from './Everything'
import { follow, Header, Notice } from './Header'
import { Palette } from './Palette'
import type { Plan } from './page'
import { type Session, useSession } from './session'
import { useValue, Value } from './value'

/** Most look at dashboards; the few who edit one wait a moment for what that needs. */
const Editor = lazy(() => import('../editor/Editor'))

/** The page. */
export function App() {
  const session = useSession()
  const address = useValue(session.location.address)
  useKeys(session)
  useOpened(session, address)
  return (
    <div
      className="app"
      data-kiosk={address.kiosk || undefined}
      data-embed={address.embed || undefined}
    >
      {address.embed ? null : <Header />}
      <main>
        <Refused />
        <Body page={address.page} />
      </main>
      <Notice />
      <Palette />
      <Help />
      <Streams />
      <NewDashboard />
    </div>
  )
}

/** Why the server does not want to be asked for this, as a stream's name may be none. */
function Refused() {
  const state = useValue(useSession().connection)
  if (state.status !== 'closed' || state.error === undefined) return null
  return (
    <p className="mistakes" role="alert">
      The server does not show this: {state.error.message}
    </p>
  )
}

function Body({ page }: { page: string }) {
  if (page === '') return <Everything />
  if (page === 'connect') return <Connect />
  return <OpenDashboard name={page} />
}

function OpenDashboard({ name }: { name: string }) {
  const { dashboards, draft: current } = useSession()
  const opened = useValue(dashboards.opened)
  const draft = useValue(current)
  const changes = useValue(draft?.count ?? NO_CHANGES)
  // Changes that are not saved outlive the file.
  if (draft?.name === name && (changes > 0 || opened.status === 'open')) {
    return (
      <Suspense>
        <Editor draft={draft} />
      </Suspense>
    )
  }
  switch (opened.status) {
    case 'loading':
      return null
    case 'missing':
      return <Missing name={name} />
    case 'failed':
      return <p className="note">The dashboard could not be read: {opened.why}.</p>
    case 'open':
      return <DashboardView dashboard={opened.dashboard} />
  }
}

/** There is no such dashboard; there may be one, and there is everything. */
function Missing({ name }: { name: string }) {
  const { dashboards, dialog, location } = useSession()
  const writable = useValue(dashboards.list).some((info) => info.writable)
  const { embed } = useValue(location.address)
  return (
    <p className="note">
      There is no dashboard called <strong>{name}</strong>.{' '}
      {embed ? null : (
        <>
          <a href={location.to('')} onClick={(event) => follow(event, () => location.go(''))}>
            Everything
          </a>{' '}
          {writable && nameFor(name) === name ? (
            <button type="button" onClick={() => dialog.set('new')}>
              Create it
            </button>
          ) : null}
        </>
      )}
    </p>
  )
}

/** Keeps what is shown in step with the address and the dashboard's file. */
function useOpened(session: Session, address: Address): void {
  const opened = useValue(session.dashboards.opened)
  const draft = useValue(session.draft)
  const { page } = address
  const current = draft?.name === page ? draft.preview : NO_PREVIEW
  const preview = useValue(current)?.definition
  // Of the address only what asks for other data makes another plan.
  const asked = JSON.stringify([
    page,
    address.choices,
    address.streams,
    address.window,
    address.from,
    address.to,
  ])
  useEffect(() => {
    session.draft.set(undefined)
    if (page === '' || page === 'connect') return
    void session.dashboards.open(page).then(() => {
      if (session.fresh !== page) return
      session.fresh = ''
      edit(session)
    })
  }, [session, page])
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked stands for the address
  useEffect(() => {
    const plan = planFor(opened, address, preview)
    if (plan !== undefined) session.show(plan)
    document.title = titleOf(opened, page)
  }, [session, opened, asked, preview])
}

function planFor(
  opened: Opened,
  address: Address,
  preview: DashboardDefinition | undefined,
): Plan | undefined {
  const { page, choices, streams, from, to } = address
  const shared = from !== undefined && to !== undefined && to > from
  const time = { until: shared ? to : undefined, window: shared ? to - from : address.window }
  if (page === 'connect') return { name: '', choices, everything: [], window: DEFAULT_WINDOW }
  if (page === '') {
    const everything = streams.length > 0 ? streams : ['>']
    return { name: '', choices, everything, ...time, window: time.window ?? DEFAULT_WINDOW }
  }
  const there = opened.status === 'open' && opened.dashboard.name === page
  if (preview === undefined && !there) return undefined
  const dashboard = preview ?? (there ? opened.dashboard.dashboard : null)
  if (dashboard === null) return { name: page, choices, everything: [], window: DEFAULT_WINDOW }
  const defaults = Object.entries(dashboard.variables ?? {}).map(([n, v]) => [n, v.default ?? ''])
  return {
    dashboard,
    name: page,
    choices: { ...Object.fromEntries(defaults), ...choices },
    everything: [],
    ...time,
    window: time.window ?? dashboard.window ?? DEFAULT_WINDOW,
  }
}

const NO_PREVIEW = new Value<Preview | undefined>(undefined)
const NO_CHANGES = new Value(0)

function titleOf(opened: Opened, page: string): string {
  const title =
    opened.status === 'open' && page !== ''
      ? (opened.dashboard.dashboard?.title ?? page)
      : undefined
  if (page === 'connect') return 'Connect · Streamgauge'
  return title === undefined ? 'Streamgauge' : `${title} · Streamgauge`
}
