import { useEffect, useRef, useState } from 'react'
import type { API } from '../page/api'
import { Logo } from '../page/Header'
import { useSession } from '../page/session'
import { useValue } from '../page/value'
import './access.css'

/** The way in: a field for a token. It fills the page, or lies above one that has stopped. */
export default function SignIn() {
  const { access, api } = useSession()
  const provider = useValue(access.who)?.provider
  const shut = useValue(access.gate) === 'shut'
  const ended = useValue(access.ended)
  const wrong = useValue(access.wrong)
  const [busy, setBusy] = useState(false)
  const input = useRef<HTMLInputElement>(null)
  const first = useRef<HTMLAnchorElement>(null)
  useEffect(() => {
    const way = first.current ?? input.current
    way?.focus()
    if (shut) document.title = 'Sign in · Streamgauge'
  }, [shut])
  const submit = async () => {
    setBusy(true)
    await access.signIn({ token: input.current?.value.trim() ?? '' })
    setBusy(false)
    input.current?.select()
  }
  return (
    <form
      className="signin"
      onSubmit={(event) => {
        event.preventDefault()
        if (!busy) void submit()
      }}
    >
      {shut ? (
        <h1>
          <Logo />
        </h1>
      ) : null}
      {ended ? (
        <p>Your session has ended. Sign in, and the page goes on where it stopped.</p>
      ) : null}
      {provider === undefined ? null : (
        <>
          <a className="primary" ref={first} href={toProvider(api)}>
            Sign in with {provider}
          </a>
          <p className="or">or with a token</p>
        </>
      )}
      <label>
        Token
        <input
          ref={input}
          type="password"
          autoComplete="current-password"
          required
          aria-invalid={wrong !== ''}
          aria-describedby="signin-wrong"
        />
      </label>
      <button
        type="submit"
        className={provider === undefined ? 'primary' : undefined}
        aria-busy={busy}
      >
        Sign in
      </button>
      <p className="wrong" id="signin-wrong" role="alert">
        {wrong}
      </p>
      <p className="hint">
        A token is made on the server by <code>streamgauge token create NAME --read '&gt;'</code>,
        and an administrator is let in by the link that the server prints when it starts.
      </p>
    </form>
  )
}

/** Where signing in with the provider begins, which leads back to here. */
function toProvider({ base }: API): string {
  const url = new URL('v1/session/oidc', base)
  url.searchParams.set('return', location.pathname + location.search)
  return url.href
}
