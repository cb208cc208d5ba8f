'use client'

import { usePathname } from 'next/navigation'
import { useReportWebVitals } from 'next/web-vitals'
import { useEffect } from 'react'
import type { Report } from '@/lib/report'

const EVERY = 20_000
const SHOWN = new Set(['LCP', 'INP', 'CLS'])

/** Tells the site which page is being read, and how fast it was. */
export function Beacon() {
  const page = usePathname()
  useReportWebVitals(reportVital)
  useEffect(() => {
    send({ kind: 'view', tab: tabId(), page })
  }, [page])
  useEffect(() => {
    // Who looks away is silent, and not counted after a minute.
    const here = () => {
      if (document.visibilityState === 'visible') send({ kind: 'here', tab: tabId() })
    }
    const leave = () => send({ kind: 'leave', tab: tabId() })
    const timer = setInterval(here, EVERY)
    document.addEventListener('visibilitychange', here)
    addEventListener('pagehide', leave)
    addEventListener('pageshow', here) // also back from the back/forward cache
    return () => {
      clearInterval(timer)
      document.removeEventListener('visibilitychange', here)
      removeEventListener('pagehide', leave)
      removeEventListener('pageshow', here)
      leave() // to the desk, where nobody is a reader
    }
  }, [])
  return null
}

// Outside of the component: another function would be told everything again.
function reportVital({ name, value }: { readonly name: string; readonly value: number }) {
  if (!SHOWN.has(name)) return
  const page = location.pathname
  send({ kind: 'vital', name: name.toLowerCase() as 'lcp' | 'inp' | 'cls', value, page })
}

function send(report: Report): void {
  // It is sent even when the page is being closed, and nobody waits for it.
  navigator.sendBeacon('/api/seen', JSON.stringify(report))
}

/** Tells tabs apart while they are open. It is neither a cookie nor somebody's name. */
function tabId(): string {
  try {
    const known = sessionStorage.getItem('tab')
    if (known) return known
    sessionStorage.setItem('tab', newId())
    return sessionStorage.getItem('tab') ?? ''
  } catch {
    return (lone ??= newId()) // storage is blocked
  }
}

let lone: string | undefined

/** crypto.randomUUID is for secure contexts only. */
function newId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('')
}
