import { useEffect, useState } from 'react'
import type { StreamStatus } from '../react/store.js'
import type { StreamError } from '../stream/error.js'
import { type PartProps, rootProps } from './part.js'

/** Ms for which a cut goes unmentioned. */
const GRACE = 2000

/** What a {@link ConnectionStatus} shows. */
export type ConnectionKind = 'idle' | 'connecting' | 'live' | 'reconnecting' | 'paused' | 'offline'

const WORDS: Readonly<Record<ConnectionKind, string>> = {
  idle: 'Off',
  connecting: 'Connecting',
  live: 'Live',
  reconnecting: 'Reconnecting',
  paused: 'Paused',
  offline: 'Offline',
}

/** What {@link ConnectionStatus} takes: any hook's result can be spread into it. */
export interface ConnectionStatusProps extends PartProps {
  readonly status: StreamStatus
  readonly error?: StreamError | undefined
  /** Connects now. Without it there is no button. */
  readonly reconnect?: (() => void) | undefined
  /** Other words than Off, Connecting, Live, Reconnecting, Paused and Offline. */
  readonly words?: Partial<Record<ConnectionKind, string>>
  /** What the button says. Default "Reconnect now". */
  readonly action?: string
}

/**
 * How a connection stands, by a shape, a word and a colour. A cut of less than two seconds
 * is not mentioned. While it lasts longer there is a button to try at once, and the reason
 * is the `title`.
 *
 * @example
 * <ConnectionStatus {...useConnection()} />
 */
export function ConnectionStatus(props: ConnectionStatusProps) {
  const { status, error, reconnect, words, action = 'Reconnect now' } = props
  const kind = useKind(status)
  const isDown = kind === 'reconnecting' || kind === 'offline'
  return (
    <span {...rootProps(props)} data-sg="connection-status" data-status={kind}>
      <span role="status" data-sg="status" title={isDown ? error?.message : undefined}>
        <svg
          data-sg="shape"
          viewBox="0 0 10 10"
          width="10"
          height="10"
          fill="currentColor"
          aria-hidden="true"
        >
          <path d={SHAPES[kind]} />
        </svg>{' '}
        <span data-sg="word">{words?.[kind] ?? WORDS[kind]}</span>
      </span>
      {isDown && reconnect ? (
        <button type="button" data-sg="reconnect" onClick={reconnect}>
          {action}
        </button>
      ) : null}
    </span>
  )
}

const DISC = 'M5 1a4 4 0 1 1 0 8a4 4 0 1 1 0-8z'
const RING = 'M5 1a4 4 0 1 1-4 4h2a2 2 0 1 0 2-2z' // with a quarter missing
const SHAPES: Readonly<Record<ConnectionKind, string>> = {
  idle: 'M1 4h8v2h-8z',
  connecting: RING,
  live: DISC,
  reconnecting: RING,
  paused: 'M1.5 1h2.5v8h-2.5zM6 1h2.5v8h-2.5z',
  offline: 'M1 1h8v8h-8z',
}

/** What to show of a status, so that what is over soon is not shown. */
function useKind(status: StreamStatus): ConnectionKind {
  const [shown, show] = useState(() => kindOf(status))
  const next = follow(shown, status)
  // A page that was put away comes back with a new connection: that too is no event.
  const isDelayed = (shown === 'live' || shown === 'paused') && next === 'reconnecting'
  // In this render already, rather than in one more.
  if (next !== shown && !isDelayed) show(next)
  // The time begins with the cut: it goes on while attempt follows attempt.
  useEffect(() => {
    if (!isDelayed) return
    const timer = setTimeout(() => show('reconnecting'), GRACE)
    return () => clearTimeout(timer)
  }, [isDelayed])
  return isDelayed ? shown : next
}

function kindOf(status: StreamStatus): ConnectionKind {
  if (status === 'retrying') return 'reconnecting'
  return status === 'closed' ? 'offline' : status
}

/** Who was connected before does not begin anew with every attempt. */
function follow(shown: ConnectionKind, status: StreamStatus): ConnectionKind {
  const wasUp = shown !== 'connecting' && shown !== 'idle'
  return status === 'connecting' && wasUp ? 'reconnecting' : kindOf(status)
}
