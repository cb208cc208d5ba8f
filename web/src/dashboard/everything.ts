import type { Source } from '../data/source'
import type { PanelDefinition } from './definition'

/** Numbers that name something and measure nothing. */
const NAMES = /(^|[_/])(id|status|code|port|pid)$/

/** More cards than this for one stream would crowd out the others. */
const MAX_CARDS = 4

/** The panels in which a stream shows itself, by the place where they stand. */
export interface Fitting {
  readonly stats: readonly PanelDefinition[]
  readonly charts: readonly PanelDefinition[]
  readonly tails: readonly PanelDefinition[]
}

const NOTHING: Fitting = { stats: [], charts: [], tails: [] }

/** Finds fitting panels for a stream that no dashboard has arranged. */
export function panelsFor({ name, content }: Source): Fitting {
  switch (content?.kind) {
    case 'numbers': {
      // A single number is well served by its stat card.
      const plural = content.keyed || content.series.length > 1
      return {
        stats: content.keyed ? [] : headlines(name, content),
        charts: plural ? [{ type: 'timeseries', stream: name }] : [],
        tails: [],
      }
    }
    case 'rows':
      return { ...NOTHING, charts: [{ type: 'table', stream: name }] }
    case 'log':
    case 'other':
      return { ...NOTHING, tails: [{ type: 'log', stream: name }] }
    case 'activities':
      return { ...NOTHING, tails: [{ type: 'feed', stream: name }] }
    case undefined:
      return NOTHING
  }
}

/** The first number of each unit. */
function headlines(
  stream: string,
  { units, series }: Extract<Source['content'], { kind: 'numbers' }>,
): PanelDefinition[] {
  const first = units.map((unit) =>
    series.find((s) => s.label.unit === unit && (series.length === 1 || !NAMES.test(s.field))),
  )
  return first
    .filter((s) => s !== undefined)
    .slice(0, MAX_CARDS)
    .map(({ field }) => ({ type: 'stat', stream, field: field === '' ? '' : `/${field}` }))
}
