'use client'

import { useActionState } from 'react'
import { login } from '../actions'

export function LoginForm({ isPossible }: { readonly isPossible: boolean }) {
  const [problem, action, isSending] = useActionState(login, undefined)
  if (!isPossible) {
    return (
      <p role="alert">
        Nobody can sign in yet: set <code>ADMIN_PASSWORD</code> in <code>.env.local</code> and
        restart.
      </p>
    )
  }
  return (
    <form action={action}>
      <label>
        Password
        <input name="password" type="password" required autoComplete="current-password" />
      </label>
      <button type="submit" disabled={isSending}>
        Sign in
      </button>
      <p role="alert">{problem}</p>
    </form>
  )
}
