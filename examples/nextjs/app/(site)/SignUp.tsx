'use client'

import { useActionState } from 'react'
import { signUp } from './actions'
import { Trap } from './Trap'

export function SignUp() {
  const [answer, action, isSending] = useActionState(signUp, undefined)
  return (
    <form action={action} className="sign-up" key={answer?.ok ? 'done' : 'open'}>
      <h2>A letter a month</h2>
      <p>One story, on the first spring tide. Nothing else.</p>
      <div className="fields">
        <label>
          First name
          <input
            name="name"
            maxLength={60}
            autoComplete="given-name"
            defaultValue={answer?.values?.name}
          />
        </label>
        <label>
          E-mail
          <input
            name="email"
            type="email"
            required
            autoComplete="email"
            defaultValue={answer?.values?.email}
          />
        </label>
        <Trap />
        <button type="submit" disabled={isSending}>
          Sign up
        </button>
      </div>
      <p role="status" data-ok={answer?.ok}>
        {answer?.text}
      </p>
    </form>
  )
}
