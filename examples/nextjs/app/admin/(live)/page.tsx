import { snapshot } from '@/lib/hub'
import { requireAdmin } from '@/lib/session'
import { ActivityPanel } from './ActivityPanel'
import { LiveMetrics } from './LiveMetrics'
import { LogPanel } from './LogPanel'

/** What there is goes into the HTML; the browser goes on from exactly there. */
export default async function OverviewPage() {
  await requireAdmin()
  const [visitors, views, lcp, inp, cls, activity, lines] = await Promise.all([
    snapshot('site.visitors', 1),
    snapshot('site.views', 1000),
    snapshot('site.vitals.lcp', 100),
    snapshot('site.vitals.inp', 100),
    snapshot('site.vitals.cls', 100),
    snapshot('site.activity', 50),
    snapshot('logs.site', 200),
  ])
  return (
    <main className="desk">
      <h1 className="unseen">Overview</h1>
      <LiveMetrics visitors={visitors} views={views} vitals={{ lcp, inp, cls }} />
      <section className="desk-log">
        <h2>Server log</h2>
        <LogPanel snapshot={lines} height={320} />
      </section>
      <section className="desk-activity">
        <h2>Activity</h2>
        <ActivityPanel snapshot={activity} />
      </section>
    </main>
  )
}
