import { listOf, type PanelDefinition } from '../dashboard/definition'
import type { Envelope } from '../data/envelope'
import { Numbers, type Series } from '../data/numbers'
import type { Source } from '../data/source'
import { asUnit, type Formatted, formatNumber, type Unit } from '../data/units'
import { readView } from '../data/views'

/** Where a panel's states are in an event's data, unless its definition says so. */
const STATE_FIELDS = ['', '/status', '/state', '/up', '/ok', '/healthy']

/** Keeps the numbers that a panel's definition asks for. */
export function numbersFor(
  definition: PanelDefinition,
  name: string,
  window: number,
  states = false,
): Numbers {
  const fields = listOf(definition.field)
  const asked = fields.length > 0 ? fields : states && !definition.view ? STATE_FIELDS : undefined
  const numbers = new Numbers({
    name,
    window,
    states,
    keys: definition.keys,
    ...(asked === undefined ? {} : { fields: asked }),
    ...(isPlural(definition) ? { keyOf: streamAndKey() } : {}),
  })
  for (const view of listOf(definition.view)) numbers.describe(view, view)
  return numbers
}

/** Whether a panel shows several streams or views. */
function isPlural({ stream, view }: PanelDefinition): boolean {
  const streams = listOf(stream)
  const wild = streams.some((s) => s.includes('*') || s.endsWith('>'))
  return wild || streams.length + listOf(view).length > 1
}

/** Where a panel shows several streams, each is a line of its own. A view's text is
 * too long to be a name: what it computes of what says enough. */
function streamAndKey(): (event: Pick<Envelope, 'stream' | 'key'>) => string {
  const names = new Map<string, string>()
  return ({ stream, key }) => {
    let name = names.get(stream)
    if (name === undefined) {
      name = readView(stream)?.short ?? stream
      names.set(stream, name)
    }
    return key === undefined ? name : `${name} ${key}`
  }
}

/** The numbers that a panel shows, once it has any. */
export function numbersOf(source: Source): Numbers | undefined {
  return source.content?.kind === 'numbers' ? source.content : undefined
}

/** The one series of a panel that shows a single number: the field that its
 * definition names, or the first. */
export function seriesOf(definition: PanelDefinition, source: Source): Series | undefined {
  const numbers = numbersOf(source)
  const field = listOf(definition.field)[0]?.slice(1)
  return numbers?.series.find((s) => field === undefined || s.field === field)
}

/** What a panel's numbers measure: as its definition says, or as their names do. */
export function unitOf(definition: PanelDefinition, series: Series | undefined): Unit {
  return definition.unit === undefined ? (series?.label.unit ?? 'count') : asUnit(definition.unit)
}

/** A number as its panel's definition wants it written. */
export function formatFor(definition: PanelDefinition, n: number, unit: Unit): Formatted {
  return formatNumber(n, unit, definition.decimals)
}

/** The same as plain text, such as `1.50 GiB`. */
export function textFor(definition: PanelDefinition, n: number, unit: Unit): string {
  const { value, unit: shown } = formatFor(definition, n, unit)
  return shown === '' ? value : `${value} ${shown}`
}

/** What a reader calls something: as the definition's labels have it, by its name or
 * another one, or else by its name. */
export function labelFor(
  { labels = {} }: PanelDefinition,
  name: string,
  ...others: string[]
): string {
  const known = [name, ...others].find((n) => Object.hasOwn(labels, n))
  return known === undefined ? name : (labels[known] as string)
}

/** What a field is called. */
export function fieldLabel(definition: PanelDefinition, { label, field }: Series): string {
  return labelFor(definition, label.text || field || 'value', field)
}
