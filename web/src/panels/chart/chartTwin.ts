import type { PanelDefinition } from '../../dashboard/definition'
import type { Numbers } from '../../data/numbers'
import type { Unit } from '../../data/units'
import { knownUntil, type Page, spanOf } from '../moment'
import type { Twin } from '../twin'
import type { Line } from './lines'
import { PlotData } from './plotData'

/** What a chart shows as a table: a row for each time, the newest first. */
export function chartTwin(
  definition: PanelDefinition,
  numbers: Numbers | undefined,
  lines: readonly Line[],
  unit: Unit,
  page: Page,
): Twin {
  const columns = [{ name: 'time', unit: 'time' }, ...lines.map(({ name }) => ({ name, unit }))]
  if (numbers === undefined) return { columns, rows: [] }
  const span = spanOf(definition, page.timeline)
  const live = page.timeline.mode.get().kind === 'live'
  const data = new PlotData()
  data.fill(numbers, lines, { ...span, live, known: knownUntil(page) })
  const rows: (number | undefined)[][] = []
  for (let j = data.times.length - 1; j >= 0; j--) {
    const at = data.times[j] as number
    if (at < span.from) break
    const tails = at === data.tailAt
    const values = lines.map((_, i) => (tails ? data.tails[i] : data.columns[i]?.[j]) ?? undefined)
    if (values.some((v) => v !== undefined && Number.isFinite(v))) rows.push([at, ...values])
  }
  return { columns, rows }
}
