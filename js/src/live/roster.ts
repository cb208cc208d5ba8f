import { isOlder } from '../stream/position.js'
import type { Ticket } from './receiver.js'
import { fits, NOTHING, union, type Want } from './want.js'

/** Ms within which a tab that is there has surely answered a roll call. */
const ROLL = 30_000

interface Entry {
  readonly ticket: Ticket
  /** Whether it was shown to the present leader, and not only to one before. */
  readonly current: boolean
  readonly heard: number
}

/** What it takes to serve all tabs. */
export interface Plan {
  /** Whether any tab is not served yet. */
  readonly pending: boolean
  readonly want: Want
  /** Ms of history that is to be fetched. */
  readonly history: number
  /** Where to begin at the latest, as far as is known. */
  readonly resume: string
  /** The tabs for which one request has no room. */
  readonly refused: readonly string[]
}

/**
 * The tabs that share a connection, and what they want. Every tab keeps one, so that
 * any can lead; only the leader's says who is served.
 */
export class Roster {
  readonly #self: string
  readonly #tabs = new Map<string, Entry>()
  #served = new Map<string, number>()
  #called = 0

  /** @param self the id of the tab whose roster it is */
  constructor(self: string) {
    this.#self = self
  }

  /** The ids of all tabs but this one, by length of stay. */
  get others(): string[] {
    return [...this.#tabs.keys()].filter((id) => id !== this.#self)
  }

  /** The versions of the tickets that are served. */
  get served(): ReadonlyMap<string, number> {
    return this.#served
  }

  /** What is wanted by all for whom there is room. */
  get want(): Want {
    return this.#share().want
  }

  /** Notes a ticket. Returns whether its tab has to be served. */
  admit(ticket: Ticket): boolean {
    const { id, version } = ticket
    this.#tabs.set(id, { ticket, current: true, heard: Date.now() })
    return this.#served.get(id) !== version
  }

  dismiss(id: string): void {
    this.#tabs.delete(id)
    this.#served.delete(id)
  }

  clear(): void {
    this.#tabs.clear()
    this.unserve()
  }

  /** What has to be done where delivery has come to the position. */
  plan(position: string): Plan {
    const { want, refused } = this.#share()
    let history = 0
    let resume = ''
    let pending = false
    const begin = (at: string) => {
      if (at !== '' && (resume === '' || isOlder(at, resume))) resume = at
    }
    for (const [id, { ticket, current }] of this.#tabs) {
      if (!current || refused.includes(id)) continue
      if (this.#served.get(id) === ticket.version) {
        begin(position)
        continue
      }
      pending = true
      if (ticket.resume !== '') begin(ticket.resume)
      else history = Math.max(history, ticket.want.since)
    }
    return { pending, want, history, resume, refused }
  }

  /** All that there is room for, and whose tickets are not out of date, are served
   * from now on. */
  serve(): void {
    const { refused } = this.#share()
    const entries = [...this.#tabs].filter(([id, e]) => e.current && !refused.includes(id))
    this.#served = new Map(entries.map(([id, { ticket }]) => [id, ticket.version]))
  }

  /** Nobody is served any more. All will show their tickets to the next leader; until
   * then these only tell what will be wanted. */
  unserve(): void {
    this.#served = new Map()
    for (const [id, entry] of this.#tabs) this.#tabs.set(id, { ...entry, current: false })
  }

  /** Whether it is time to call the roll. Who did not answer the last call is gone,
   * without having said so: its tab has crashed. */
  call(): boolean {
    const now = Date.now()
    if (now - this.#called < ROLL) return false
    for (const [id, { heard }] of this.#tabs) {
      if (id !== this.#self && heard < this.#called) this.dismiss(id)
    }
    this.#called = now
    return true
  }

  /** This tab comes first: its request has to be answered with what it wants. */
  #share(): { want: Want; refused: string[] } {
    let want = this.#tabs.get(this.#self)?.ticket.want ?? NOTHING
    const refused: string[] = []
    for (const [id, { ticket }] of this.#tabs) {
      const more = union(want, ticket.want)
      if (id === this.#self || fits(more)) want = more
      else refused.push(id)
    }
    return { want, refused }
  }
}
