import { pool, type Shared } from './shared.js'
import type { Listener, Subscription } from './subscription.js'

/**
 * Lets a stream that came later, and has a connection of its own for it, be one of those
 * that share a connection as soon as both have come as far. Until then, and if this is
 * never loaded, it goes on alone.
 *
 * @param own the connection that nobody else has
 * @param key what those who share a connection have in common
 */
export function merge<T>(stream: Subscription<T>, own: Shared, key: string): void {
  if (!own.seats.has(stream)) return // it was closed meanwhile
  const shared = pool.get(key)
  if (shared === undefined) {
    own.name(key) // the others have gone
    return
  }
  if (shared.state.status === 'closed') shared.reconnect()
  const check = () => {
    const here = own.lastEventId
    if (own.seats.has(stream)) {
      const isLevel = here !== '' && here === shared.lastEventId
      if (!isLevel || shared.state.status !== 'live') return
      const { status } = stream.state
      own.leave(stream)
      stream.source = shared
      shared.seats.add(stream)
      if (status !== 'live') stream.changed(shared.state)
    }
    forget()
    own.leave(guest)
    shared.leave(guest)
  }
  // Hears of both, and keeps the others' connection for whom it is to join.
  const guest: Listener = { held: undefined, receive: check, changed: check, failed() {} }
  const forget = stream.onState(check) // also that it is closed
  own.seats.add(guest)
  shared.seats.add(guest)
  check()
}
