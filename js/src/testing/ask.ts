import { isConditional, isSelector, matches, selectorOf } from '../live/selector.js'

/** What a request asks for. */
export interface Ask {
  /** One page of JSON instead of a stream. */
  readonly page: boolean
  /** Whether an event comes in its envelope. */
  readonly envelope: boolean
  /** Selectors with their conditions, sorted. */
  readonly selectors: readonly string[]
  readonly cursor: string
  /** Begin with the last so many events. */
  readonly last: number | undefined
  /** Begin with what is not older than this, in epoch ms. */
  readonly since: number | undefined
  /** Events of a page. */
  readonly limit: number
  readonly delivery: string
  /** Whether the number of lost events can be told: not with a filter. */
  readonly counted: boolean
}

/** An answer that is no stream: a problem of RFC 9457. */
export class Refusal {
  readonly status: number
  readonly detail: string

  constructor(status: number, detail: string) {
    this.status = status
    this.detail = detail
  }
}

const ONE_STREAM = /\/v1\/streams\/([^/]+)\/events\/?$/
const MANY_STREAMS = /\/v1\/events\/?$/
const MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const
const DEFAULT_LIMIT = 1000

/** Reads a request as a hub does, or says why it would be refused. */
export function parseAsk(url: URL, headers: Headers): Ask | Refusal {
  const { searchParams: params, pathname } = url
  if (params.has('view')) {
    return new Refusal(400, 'A test stream computes no views; write rows with sendRaw.')
  }
  const name = ONE_STREAM.exec(pathname)?.[1]
  const envelope = name === undefined && (MANY_STREAMS.test(pathname) || params.has('stream'))
  const selectors = name !== undefined ? [name] : params.getAll('stream')
  if (envelope && selectors.length === 0) {
    return new Refusal(400, 'No stream is selected: say for example ?stream=host.cpu.')
  }
  const wrong = selectors.find((s) => !isSelector(selectorOf(s)) || (s === name && isPattern(s)))
  if (wrong !== undefined)
    return new Refusal(400, `The selector ${JSON.stringify(wrong)} is wrong.`)
  const since = params.get('since')
  const from = since === null ? undefined : parseSince(since)
  if (from !== undefined && Number.isNaN(from)) {
    return new Refusal(400, `The parameter since is ${JSON.stringify(since)}.`)
  }
  const last = countIn(params, 'last')
  const limit = countIn(params, 'limit') ?? DEFAULT_LIMIT
  if (Number.isNaN(last) || Number.isNaN(limit)) {
    return new Refusal(400, 'The parameters last and limit must be numbers, 1 or more.')
  }
  const page = (headers.get('accept') ?? '').startsWith('application/json')
  return {
    page,
    envelope: envelope || page,
    selectors: selectors.length === 0 ? ['>'] : [...new Set(selectors)].sort(),
    cursor: headers.get('last-event-id') || (params.get('last-event-id') ?? ''),
    last: page && from === undefined ? (last ?? limit) : last,
    since: from,
    limit,
    delivery: params.get('delivery') ?? 'rule',
    counted: !params.has('filter') && !selectors.some(isConditional),
  }
}

/** Whether an event of the stream is asked for; one that has no stream is. */
export function selects(ask: Ask, stream: string | undefined): boolean {
  return stream === undefined || ask.selectors.some((s) => matches(selectorOf(s), stream))
}

/** The conditions that an event of the stream meets: all that there are, as the test's
 * author has decided what to send. Undefined where none is asked for. */
export function conditionsMet(ask: Ask, stream: string): string[] | undefined {
  const met = ask.selectors.filter((s) => isConditional(s) && matches(selectorOf(s), stream))
  return met.length === 0 ? undefined : met
}

/** What to call the stream of an event that has none: as it was asked for, if that is a
 * name. */
export function nameIn(ask: Ask, stream: string | undefined): string {
  if (stream !== undefined) return stream
  return ask.selectors.map(selectorOf).find((s) => !isPattern(s)) ?? 'test'
}

function isPattern(selector: string): boolean {
  return /[*>]/.test(selector)
}

function countIn(params: URLSearchParams, name: string): number | undefined {
  const value = params.get(name)
  if (value === null) return undefined
  return /^[1-9][0-9]*$/.test(value) ? Number(value) : Number.NaN
}

/** Reads a duration such as `1h30m` or a time into epoch ms; NaN if it is neither. */
function parseSince(value: string): number {
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(value)) return Date.parse(value)
  let ms = 0
  for (const [, n, , unit] of value.matchAll(/(\d+(\.\d+)?)(ms|s|m|h)/g)) {
    ms += Number(n) * MS[unit as keyof typeof MS]
  }
  return Date.now() - ms
}
