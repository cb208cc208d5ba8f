import { type Envelope, parseEnvelope } from '../data/envelope'
import { WINDOW } from '../data/numbers'
import { isObject } from '../data/shape'

/** A stream as the hub lists it. */
export interface StreamInfo {
  readonly name: string
  /** Ms since its last event. */
  readonly age: number
  /** The server's clock as it answered, in epoch ms. */
  readonly now: number
}

/** Where the hub is, as seen from the page, which may be mounted on any path. */
export class API {
  readonly #base: URL
  readonly #selectors: readonly string[]

  /** @param page the page's address; its `?stream=` selects streams, default all */
  constructor(page: string) {
    this.#base = new URL('.', page)
    const chosen = new URL(page).searchParams.getAll('stream')
    this.#selectors = chosen.length > 0 ? chosen : ['>']
  }

  /** The selectors that the page listens to. */
  get selectors(): readonly string[] {
    return this.#selectors
  }

  /** The address of the one connection that brings everything. The page draws
   * history, so it wants every event and not only the newest of each key. */
  get events(): string {
    const url = new URL('v1/events', this.#base)
    for (const selector of this.#selectors) url.searchParams.append('stream', selector)
    url.searchParams.set('since', `${WINDOW / 60_000}m`)
    url.searchParams.set('delivery', 'all')
    return url.href
  }

  /** The address to publish to a stream. */
  publish(stream: string): string {
    return new URL(`v1/streams/${stream}/events`, this.#base).href
  }

  /** Lists the streams that have had an event. */
  async streams(): Promise<StreamInfo[]> {
    const answer = await this.#get(new URL('v1/streams', this.#base))
    const list = isObject(answer) && Array.isArray(answer.streams) ? answer.streams : []
    return list.flatMap((info: unknown) => {
      if (!isObject(info)) return []
      const { name, time, age_ms: age } = info
      const known = typeof name === 'string' && typeof time === 'string' && typeof age === 'number'
      return known ? [{ name, age, now: Date.parse(time) + age }] : []
    })
  }

  /** The newest events of a stream, oldest first. */
  async newest(stream: string, count: number): Promise<Envelope[]> {
    const url = new URL('v1/events', this.#base)
    url.searchParams.set('stream', stream)
    url.searchParams.set('last', String(count))
    const answer = await this.#get(url)
    const events = isObject(answer) && Array.isArray(answer.events) ? answer.events : []
    return events.flatMap((value: unknown) => parseEnvelope(value, Date.now()) ?? [])
  }

  async #get(url: URL): Promise<unknown> {
    const response = await fetch(url, { headers: { Accept: 'application/json' } })
    if (!response.ok) throw new Error(`${url.pathname} answered ${response.status}`)
    return response.json()
  }
}

/** Whether a selector of `*` and `>` tokens matches a stream's name. */
export function matches(selector: string, stream: string): boolean {
  const pattern = selector.split('.')
  const tokens = stream.split('.')
  for (const [i, p] of pattern.entries()) {
    if (p === '>') return i < tokens.length
    if (tokens[i] === undefined || (p !== '*' && p !== tokens[i])) return false
  }
  return pattern.length === tokens.length
}
