import type { Metadata } from 'next'
import Link from 'next/link'
import type { ReactNode } from 'react'
import 'streamgauge/components.css'
import { requireAdmin } from '@/lib/session'
import '../admin.css'
import { logout } from '../actions'
import { LiveProvider } from '../live'
import { Connection } from './Connection'
import { NavLink } from './NavLink'

export const metadata: Metadata = { title: 'Desk', robots: { index: false } }

/** Stays as it is while pages change, and so does the connection that it holds. */
export default async function DeskLayout({ children }: { children: ReactNode }) {
  await requireAdmin()
  return (
    <LiveProvider url="/admin/events">
      <header className="desk-head">
        <Link href="/" className="wordmark">
          Slack Water
        </Link>
        <nav aria-label="Desk">
          <NavLink href="/admin">Overview</NavLink>
          <NavLink href="/admin/log">Log</NavLink>
        </nav>
        <Connection />
        <form action={logout}>
          <button type="submit">Sign out</button>
        </form>
      </header>
      {children}
    </LiveProvider>
  )
}
