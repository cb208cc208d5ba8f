import type { Source } from './source'

/** Streams that belong together on the page. */
export interface Section {
  readonly id: 'yours' | 'host' | 'hub'
  readonly title: string
  readonly sources: readonly Source[]
}

const TITLES = { yours: 'Your streams', host: 'This machine', hub: 'Streamgauge itself' } as const

// What one looks for first stands first; the rest follows by name.
const FIRST = [
  'host.cpu',
  'host.memory',
  'host.network',
  'host.cpu.core',
  'host.disk.io',
  'host.load',
  'host.disk',
  'host.processes',
]

/** Sorts streams, which come by name, into the page's sections. All three are
 * there even if empty. */
export function arrange(sources: readonly Source[]): Section[] {
  const sections: Record<Section['id'], Source[]> = { yours: [], host: [], hub: [] }
  for (const source of sources) sections[sectionOf(source.name)].push(source)
  sections.host.sort((a, b) => rank(a.name) - rank(b.name))
  return (['yours', 'host', 'hub'] as const).map((id) => ({
    id,
    title: TITLES[id],
    sources: sections[id],
  }))
}

/** The section of a stream goes by the first token of its name. */
export function sectionOf(stream: string): Section['id'] {
  const token = stream.split('.', 1)[0]
  return token === 'host' || token === 'hub' ? token : 'yours'
}

function rank(name: string): number {
  const i = FIRST.indexOf(name)
  return i < 0 ? FIRST.length : i
}

/**
 * Widths, of 12 columns, for n panels of which the preferred number stands in a
 * row, so that no row has a hole: [4, 4, 4], [6, 6], [12].
 */
export function pack(n: number, perRow: number): number[] {
  const spans: number[] = []
  for (let left = n; left > 0; ) {
    // A single panel is not left over for the last row: two rows share it.
    const row = left % perRow === 1 && left > perRow ? Math.ceil((perRow + 1) / 2) : perRow
    const inRow = Math.min(row, left)
    for (let i = 0; i < inRow; i++) spans.push(12 / inRow)
    left -= inRow
  }
  return spans
}
