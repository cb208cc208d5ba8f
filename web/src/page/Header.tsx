import { Monitor, Moon, Search, Sun } from 'lucide-react'
import { useRef } from 'react'
import { formatClock, formatText } from '../data/units'
import { setText } from '../paint/text'
import { usePainter } from '../paint/usePainter'
import { TimeControls } from '../time/TimeControls'
import { Account, formatDate } from './Account'
import { edit, isEditable, isShareable } from './actions'
import { ConnectionPill } from './ConnectionPill'
import { useSession } from './session'
import { useValue } from './value'

/** The bar at the top: which dashboard, where the connection stands, time, controls. */
export function Header() {
  const session = useSession()
  const theme = useValue(session.theme.choice)
  const ThemeIcon = THEME_ICONS[theme]
  const { kiosk } = useValue(session.location.address)
  const shared = session.access.shared !== undefined
  return (
    <header className="bar">
      <h1 aria-label="Streamgauge">
        {shared ? (
          <Logo />
        ) : (
          <a
            href={session.location.to('')}
            onClick={(event) => follow(event, () => session.location.go(''))}
          >
            <Logo />
          </a>
        )}
      </h1>
      {shared ? <SharedMark /> : <Switcher />}
      {kiosk ? <Wall /> : null}
      <ConnectionPill />
      <Rate />
      <Losses />
      <span className="spring" />
      <TimeControls />
      <EditAndShare />
      <button
        type="button"
        className="icon"
        aria-label="Find and do anything"
        title="Ctrl K"
        onClick={() => session.dialog.set('palette')}
      >
        <Search aria-hidden="true" />
      </button>
      <button
        type="button"
        className="icon theme"
        onClick={() => session.theme.next()}
        aria-label={`Theme: ${theme}. Change`}
        title={`Theme: ${theme}`}
      >
        <ThemeIcon aria-hidden="true" />
      </button>
      {shared ? null : <Account />}
    </header>
  )
}

/** The mark and its word. */
export function Logo() {
  return (
    <>
      <svg viewBox="0 0 32 32" aria-hidden="true">
        <path d="M4 18h6l3.5-10L18 24l3.5-9H28" />
      </svg>
      <span className="word">Streamgauge</span>
    </>
  )
}

/** Which dashboard a share link shows, and until when. */
function SharedMark() {
  const { access, dashboards } = useSession()
  const opened = useValue(dashboards.opened)
  const until = useValue(access.who)?.expires
  const title = opened.status === 'open' ? opened.dashboard.dashboard?.title : undefined
  return (
    <p className="shared" title={until === undefined ? '' : `until ${formatDate(until)}`}>
      <strong>{title ?? access.shared}</strong>
      <small>Shared{until === undefined ? '' : ` until ${formatEnd(until)}`}</small>
    </p>
  )
}

/** A day, or of the next the time. */
function formatEnd(time: string): string {
  const end = new Date(time)
  const isNear = end.getTime() - Date.now() < 86_400_000
  return end.toLocaleString([], isNear ? { timeStyle: 'short' } : { dateStyle: 'medium' })
}

/** Lets a link be a link for everything but a plain click. */
export function follow(event: React.MouseEvent, go: () => void): void {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return
  event.preventDefault()
  go()
}

const THEME_ICONS = { system: Monitor, light: Sun, dark: Moon }

/** Which dashboard is open, and the others. */
function Switcher() {
  const { dashboards, location } = useSession()
  const list = useValue(dashboards.list)
  const { page } = useValue(location.address)
  return (
    <select
      className="switcher"
      aria-label="Dashboard"
      value={page}
      onChange={(event) => location.go(event.target.value)}
    >
      <option value="">Everything</option>
      {list.map(({ name, title }) => (
        <option key={name} value={name}>
          {title}
        </option>
      ))}
      <option value="connect">Connect…</option>
      {page === '' || page === 'connect' || list.some(({ name }) => name === page) ? null : (
        <option value={page}>{page === 'tokens' ? 'Tokens' : page}</option>
      )}
    </select>
  )
}

/** What a wall is for, and that it has not stopped: the dashboard and the time. */
function Wall() {
  const { dashboards, location, timeline } = useSession()
  const list = useValue(dashboards.list)
  const { page } = useValue(location.address)
  const ref = useRef<HTMLSpanElement>(null)
  usePainter(
    ref,
    (element) => ({
      every: 200,
      ages: true,
      version: () => Math.floor(timeline.now / 1000),
      paint: () => setText(element, formatClock(timeline.now)),
    }),
    [timeline],
  )
  return (
    <>
      <span className="wall">{list.find(({ name }) => name === page)?.title ?? 'Everything'}</span>
      <span className="wall clock" ref={ref} />
    </>
  )
}

function EditAndShare() {
  const session = useSession()
  useValue(session.dashboards.opened)
  useValue(session.access.who)
  const draft = useValue(session.draft)
  useValue(session.location.address)
  if (!isEditable(session) || draft !== undefined) return null
  return (
    <>
      {isShareable(session) ? (
        <button type="button" className="edit" onClick={() => session.dialog.set('share')}>
          Share…
        </button>
      ) : null}
      <button type="button" className="edit" title="E" onClick={() => edit(session)}>
        Edit
      </button>
    </>
  )
}

/** What has just been done, and that there is a newer page. */
export function Notice() {
  const session = useSession()
  const notice = useValue(session.notice)
  const outdated = useValue(session.outdated)
  return (
    <div className="notice" role="status">
      {notice === '' ? null : <p>{notice}</p>}
      {outdated ? (
        <p>
          The server has been updated.{' '}
          <button type="button" onClick={() => location.reload()}>
            Reload
          </button>
        </p>
      ) : null}
    </div>
  )
}

function Losses() {
  const session = useSession()
  const { board } = useValue(session.page)
  useValue(session.outline)
  const { lost, gaps } = board.outline
  if (gaps === 0) return null
  return (
    <span className="losses">
      <span aria-hidden="true">▲ </span>
      {lost > 0 ? `${lost} events lost` : `${gaps} gaps`}
    </span>
  )
}

/** Events that arrive, per second, over the last few seconds, and how late. */
function Rate() {
  const session = useSession()
  const ref = useRef<HTMLSpanElement>(null)
  usePainter(
    ref,
    (element) => {
      const samples: { at: number; received: number }[] = []
      return {
        every: 900,
        ages: true,
        version: () => 0,
        paint() {
          const { received, lag } = session.page.get().board
          if (received < (samples.at(-1)?.received ?? 0)) samples.length = 0 // another page
          samples.push({ at: performance.now(), received })
          if (samples.length > 6) samples.shift()
          const [first, last] = [samples[0], samples.at(-1)]
          if (first === undefined || last === undefined || last.at === first.at) return
          const rate = ((last.received - first.received) / (last.at - first.at)) * 1000
          setText(element, `${formatText(Math.round(rate), 'count')} events/s`)
          element.title = Number.isFinite(lag)
            ? `from an event's time to here: ${Math.round(lag)} ms`
            : ''
        },
      }
    },
    [session],
  )
  return (
    <button type="button" className="rate" onClick={() => session.dialog.set('streams')}>
      <span ref={ref} />
    </button>
  )
}
