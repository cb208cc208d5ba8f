import 'server-only'
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { cookies, headers } from 'next/headers'
import { redirect } from 'next/navigation'
import { once } from './state'

const COOKIE = 'desk'
const HOURS = 12

/** Without a secret of its own the process makes one up, and sessions end with it. */
const secret = () =>
  process.env.SESSION_SECRET || once('secret', () => randomBytes(32).toString('hex'))

/** Whether a password is the one from the environment. Nobody's, where there is none. */
export function isPassword(given: string): boolean {
  const password = process.env.ADMIN_PASSWORD
  // Digests are all of a length, so that the time it takes says nothing about either.
  return password ? timingSafeEqual(digest(given), digest(password)) : false
}

export async function signIn(): Promise<void> {
  const expires = Date.now() + HOURS * 3_600_000
  const value = `${expires}.${signature(expires)}`
  const [jar, asked] = await Promise.all([cookies(), headers()])
  jar.set(COOKIE, value, {
    httpOnly: true,
    sameSite: 'lax',
    // Next.js sets it where no proxy in front has.
    secure: asked.get('x-forwarded-proto')?.split(',')[0] === 'https',
    // Not for all of the site: so it isn't sent along to the hub by the rewrite.
    path: '/admin',
    maxAge: HOURS * 3600,
  })
}

export async function signOut(): Promise<void> {
  const jar = await cookies()
  jar.delete({ name: COOKIE, path: '/admin' })
}

/** Whether the request comes from somebody who is signed in. */
export async function isAdmin(): Promise<boolean> {
  const jar = await cookies()
  const [expires = '', signed = ''] = jar.get(COOKIE)?.value.split('.') ?? []
  if (!(Number(expires) > Date.now())) return false
  return timingSafeEqual(digest(signed), digest(signature(Number(expires))))
}

/** Lets nobody else see what follows. Layouts are not rendered again at every change of
 * page, so each page calls it itself. */
export async function requireAdmin(): Promise<void> {
  if (!(await isAdmin())) redirect('/admin/login')
}

function signature(expires: number): string {
  return createHmac('sha256', secret()).update(`${COOKIE}.${expires}`).digest('base64url')
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
