import Link from 'next/link'
import { connection } from 'next/server'
import type { ReactNode } from 'react'
import { presence } from '@/lib/presence'
import { Beacon } from './Beacon'
import { VisitorCount } from './VisitorCount'

export default async function SiteLayout({ children }: { children: ReactNode }) {
  await connection() // what follows is about this moment, not about the build
  return (
    <>
      <header className="masthead">
        <Link href="/" className="wordmark">
          Slack Water
        </Link>
        <VisitorCount initial={presence().now()} />
      </header>
      {children}
      <footer className="colophon">
        <p>
          Slack water is the short while between two tides when a harbour stands still. This
          magazine is made up, and an example of <b>Streamgauge</b> in Next.js.
        </p>
        <p>
          While you read, this page tells our own server that it is open, and how fast it was. It
          sets no cookie, and nothing about it outlives the tab. <Link href="/admin">The desk</Link>
        </p>
      </footer>
      <Beacon />
    </>
  )
}
