import { useMemo, useRef } from 'react'
import { isSelector } from 'streamgauge/live'
import type { PanelDefinition } from '../dashboard/definition'
import { type Fitting, panelsFor } from '../dashboard/everything'
import { arrange, pack, type Section } from '../data/arrange'
import type { Source } from '../data/source'
import { GridRow, only } from './Grid'
import { Publish } from './Publish'
import type { PanelItem, PanelRow } from './page'
import { useSession } from './session'
import { useValue } from './value'

/** The first charts of a section are larger than the rest. */
const HEROES = 2

/** All streams that there are, each in a panel that fits it. */
export function Everything() {
  const session = useSession()
  const { board, plan } = useValue(session.page)
  useValue(session.outline)
  const wrong = plan.everything.filter((selector) => !isSelector(selector))
  const empty = useValue(session.empty)
  const { sources, more } = board.outline
  return (
    <>
      {wrong.length > 0 ? (
        <p className="mistakes" role="alert">
          No stream can be called {wrong.map((selector) => `“${selector}”`).join(', ')}: names are
          letters, digits, _ and - with dots in between, <code>*</code> stands for a part and a last{' '}
          <code>&gt;</code> for the rest.
        </p>
      ) : null}
      {arrange(sources).map((section) =>
        section.sources.length > 0 || (section.id === 'yours' && empty) ? (
          <SectionView key={section.id} section={section} />
        ) : null,
      )}
      {more > 0 ? (
        <p className="note">
          There are {more} more streams. Choose what to see with <code>?stream=name.&gt;</code> in
          the address.
        </p>
      ) : null}
    </>
  )
}

/** A section: numbers, then charts, then tails. */
function SectionView({ section }: { section: Section }) {
  const { panel } = useValue(useSession().location.address)
  const rows = only(panel, useRows(section.sources))
  return (
    <section aria-labelledby={section.id} data-section={section.id}>
      <h2 id={section.id}>{section.title}</h2>
      {section.sources.length === 0 ? <Publish /> : null}
      {rows.map((row) => (
        <GridRow key={row.items[0]?.id} {...row} />
      ))}
    </section>
  )
}

/** The rows of panels in which streams show themselves. What has not changed stays
 * the same object, so that it is not rendered again. */
function useRows(sources: readonly Source[]): PanelRow[] {
  const known = useRef(new Map<string, PanelItem>())
  const outline = sources.map((s) => `${s.name} ${s.outline}`).join('\n')
  // biome-ignore lint/correctness/useExhaustiveDependencies: the outline says what matters of the sources
  return useMemo(() => rowsOf(sources, known.current), [outline])
}

function rowsOf(sources: readonly Source[], known: Map<string, PanelItem>): PanelRow[] {
  const fittings = sources.map((source) => ({ source, fitting: panelsFor(source) }))
  const items = (place: keyof Fitting, shape: (n: number) => readonly number[], height: number) => {
    const all = fittings.flatMap(({ source, fitting }) =>
      fitting[place].map((definition) => ({ source, definition })),
    )
    const widths = shape(all.length)
    return all.map(({ source, definition }, i): PanelItem => {
      const sized = { ...definition, width: widths[i] ?? 6, height }
      return remember(known, sized, source)
    })
  }
  const stats = items('stats', (n) => strip(n), 3)
  const charts = items('charts', (n) => heroes(n), 5)
  const tails = items('tails', (n) => pack(n, 2), 8)
  const big = charts.slice(0, HEROES).map(({ source, definition }) => {
    return remember(known, { ...definition, height: 7 }, source)
  })
  return [stats, big, charts.slice(HEROES), tails]
    .filter((row) => row.length > 0)
    .map((row) => ({ title: undefined, items: row }))
}

function remember(
  known: Map<string, PanelItem>,
  definition: PanelDefinition,
  source: Source,
): PanelItem {
  const whole = JSON.stringify([definition, source.name])
  const before = known.get(whole)
  if (before?.source === source) return before
  const id = [definition.type, source.name, definition.field].filter(Boolean).join(' ')
  const item = { id, definition, source }
  known.set(whole, item)
  return item
}

/** Widths of cards, in rows of at most six and as even as can be. */
function strip(n: number): number[] {
  const perRow = n <= 4 || n === 7 || n === 8 ? 4 : 6
  return new Array<number>(n).fill(12 / perRow)
}

function heroes(n: number): number[] {
  return [...pack(Math.min(n, HEROES), HEROES), ...pack(Math.max(0, n - HEROES), 3)]
}
