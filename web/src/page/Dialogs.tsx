import { X } from 'lucide-react'
import { type ReactNode, useEffect, useState } from 'react'
import { formatAge, formatText } from '../data/units'
import { ACTIONS, edit } from './actions'
import { Modal } from './Modal'
import { Keys } from './Palette'
import { useSession } from './session'
import { useValue } from './value'

/** A dialog with a title, open while it is the one that was asked for. */
export function Sheet({
  name,
  title,
  children,
}: {
  name: string
  title: string
  children: ReactNode
}) {
  const { dialog } = useSession()
  return (
    <Modal name={name} className="sheet" label={title}>
      <header>
        <h2>{title}</h2>
        <button
          type="button"
          className="icon"
          aria-label="Close"
          onClick={() => dialog.set(undefined)}
        >
          <X aria-hidden="true" />
        </button>
      </header>
      {children}
    </Modal>
  )
}

/** The keys that do something. */
export function Help() {
  const { access, keys } = useSession()
  useValue(access.who)
  const letters = useValue(keys)
  return (
    <Sheet name="help" title="Keys">
      <dl className="help">
        {ACTIONS.filter(({ key, edits }) => key && (!edits || access.mayEdit)).map(
          ({ key = '', name }) => (
            <div key={key}>
              <dt>
                <Keys of={key} />
              </dt>
              <dd>{name}</dd>
            </div>
          ),
        )}
        <div>
          <dt>
            <Keys of="/" />
          </dt>
          <dd>Search in a log</dd>
        </div>
        <div>
          <dt>
            <Keys of="f" />
          </dt>
          <dd>Full screen, of the panel that has the focus</dd>
        </div>
      </dl>
      <label className="switch">
        <input
          type="checkbox"
          checked={letters}
          onChange={(event) => keys.set(event.target.checked)}
        />
        Single letters and signs are keys
      </label>
    </Sheet>
  )
}

/** Makes a dashboard and opens it. */
export function NewDashboard() {
  const session = useSession()
  const [typed, setTitle] = useState<string>()
  const opened = useValue(session.dashboards.opened)
  const { page } = useValue(session.location.address)
  const title = typed ?? (opened.status === 'missing' ? titleFor(page) : '')
  const [wrong, setWrong] = useState('')
  const name = nameFor(title)
  const create = async () => {
    try {
      await session.api.create(name, title)
      session.dialog.set(undefined)
      setTitle(undefined)
      await session.dashboards.refresh()
      if (name === page) {
        await session.dashboards.open(name)
        edit(session)
        return
      }
      session.fresh = name
      session.location.go(name)
    } catch (error) {
      setWrong((error as Error).message)
    }
  }
  return (
    <Sheet name="new" title="New dashboard">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void create()
        }}
      >
        <label>
          Title {/* biome-ignore lint/a11y/noAutofocus: the dialog was opened to type it */}
          <input autoFocus value={title} onChange={(event) => setTitle(event.target.value)} />
        </label>
        <p className="note">
          {name === '' ? 'Its name comes from the title.' : `It will be ${name}.yaml.`}
        </p>
        {wrong === '' ? null : (
          <p className="losses" role="alert">
            {wrong}
          </p>
        )}
        <button type="submit" disabled={name === ''}>
          Create
        </button>
      </form>
    </Sheet>
  )
}

/** The name of a dashboard's file by its title: `Shop: today` is `shop-today`. */
export function nameFor(title: string): string {
  const plain = title
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[\u0300-\u036f]/g, '')
  return plain
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 64)
}

/** A title that makes the name, to begin with. */
function titleFor(name: string): string {
  const title = (name[0] ?? '').toUpperCase() + name.slice(1).replaceAll('-', ' ')
  return nameFor(title) === name ? title : ''
}

/** What is known of every stream of the page. */
export function Streams() {
  return (
    <Sheet name="streams" title="Streams of this page">
      <Traffic />
    </Sheet>
  )
}

function Traffic() {
  const session = useSession()
  const { board } = useValue(session.page)
  useEverySecond()
  const now = session.clock.now()
  const rows = [...board.traffic]
    .filter(([name]) => name !== 'hub.dashboards')
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return (
    <div className="table">
      <table>
        <thead>
          <tr>
            {['stream', 'events', 'per second', 'newest', 'lag', 'gaps', 'lost'].map((name, i) => (
              <th key={name} scope="col" className={i === 0 ? '' : 'number'}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([name, t]) => (
            <tr key={name}>
              <td title={name}>{name}</td>
              <td className="number">{formatText(t.count, 'count')}</td>
              <td className="number">{formatText(t.rate(now), 'count')}</td>
              <td className="number">
                {Number.isFinite(t.lastAt) ? `${formatAge(now - t.lastAt)} ago` : '–'}
              </td>
              <td className="number">{formatText(t.lag, 'ms')}</td>
              <td className="number">{t.gaps}</td>
              <td className="number">{formatText(t.lost, 'count')}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="note">
        The page asks for every event, so that none is conflated on the way; of rows of a view,
        which are states, the newest is enough.
        {board.outline.more > 0 ? ` ${board.outline.more} more streams have no panel.` : ''}
      </p>
    </div>
  )
}

function useEverySecond(): void {
  const [, render] = useState(0)
  useEffect(() => {
    const timer = setInterval(() => render((n) => n + 1), 1000)
    return () => clearInterval(timer)
  }, [])
}
