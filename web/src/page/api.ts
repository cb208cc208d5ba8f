import type { DashboardDefinition } from '../dashboard/definition'
import { type Envelope, parseEnvelope } from '../data/envelope'
import { isObject } from '../data/shape'
import type { Operation } from '../editor/draft'

/** A stream as the hub lists it. */
export interface StreamInfo {
  readonly name: string
  /** Ms since its last event. */
  readonly age: number
  /** The server's clock as it answered, in epoch ms. */
  readonly now: number
}

/** What is wrong in a dashboard's file, and where. */
export interface Mistake {
  readonly message: string
  readonly file?: string
  readonly line?: number
  readonly column?: number
  readonly path?: string
}

/** A dashboard as the server lists it. */
export interface DashboardInfo {
  readonly name: string
  readonly title: string
  readonly description?: string
  readonly builtin: boolean
  readonly writable: boolean
  readonly version: string
  readonly errors?: readonly Mistake[]
}

/** A dashboard whole: its last good version, and its file as it is now. */
export interface Dashboard extends Omit<DashboardInfo, 'title' | 'description'> {
  /** Null if there has been no good version. */
  readonly dashboard: DashboardDefinition | null
  readonly yaml: string
}

/** What became of changes to a dashboard. */
export type Patched =
  | {
      readonly ok: true
      /** Whether the file could be written, as far as can be told. */
      readonly writable: boolean
      readonly definition: DashboardDefinition
      readonly yaml: string
      readonly diff: string
    }
  | {
      readonly ok: false
      readonly status: number
      readonly why: string
      readonly mistakes: readonly Mistake[]
      readonly diff: string | undefined
    }

const JSON_WANTED = { Accept: 'application/json' }

/** Where the hub is, as seen from the page, which may be mounted on any path. */
export class API {
  /** The root of the server's pages. */
  readonly base: URL
  /** Hears that the server does not know who asks, and wants to. */
  onUnknown: () => void = () => {}

  /** How to ask, so that the server knows who does: by the session, or by a token alone. */
  readonly identity: Pick<RequestInit, 'credentials'> & {
    readonly headers?: { Authorization: string }
  }

  /**
   * @param page the page's address
   * @param token of a share link, for which everything is asked; nobody's session is
   */
  constructor(page: string, token?: string) {
    this.base = new URL('.', page)
    this.identity =
      token === undefined
        ? { credentials: 'same-origin' }
        : { credentials: 'omit', headers: { Authorization: `Bearer ${token}` } }
  }

  /** The address to publish to a stream. */
  publish(stream: string): string {
    return new URL(`v1/streams/${stream}/events`, this.base).href
  }

  /** Lists the streams that have had an event. */
  async streams(): Promise<StreamInfo[]> {
    const answer = await this.#get(new URL('v1/streams', this.base))
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
    const url = new URL('v1/events', this.base)
    url.searchParams.set('stream', stream)
    url.searchParams.set('last', String(count))
    const answer = await this.#get(url)
    const events = isObject(answer) && Array.isArray(answer.events) ? answer.events : []
    return events.flatMap((value: unknown) => parseEnvelope(value, Date.now()) ?? [])
  }

  /** Lists the dashboards. */
  async dashboards(): Promise<DashboardInfo[]> {
    const answer = await this.#get(new URL('v1/dashboards', this.base))
    return isObject(answer) && Array.isArray(answer.dashboards) ? answer.dashboards : []
  }

  /** Reads a dashboard; undefined if there is none of that name. */
  async dashboard(name: string): Promise<Dashboard | undefined> {
    const url = new URL(`v1/dashboards/${encodeURIComponent(name)}`, this.base)
    const response = await this.fetch(url)
    if (response.status === 404) return undefined
    if (!response.ok) throw new Error(`${url.pathname} answered ${response.status}`)
    return (await response.json()) as Dashboard
  }

  /** Sends JSON, if any, and resolves to what is answered. Rejects with what is wrong, in
   * words. */
  async send(path: string, method = 'GET', body?: object): Promise<unknown> {
    const response = await this.fetch(new URL(path, this.base), {
      method,
      headers: { ...JSON_WANTED, 'Content-Type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    }).catch(() => undefined)
    if (response === undefined) throw new Error('The server can’t be reached')
    if (response.status === 204) return undefined
    const answer = (await response.json().catch(() => ({}))) as { detail?: string }
    if (response.ok) return answer
    throw new Error(answer.detail ?? `the server answered ${response.status}`)
  }

  /** Makes a dashboard. Rejects with what is wrong, in words. */
  async create(name: string, title: string): Promise<void> {
    const text = JSON.stringify(title) // which is YAML too
    const panels =
      '      - type: text\n        title: New panel\n        text: Choose what it shows.\n'
    await this.put(name, `title: ${text}\nrows:\n  - panels:\n${panels}`)
  }

  /** Writes the file of a dashboard that there is not. Rejects with what is wrong, in
   * words. */
  async put(name: string, yaml: string): Promise<void> {
    const response = await this.fetch(
      new URL(`v1/dashboards/${encodeURIComponent(name)}`, this.base),
      {
        method: 'PUT',
        headers: { 'Content-Type': 'application/yaml', 'If-None-Match': '*' },
        body: yaml,
      },
    )
    if (response.ok) return
    const problem = (await response.json()) as { detail?: string }
    throw new Error(problem.detail ?? `the server answered ${response.status}`)
  }

  /** Changes a dashboard's file, or only says what would come out. */
  async patch(
    base: Dashboard,
    operations: readonly Operation[],
    dryRun: boolean,
  ): Promise<Patched> {
    const url = new URL(`v1/dashboards/${encodeURIComponent(base.name)}`, this.base)
    if (dryRun) url.searchParams.set('dry_run', 'true')
    const response = await this.fetch(url, {
      method: 'PATCH',
      headers: {
        ...JSON_WANTED,
        'Content-Type': 'application/json-patch+json',
        'If-Match': `"${base.version}"`,
      },
      body: JSON.stringify(operations),
    }).catch(() => undefined)
    if (response === undefined) {
      const why = 'The server can’t be reached'
      return { ok: false, status: 0, why, mistakes: [{ message: why }], diff: undefined }
    }
    const answer = (await response.json()) as Record<string, unknown>
    if (response.ok) {
      return {
        ok: true,
        writable: answer.writable !== false,
        definition: (answer.dashboard ?? base.dashboard) as DashboardDefinition,
        yaml: String(answer.yaml ?? ''),
        diff: String(answer.diff ?? ''),
      }
    }
    const why = String(answer.detail ?? `the server answered ${response.status}`)
    const mistakes = (answer.errors ?? [{ message: why }]) as readonly Mistake[]
    return {
      ok: false,
      status: response.status,
      why,
      mistakes,
      diff: answer.diff as string | undefined,
    }
  }

  /** Asks as who the reader is. */
  async fetch(
    url: URL,
    { headers = JSON_WANTED, ...init }: RequestInit & { headers?: Record<string, string> } = {},
  ): Promise<Response> {
    const own = this.identity
    const response = await fetch(url, { ...init, ...own, headers: { ...headers, ...own.headers } })
    if (response.status === 401) this.onUnknown()
    return response
  }

  async #get(url: URL): Promise<unknown> {
    const response = await this.fetch(url)
    if (!response.ok) throw new Error(`${url.pathname} answered ${response.status}`)
    return response.json()
  }
}
