import { isNewer } from 'streamgauge/live'

/** More streams than this are not remembered: what they repeat is shown again. */
const MAX = 20_000

/** Remembers how far each stream has been seen, so that a history that comes again
 * after a change of connection is not shown twice. */
export class Seen {
  readonly #newest = new Map<string, string>()

  /** Whether an event of the stream with that position is new; notes it if so.
   * What has no position always is. */
  isNew(stream: string, id: string | undefined): boolean {
    if (id === undefined) return true
    const newest = this.#newest.get(stream)
    if (newest !== undefined && !isNewer(id, newest)) return false
    if (newest !== undefined || this.#newest.size < MAX) this.#newest.set(stream, id)
    return true
  }
}
