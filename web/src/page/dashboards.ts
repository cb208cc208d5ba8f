import type { API, Dashboard, DashboardInfo } from './api'
import { Value } from './value'

/** What is known of the dashboard that is open. */
export type Opened =
  | { readonly status: 'loading' }
  | { readonly status: 'missing' }
  | { readonly status: 'failed'; readonly why: string }
  | { readonly status: 'open'; readonly dashboard: Dashboard }

/** The dashboards that the server has, and the one that is open, kept up to date. */
export class Dashboards {
  readonly list = new Value<readonly DashboardInfo[]>([])
  readonly opened = new Value<Opened>({ status: 'loading' })
  readonly #api: API
  #name = ''

  constructor(api: API) {
    this.#api = api
  }

  /** Opens a dashboard; the last good version stays while the next one is read. */
  async open(name: string): Promise<void> {
    const same = name === this.#name
    this.#name = name
    if (!same) this.opened.set({ status: 'loading' })
    try {
      const dashboard = await this.#api.dashboard(name)
      if (this.#name !== name) return // another was opened meanwhile
      this.opened.set(
        dashboard === undefined ? { status: 'missing' } : { status: 'open', dashboard },
      )
    } catch (error) {
      if (this.#name !== name || (same && this.opened.get().status === 'open')) return
      this.opened.set({ status: 'failed', why: String((error as Error).message) })
    }
  }

  /** Reads all that there is again. */
  again(): Promise<void> {
    return this.refresh(this.#name || undefined)
  }

  /** Reads the list again, and the open dashboard if it is the one that changed. */
  async refresh(changed?: string): Promise<void> {
    try {
      this.list.set(await this.#api.dashboards())
    } catch {
      // The list that is there goes on being right as far as anybody knows.
    }
    if (changed !== undefined && changed === this.#name) await this.open(changed)
  }
}
