import { type FormEvent, useEffect, useState } from 'react'
import { formatDate } from '../page/Account'
import { useSession } from '../page/session'
import { useValue } from '../page/value'
import { Made } from './Made'
import './access.css'

/** What the server says of a share link. */
interface ShareLink {
  readonly id: string
  readonly name: string
  readonly dashboard: string
  readonly where?: string
  readonly by: string
  readonly expires: string
}

const EXPIRY = [
  ['24h', '1 day'],
  ['168h', '7 days'],
  ['720h', '30 days'],
  ['8760h', '1 year'],
] as const

/** Makes a link that shows the open dashboard to whoever has it, and lists those there are. */
export default function Share() {
  const { access, api, dashboards, say } = useSession()
  const who = useValue(access.who)
  const opened = useValue(dashboards.opened)
  const [links, setLinks] = useState<readonly ShareLink[]>([])
  const [link, setLink] = useState('')
  const [wrong, setWrong] = useState('')
  const { name: dashboard = '', dashboard: definition } =
    opened.status === 'open' ? opened.dashboard : {}
  const read = async () => {
    try {
      const { shares } = (await api.send('v1/shares')) as { shares: readonly ShareLink[] }
      setLinks(shares.filter((share) => share.dashboard === dashboard))
    } catch (error) {
      setWrong((error as Error).message)
    }
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: whoever signs in reads anew
  useEffect(() => void read(), [who, dashboard])
  const create = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const typed = Object.fromEntries(new FormData(event.currentTarget))
    setWrong('')
    try {
      const made = (await api.send('v1/shares', 'POST', { ...typed, dashboard })) as {
        path: string
      }
      setLink(new URL(made.path.slice(1), api.base).href)
      void read()
    } catch (error) {
      setWrong((error as Error).message)
    }
  }
  const revoke = async ({ id, name }: ShareLink) => {
    if (!confirm(`Revoke “${name}”? Whoever has the link sees no more of it, at once.`)) return
    try {
      await api.send(`v1/shares/${id}`, 'DELETE')
      say(`${name} revoked`)
    } catch (error) {
      setWrong((error as Error).message)
    }
    void read()
  }
  return (
    <div className="share">
      {link === '' ? (
        <form onSubmit={(event) => void create(event)}>
          <p>
            Whoever has the link sees this dashboard as it is now, live and without signing in, and
            nothing else.
          </p>
          <label>
            Name
            <input name="name" required maxLength={100} defaultValue={definition?.title} />
          </label>
          <label>
            Only where
            <input name="where" spellCheck={false} placeholder='data.country == "de"' />
          </label>
          <label>
            Expires in
            <select name="expires_in" defaultValue="168h">
              {EXPIRY.map(([value, text]) => (
                <option key={value} value={value}>
                  {text}
                </option>
              ))}
            </select>
          </label>
          <p className="wrong" role="alert">
            {wrong}
          </p>
          <button type="submit" className="primary">
            Create link
          </button>
        </form>
      ) : (
        <Made title="New link" secret={link} copied="Link copied" done={() => setLink('')} />
      )}
      {links.length === 0 ? null : (
        <>
          <h3>Links to this dashboard</h3>
          <ul>
            {links.map((share) => (
              <li key={share.id}>
                <div>
                  <strong>{share.name}</strong>
                  {share.where ? (
                    <>
                      {' '}
                      where <code>{share.where}</code>
                    </>
                  ) : null}
                  <small>
                    until {formatDate(share.expires)}, by {share.by}
                  </small>
                </div>
                <button
                  type="button"
                  aria-label={`Revoke ${share.name}`}
                  onClick={() => void revoke(share)}
                >
                  Revoke
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  )
}
