import type { StreamState } from './connection.js'
import { StreamError, type StreamErrorDetails, type StreamErrorKind } from './error.js'

/** A {@link StreamState} as tabs tell it to each other: no class survives that. */
export type PlainState =
  | { readonly status: 'connecting' | 'live' | 'paused' }
  | { readonly status: 'retrying'; readonly error: PlainError; readonly since: number }
  | { readonly status: 'closed'; readonly error?: PlainError }

interface PlainError extends StreamErrorDetails {
  readonly kind: StreamErrorKind
  readonly message: string
}

/** Makes of a state what can be told to another tab. */
export function toPlain(state: StreamState): PlainState {
  if (!('error' in state) || state.error === undefined) return state as PlainState
  const { message, name: _, cause: __, ...rest } = state.error
  return { ...state, error: { ...rest, message } }
}

/** Makes a state of what another tab told. */
export function fromPlain(state: PlainState): StreamState {
  if (!('error' in state) || state.error === undefined) return state as StreamState
  const { kind, message, ...rest } = state.error
  return { ...state, error: new StreamError(kind, message, rest) }
}
