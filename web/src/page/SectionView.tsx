import { type CSSProperties, type ReactNode, useId } from 'react'
import { pack, type Section } from '../data/arrange'
import { type PanelItem, panelsFor } from '../panels/registry'

/** The first charts of a section are larger than the rest. */
const HEROES = 2

/** More panels than this in one place are counted, not drawn. */
const MAX_PANELS = 60

/** A section of the page: numbers, then charts, then tails. */
export function SectionView({ section, children }: { section: Section; children: ReactNode }) {
  const title = useId()
  const stats = panelsFor(section.streams, 'stats')
  const charts = panelsFor(section.streams, 'charts')
  const tails = panelsFor(section.streams, 'tails')
  const heroes = charts.filter(({ type }) => type.name === 'chart').slice(0, HEROES)
  const small = charts.filter((item) => !heroes.includes(item))
  return (
    <section aria-labelledby={title} data-section={section.id}>
      <h2 id={title}>{section.title}</h2>
      {children}
      <Strip items={stats} />
      <Grid items={heroes} perRow={2} className="heroes" />
      <Grid items={small} perRow={3} className="small" />
      <Grid items={tails} perRow={2} className="tails" />
    </section>
  )
}

/** Numbers side by side, in rows of at most six and as even as can be. */
function Strip({ items }: { items: readonly PanelItem[] }) {
  if (items.length === 0) return null
  const rows = Math.ceil(items.length / 6)
  const columns = Math.max(4, Math.ceil(items.length / rows))
  return (
    <div className="strip" style={{ '--columns': columns } as CSSProperties}>
      <Items items={items} />
    </div>
  )
}

interface GridProps {
  readonly items: readonly PanelItem[]
  readonly perRow: number
  readonly className: string
}

function Grid({ items, perRow, className }: GridProps) {
  if (items.length === 0) return null
  return (
    <div className={`grid ${className}`}>
      <Items items={items} spans={pack(Math.min(items.length, MAX_PANELS), perRow)} />
    </div>
  )
}

function Items({ items, spans }: { items: readonly PanelItem[]; spans?: readonly number[] }) {
  const hidden = items.length - MAX_PANELS
  return (
    <>
      {items.slice(0, MAX_PANELS).map(({ id, type, props }, i) => (
        <div key={id} className="cell" style={{ '--span': spans?.[i] } as CSSProperties}>
          <type.Component {...props} />
        </div>
      ))}
      {hidden > 0 ? <p className="note">and {hidden} more</p> : null}
    </>
  )
}
