import { useEffect, useState } from 'react'
import { formatDate } from '../page/Account'
import { useSession } from '../page/session'
import { useValue } from '../page/value'
import { NewToken } from './NewToken'
import './access.css'

/** What the server says of a token. */
export interface Token {
  readonly id: string
  readonly name: string
  readonly read?: readonly string[]
  readonly where?: string
  readonly write?: readonly string[]
  readonly admin?: boolean
  readonly by: string
  readonly created: string
  readonly expires?: string
}

/** Who has been let in, and a form that lets others in. */
export default function Tokens() {
  const { access, api, say } = useSession()
  const who = useValue(access.who)
  const [tokens, setTokens] = useState<readonly Token[]>()
  const [wrong, setWrong] = useState('')
  const read = async () => {
    try {
      const answer = (await api.send('v1/tokens')) as { tokens: readonly Token[] }
      setTokens(answer.tokens)
      setWrong('')
    } catch (error) {
      setWrong((error as Error).message)
    }
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: whoever signs in reads anew
  useEffect(() => void read(), [who])
  const revoke = async ({ id, name }: Token) => {
    if (!confirm(`Revoke “${name}”? Whoever uses it is shut out at once, and for good.`)) return
    try {
      await api.send(`v1/tokens/${id}`, 'DELETE')
      say(`${name} revoked`)
    } catch (error) {
      say((error as Error).message)
    }
    void read()
  }
  return (
    <section className="tokens">
      <h2>Tokens</h2>
      <p>
        With a token a program, or somebody on this page, may read or publish what it says, and
        nothing else.
      </p>
      {wrong === '' ? null : (
        <p className="mistakes" role="alert">
          {wrong}
        </p>
      )}
      {tokens === undefined ? null : (
        <div className="columns">
          {tokens.length === 0 ? <p className="card">There is none yet.</p> : null}
          {tokens.length === 0 ? null : (
            <table className="card">
              <thead>
                <tr>
                  {['Name', 'May', 'Expires', 'Made'].map((title) => (
                    <th key={title} scope="col">
                      {title}
                    </th>
                  ))}
                  <td />
                </tr>
              </thead>
              <tbody>
                {tokens.map((token) => (
                  <tr key={token.id}>
                    <th scope="row">
                      {token.name} <small>{token.id}</small>
                    </th>
                    <td>
                      <May {...token} />
                    </td>
                    <td data-title="Expires">
                      {token.expires === undefined ? 'never' : formatDate(token.expires)}
                    </td>
                    <td data-title="Made">
                      {formatDate(token.created)} <small>by {token.by}</small>
                    </td>
                    <td>
                      <button
                        type="button"
                        aria-label={`Revoke ${token.name}`}
                        onClick={() => void revoke(token)}
                      >
                        Revoke
                      </button>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
          <NewToken made={read} />
        </div>
      )}
    </section>
  )
}

/** What a token is good for. */
function May({ admin, read = [], where, write = [] }: Token) {
  if (admin) return 'everything'
  return (
    <>
      {read.length === 0 ? null : (
        <div>
          read <code>{read.join(' ')}</code>
          {where ? (
            <>
              {' '}
              where <code>{where}</code>
            </>
          ) : null}
        </div>
      )}
      {write.length === 0 ? null : (
        <div>
          publish <code>{write.join(' ')}</code>
        </div>
      )}
    </>
  )
}
