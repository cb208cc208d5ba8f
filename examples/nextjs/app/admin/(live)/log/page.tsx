import { snapshot } from '@/lib/hub'
import { requireAdmin } from '@/lib/session'
import { LogPanel } from '../LogPanel'

export const metadata = { title: 'Log' }

export default async function LogPage() {
  await requireAdmin()
  return (
    <main className="desk">
      <section className="desk-whole">
        <h1>Server log</h1>
        <LogPanel snapshot={await snapshot('logs.site', 1000)} height="calc(100dvh - 220px)" />
      </section>
    </main>
  )
}
