import { type FormEvent, useEffect, useState } from 'react'
import { useSession } from '../page/session'
import { Made } from './Made'

const EXPIRY = [
  ['24h', '1 day'],
  ['720h', '30 days'],
  ['8760h', '1 year'],
  ['', 'never'],
] as const

/** Makes a token, and shows it, which can be done once. */
export function NewToken({ made }: { made: () => Promise<void> }) {
  const session = useSession()
  const [secret, setSecret] = useState('')
  const [wrong, setWrong] = useState('')
  const [admin, setAdmin] = useState(false)
  const streams = useStreams()
  const create = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const typed = new FormData(event.currentTarget)
    const text = (name: string) => String(typed.get(name) ?? '').trim()
    const list = (name: string) =>
      text(name)
        .split(/[\s,]+/)
        .filter(Boolean)
    const rights = { read: list('read'), where: text('where'), write: list('write') }
    const { name, expires_in } = { name: text('name'), expires_in: text('expires_in') }
    try {
      const token = await session.api.send('v1/tokens', 'POST', {
        name,
        expires_in,
        ...(admin ? { admin } : rights),
      })
      await made() // what is above it moves no more
      setSecret((token as { token: string }).token)
      setAdmin(false)
      setWrong('')
    } catch (error) {
      setWrong((error as Error).message)
    }
  }
  if (secret !== '') {
    const done = () => setSecret('')
    return <Made title="New token" secret={secret} copied="Token copied" done={done} />
  }
  return (
    <form className="card" onSubmit={(event) => void create(event)}>
      <h3>New token</h3>
      <label>
        Name
        <input name="name" required maxLength={100} placeholder="checkout service" />
      </label>
      <label className="switch">
        <input type="checkbox" checked={admin} onChange={(e) => setAdmin(e.target.checked)} />
        Everything, as an administrator
      </label>
      <fieldset disabled={admin}>
        <Selectors name="read" label="Reads" hint="shop.> logs.web" streams={streams} />
        <label>
          Only where
          <input name="where" spellCheck={false} placeholder='data.country == "de"' />
        </label>
        <Selectors name="write" label="Publishes to" hint="shop.orders" streams={streams} />
      </fieldset>
      <label>
        Expires
        <select name="expires_in" defaultValue="720h">
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
        Create
      </button>
    </form>
  )
}

interface SelectorsProps {
  readonly name: string
  readonly label: string
  readonly hint: string
  readonly streams: readonly string[]
}

/** An input for selectors; there are suggestions for the one that is typed. */
function Selectors({ name, label, hint, streams }: SelectorsProps) {
  const [before, setBefore] = useState('')
  return (
    <label>
      {label}
      <input
        name={name}
        list={`${name}-streams`}
        spellCheck={false}
        autoCapitalize="off"
        placeholder={hint}
        onChange={(event) => setBefore(event.target.value.replace(/\S*$/, ''))}
      />
      <datalist id={`${name}-streams`}>
        {streams.map((stream) => (
          <option key={stream} value={before + stream} />
        ))}
      </datalist>
    </label>
  )
}

/** The streams that there are, after the patterns of more than one of them. */
function useStreams(): readonly string[] {
  const { api } = useSession()
  const [streams, setStreams] = useState<readonly string[]>([])
  useEffect(() => {
    const suggest = (names: readonly string[]) => {
      const groups = names.filter((n) => n.includes('.')).map((n) => `${n.split('.')[0]}.>`)
      setStreams([...new Set(['>', ...groups.sort(), ...names])])
    }
    api.streams().then(
      (all) => suggest(all.map(({ name }) => name).sort()),
      () => {}, // they can be typed
    )
  }, [api])
  return streams
}
