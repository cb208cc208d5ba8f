import type { Metadata } from 'next'
import Link from 'next/link'
import { redirect } from 'next/navigation'
import { isAdmin } from '@/lib/session'
import '../admin.css'
import { LoginForm } from './LoginForm'

export const metadata: Metadata = { title: 'Sign in', robots: { index: false } }

export default async function LoginPage() {
  if (await isAdmin()) redirect('/admin')
  return (
    <main className="login">
      <Link href="/" className="wordmark">
        Slack Water
      </Link>
      <LoginForm isPossible={Boolean(process.env.ADMIN_PASSWORD)} />
    </main>
  )
}
