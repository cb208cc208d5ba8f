import { Value } from './value'

/** Durations as an address has them: `90s`, `15m`, `6h`, `7d`. */
const DURATION = /^(\d+)(s|m|h|d)$/
const UNITS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** A duration's ms, or undefined if the text is none. */
export function parseDuration(text: string | null): number | undefined {
  const match = DURATION.exec(text ?? '')
  if (match === null) return undefined
  return Number(match[1]) * UNITS[match[2] as keyof typeof UNITS]
}

/** The shortest text of a duration in ms. */
export function formatDuration(ms: number): string {
  for (const [unit, size] of Object.entries(UNITS).reverse()) {
    if (ms % size === 0) return `${ms / size}${unit}`
  }
  return `${Math.round(ms / 1000)}s`
}

/** As far as a dashboard's file may go: ten seconds to a month. */
function bounded(window: number | undefined): number | undefined {
  return window && Math.min(Math.max(window, 10_000), 744 * 3_600_000)
}

/** What the address says: which page, and how to show it. */
export interface Address {
  /** The dashboard's name; empty for all streams. */
  readonly page: string
  readonly window: number | undefined
  /** The two minutes, or whatever they are, that somebody shared; epoch ms. */
  readonly from: number | undefined
  readonly to: number | undefined
  readonly choices: Readonly<Record<string, string>>
  readonly streams: readonly string[]
  /** The one panel to show, by its place in the dashboard. */
  readonly panel: string | undefined
  readonly kiosk: boolean
  readonly embed: boolean
  readonly theme: string | undefined
}

const CHOICE = 'var.'

/** Reads an address. `base` is where the page's root is. */
export function parseAddress(href: string, base: string): Address {
  const url = new URL(href)
  const { searchParams: query } = url
  const page = decodeURIComponent(url.pathname.slice(new URL('.', base).pathname.length))
  const time = (name: string) => {
    const at = Date.parse(query.get(name) ?? '')
    return Number.isNaN(at) ? undefined : at
  }
  const choices = [...query].filter(([name]) => name.startsWith(CHOICE))
  return {
    page: page === 'everything' ? '' : page,
    window: bounded(parseDuration(query.get('window'))),
    from: time('from'),
    to: time('to'),
    choices: Object.fromEntries(choices.map(([name, value]) => [name.slice(CHOICE.length), value])),
    streams: query.getAll('stream'),
    panel: query.get('panel') ?? undefined,
    kiosk: query.has('kiosk'),
    embed: query.has('embed'),
    theme: query.get('theme') ?? undefined,
  }
}

/** Takes what an address says behind its `#` under a name out of it, so that it is in
 * nobody's history; servers are never told. Undefined if it says nothing. */
export function takeFragment(name: string): string | undefined {
  const { hash, pathname, search } = location
  const value = hash.startsWith(`#${name}=`) ? hash.slice(name.length + 2) : ''
  if (value === '') return undefined
  history.replaceState(null, '', pathname + search)
  return value
}

/** Changes of an address; null takes a parameter away. */
export type Change = Readonly<Record<string, string | null>>

/** The page's address, kept in step with the browser's. */
export class Location {
  readonly address: Value<Address>
  /** Asked before another page is opened. */
  mayLeave: () => boolean = () => true
  readonly #base: string

  constructor(base: string) {
    this.#base = base
    this.address = new Value(parseAddress(location.href, base))
    addEventListener('popstate', () => this.#read())
  }

  /** Goes to another page, if nothing stands against it; what belongs to the old one's
   * view stays behind. */
  go(page: string): void {
    if (!this.mayLeave()) return
    history.pushState(null, '', this.to(page))
    this.#read()
  }

  /** The address of a page, as a link has it. */
  to(page: string): string {
    return new URL(page, new URL('.', this.#base)).href
  }

  /** The address that is the present one, changed. */
  with(change: Change): string {
    const url = new URL(location.href)
    for (const [name, value] of Object.entries(change)) {
      if (value === null) url.searchParams.delete(name)
      else url.searchParams.set(name, value)
    }
    return url.href
  }

  /** Changes how the page is shown. */
  change(change: Change): void {
    history.replaceState(null, '', this.with(change))
    this.#read()
  }

  #read(): void {
    this.address.set(parseAddress(location.href, this.#base))
  }
}
