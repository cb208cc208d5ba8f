import { mayOnceMore } from '@/lib/budget'
import { log } from '@/lib/log'
import { presence } from '@/lib/presence'
import { publish } from '@/lib/publish'
import { parseReport } from '@/lib/report'

/** From where on a measurement is poor: https://web.dev/articles/vitals */
const POOR = { lcp: 4000, inp: 500, cls: 0.25 } as const

/** Takes what the Beacon sends. There is nothing to say in return. */
export async function POST(request: Request): Promise<Response> {
  // Other sites have no business here. Browsers that are old don't say where they come from.
  const from = request.headers.get('sec-fetch-site') ?? 'same-origin'
  const length = Number(request.headers.get('content-length') ?? Number.NaN)
  if (from !== 'same-origin' || !(length <= 1000)) return new Response(null, { status: 400 })
  const report = parseReport(await request.text())
  if (report === undefined) return new Response(null, { status: 400 })
  if (!mayOnceMore('report', 6000)) return new Response(null, { status: 429 })
  const at = Date.now()
  switch (report.kind) {
    case 'leave':
      presence().left(report.tab)
      break
    case 'here':
      presence().seen(report.tab)
      break
    case 'view':
      presence().seen(report.tab)
      presence().viewed()
      publish('site.views', { at, page: report.page })
      log('info', `view ${report.page}`)
      break
    case 'vital': {
      const { name, page, value } = report
      publish(`site.vitals.${name}`, { at, value, page })
      if (value > POOR[name]) log('warn', `poor ${name.toUpperCase()} on ${page}`, { value })
    }
  }
  return new Response(null, { status: 204 })
}
