import { lazy, Suspense, useEffect } from 'react'
import type { DashboardDefinition } from '../dashboard/definition'
import type { Preview } from '../editor/draft'
import { DEFAULT_WINDOW } from '../time/timeline'
import type { Who } from './access'
import { edit, useKeys } from './actions'
import type { Address } from './address'
import { Connect } from './Connect'
import { DashboardView } from './DashboardView'
import { Help, NewDashboard, nameFor, Sheet, Streams } from './Dialogs'
import type { Opened } from './dashboards'
import { Everything } from './Everything'
import { follow, Header, Notice } from './Header'
import { Palette } from './Palette'
import type { Plan } from './page'
import { type Session, useSession } from './session'
import { useValue, Value } from './value'

/** Most look at dashboards; the few who edit one wait a moment for what that needs. */
const Editor = lazy(() => import('../editor/Editor'))

const access = (name: 'Share' | 'SignIn' | 'Tokens') =>
  lazy(() => import('../access').then((all) => ({ default: all[name] })))
const SignIn = access('SignIn')
const Share = access('Share')
const Tokens = access('Tokens')

/** The page, for whoever may see it. */
export function App() {
  const { access } = useSession()
  const gate = useValue(access.gate)
  if (gate === 'waiting') return null
  if (gate === 'open') return <Open />
  if (gate === 'over') return <Over />
  return (
    <Suspense>
      <main className="entrance">
        <SignIn />
      </main>
    </Suspense>
  )
}

/** All that is left of a share link that has ended. */
function Over() {
  useEffect(() => {
    document.title = 'Streamgauge'
  }, [])
  return (
    <main className="over">
      <div role="status">
        <h1>This link is not valid any more</h1>
        <p>It has expired or was revoked. Whoever gave it to you can make another.</p>
      </div>
    </main>
  )
}

function Open() {
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
      <Sheet name="share" title="Share">
        <Suspense>
          <Share />
        </Suspense>
      </Sheet>
      <Sheet name="signin" title="Sign in">
        <Suspense>
          <SignIn />
        </Suspense>
      </Sheet>
    </div>
  )
}

/** Why the server does not want to be asked for this, as a stream's name may be none. */
function Refused() {
  const state = useValue(useSession().connection)
  if (state.status !== 'closed' || state.error?.status !== 400) return null
  return (
    <p className="mistakes" role="alert">
      The server does not show this: {state.error.message}
    </p>
  )
}

function Body({ page }: { page: string }) {
  const who = useValue(useSession().access.who)
  if (page === '') return <Everything />
  if (page === 'connect') return <Connect />
  if (!isTokens(page, who)) return <OpenDashboard name={page} />
  return <Suspense>{who === undefined ? null : <Tokens />}</Suspense>
}

/** Where nobody has to sign in there are no tokens, and it may be a dashboard's name. */
function isTokens(page: string, who: Who | undefined): boolean {
  return page === 'tokens' && who?.required !== false
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
  const { access, dashboards, dialog, location } = useSession()
  useValue(access.who)
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
          {writable && access.mayEdit && nameFor(name) === name ? (
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
  const who = useValue(session.access.who)
  const own = page === '' || page === 'connect' || isTokens(page, who)
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
    if (own) return
    void session.dashboards.open(page).then(() => {
      if (session.fresh !== page) return
      session.fresh = ''
      edit(session)
    })
  }, [session, page, own])
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked stands for the address
  useEffect(() => {
    const plan = planFor(opened, address, preview, own)
    if (plan !== undefined) session.show(plan)
    document.title = titleOf(opened, page, own)
  }, [session, opened, asked, preview, own])
}

function planFor(
  opened: Opened,
  address: Address,
  preview: DashboardDefinition | undefined,
  own: boolean,
): Plan | undefined {
  const { page, choices, streams, from, to } = address
  const nothing = { name: own ? '' : page, choices, everything: [], window: DEFAULT_WINDOW }
  const shared = from !== undefined && to !== undefined && to > from
  const time = { until: shared ? to : undefined, window: shared ? to - from : address.window }
  if (own && page !== '') return nothing
  if (page === '') {
    const everything = streams.length > 0 ? streams : ['>']
    return { name: '', choices, everything, ...time, window: time.window ?? DEFAULT_WINDOW }
  }
  const there = opened.status === 'open' && opened.dashboard.name === page
  // Of one that is missing it is heard when there is one.
  if (preview === undefined && !there) return opened.status === 'missing' ? nothing : undefined
  const dashboard = preview ?? (there ? opened.dashboard.dashboard : null)
  if (dashboard === null) return nothing
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

function titleOf(opened: Opened, page: string, own: boolean): string {
  const title =
    opened.status === 'open' && !own ? (opened.dashboard.dashboard?.title ?? page) : undefined
  if (own && page !== '') return `${page === 'connect' ? 'Connect' : 'Tokens'} · Streamgauge`
  return title === undefined ? 'Streamgauge' : `${title} · Streamgauge`
}
