import { edit } from './actions'
import type { Dashboard } from './api'
import { GridRow, only } from './Grid'
import { MistakeLine } from './mistakes'
import { useSession } from './session'
import { Variables } from './Variables'
import { useValue } from './value'

/** A dashboard: its choices, its rows of panels, and what is wrong with its file. */
export function DashboardView({ dashboard }: { dashboard: Dashboard }) {
  const session = useSession()
  const { panel, embed } = useValue(session.location.address)
  const page = useValue(session.page)
  const rows = only(panel, page.rows)
  // Until the page is there, nobody knows what is on it.
  const found = rows.length > 0 || page.plan.name !== dashboard.name
  const { dashboard: definition } = dashboard
  return (
    <>
      <h2 className="visually-hidden">{dashboard.dashboard?.title ?? dashboard.name}</h2>
      <Mistakes dashboard={dashboard} />
      {dashboard.dashboard === null || panel !== undefined ? null : (
        <Variables definition={dashboard.dashboard} />
      )}
      {panel === undefined || definition === null || (embed && found) ? null : (
        <Alone found={found} />
      )}
      {definition?.rows.length === 0 && panel === undefined ? <Nothing /> : null}
      {rows.map((row, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row has no other name
        <GridRow key={i} {...row} mistakes={dashboard.errors} />
      ))}
    </>
  )
}

/** An empty dashboard is a beginning. */
function Nothing() {
  const session = useSession()
  const { embed } = useValue(session.location.address)
  useValue(session.access.who)
  return (
    <p className="note">
      Nothing here yet.{' '}
      {embed || !session.access.mayEdit ? null : (
        <button type="button" title="E" onClick={() => edit(session)}>
          Edit
        </button>
      )}
    </p>
  )
}

/** Says that one panel is not all, and leads back to the rest. */
function Alone({ found }: { found: boolean }) {
  const { location } = useSession()
  const { embed } = useValue(location.address)
  return (
    <p className="note">
      {found ? 'One panel of the dashboard. ' : 'The dashboard has no such panel. '}
      {embed ? null : (
        <button type="button" onClick={() => location.change({ panel: null })}>
          Show all of it
        </button>
      )}
    </p>
  )
}

/** What the server could not read: the page shows the last good version meanwhile. */
function Mistakes({ dashboard: { errors, name, dashboard } }: { dashboard: Dashboard }) {
  if (errors === undefined || errors.length === 0) return null
  return (
    <div className="mistakes" role="alert">
      <p>
        <strong>{name}</strong>{' '}
        {dashboard === null
          ? 'has mistakes and can’t be shown.'
          : 'has mistakes; this is its last good version.'}
      </p>
      <ul>
        {errors.map((mistake) => (
          <li key={JSON.stringify(mistake)}>
            <MistakeLine mistake={mistake} />
          </li>
        ))}
      </ul>
    </div>
  )
}
