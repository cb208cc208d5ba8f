'use server'

import { redirect } from 'next/navigation'
import { mayOnceMore } from '@/lib/budget'
import { log } from '@/lib/log'
import { isPassword, signIn, signOut } from '@/lib/session'

// Next.js lets a server action be called from its own origin only.

/** Signs in, or says why not. */
export async function login(_: string | undefined, form: FormData): Promise<string> {
  if (!mayOnceMore('login', 10)) return 'Too many attempts. Wait a minute.'
  const password = form.get('password')
  if (typeof password !== 'string' || !isPassword(password)) {
    log('warn', 'sign-in refused')
    return 'That is not the password.'
  }
  await signIn()
  log('info', 'signed in')
  redirect('/admin')
}

export async function logout(): Promise<void> {
  await signOut()
  redirect('/admin/login')
}
