import type { WireEvent } from '../stream/decoder.js'
import type { Rank } from '../stream/election.js'
import type { PlainState } from '../stream/plain.js'
import type { Start } from './hubConnection.js'
import type { Ticket } from './receiver.js'

/** What the leader says. Only the leader with the highest rank is heard. */
export type Word =
  /** How the connection stands; also the answer to `ask`. */
  | { readonly kind: 'state'; readonly rank: Rank; readonly state: PlainState }
  /** Delivery begins or goes on, for these versions of these tabs' tickets. */
  | {
      readonly kind: 'start'
      readonly rank: Rank
      readonly start: Start
      readonly again: boolean
      readonly served: ReadonlyMap<string, number>
      /** Who hears this, show your ticket: who doesn't is gone. */
      readonly roll: boolean
    }
  /** The connection has no room for what these tabs want. */
  | { readonly kind: 'refuse'; readonly rank: Rank; readonly tabs: readonly string[] }
  /** What follows the position `after`: who has not come so far has missed something. */
  | {
      readonly kind: 'events'
      readonly rank: Rank
      readonly after: string
      readonly events: readonly WireEvent[]
    }
  /** The leader goes; where there are no locks, `to` is the next. */
  | { readonly kind: 'resign'; readonly rank: Rank; readonly to: string | undefined }

/** What any tab says. `leader` is whom it follows. */
export type Request =
  /** Who leads? And: look whether the connection is good. */
  | { readonly kind: 'ask'; readonly leader: Rank | undefined }
  | { readonly kind: 'join'; readonly leader: Rank | undefined; readonly ticket: Ticket }
  | { readonly kind: 'leave'; readonly id: string }
  | { readonly kind: 'reconnect' }

/** What tabs say to each other. */
export type Message = Word | Request

/** What of a BroadcastChannel is used. */
export interface Channel {
  postMessage(message: Message): void
  onmessage: ((event: MessageEvent<Message>) => void) | null
  close(): void
}
