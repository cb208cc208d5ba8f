import { useEffect, useState } from 'react'
import type { StreamState } from 'streamgauge'
import type { Mode } from '../time/timeline'
import { useSession } from './session'
import { useValue } from './value'

/** What the pill says; shape and colour follow from the kind. */
interface Said {
  readonly kind: 'live' | 'waiting' | 'offline' | 'paused' | 'replay'
  readonly word: string
  readonly why?: string
}

/** What a state alone does not tell. */
interface Circumstances {
  readonly mode: Mode
  readonly degraded: boolean
  /** Whether the reader has to sign in again. */
  readonly ended?: boolean
}

/** A connection that comes back within this time, in ms, was merely renewed. */
const GRACE = 1000

/** Down for longer than this, in ms, the page is offline. */
const OFFLINE_AFTER = 30_000

/** Where the connection stands, by shape and word. */
export function ConnectionPill() {
  const session = useSession()
  const state = useValue(session.connection)
  const degraded = useValue(session.degraded)
  const ended = useValue(session.access.ended)
  const mode = useValue(session.timeline.mode)
  useRenderAt(nextChange(state))
  const { kind, word, why } = say(state, { mode, degraded, ended }, Date.now())
  return (
    <>
      <span
        className="pill"
        role="status"
        data-state={kind}
        data-ended={ended || undefined}
        title={why}
      >
        <svg viewBox="0 0 10 10" aria-hidden="true">
          <path d={SHAPES[kind]} />
        </svg>
        {word}
      </span>
      {kind === 'offline' && !ended ? (
        <button type="button" onClick={() => session.reconnect()}>
          Try now
        </button>
      ) : null}
    </>
  )
}

const SHAPES = {
  live: 'M5 1a4 4 0 1 1 0 8a4 4 0 1 1 0-8z', // a disc
  waiting: 'M5 1a4 4 0 1 1-4 4h2.2a1.8 1.8 0 1 0 1.8-1.8z', // an open ring
  offline: 'M1 1h8v8h-8z', // a square
  replay: 'M5 1v3.2L9 1v8L5 5.8V9L1 5z', // two triangles to the left
  paused: 'M1.5 1h2.5v8h-2.5zM6 1h2.5v8h-2.5z', // two bars
}

/** What to say of a state at a time. */
export function say(
  state: StreamState,
  { mode, degraded, ended }: Circumstances,
  now: number,
): Said {
  if (ended) return { kind: 'offline', word: 'Signed out' }
  switch (state.status) {
    case 'connecting':
    case 'paused':
      return { kind: 'waiting', word: 'Connecting' }
    case 'live':
      if (mode.kind === 'paused') return { kind: 'paused', word: 'Paused' }
      if (mode.kind === 'replay') return { kind: 'replay', word: `Replay ${mode.speed}×` }
      if (degraded)
        return { kind: 'waiting', word: 'Degraded', why: 'the server waits for its log' }
      return { kind: 'live', word: 'Live' }
    case 'closed':
      return { kind: 'offline', word: 'Offline', why: state.error?.message ?? '' }
    case 'retrying': {
      const down = now - state.since
      const why = state.error.message
      if (down < GRACE && state.error.kind === 'closed') return { kind: 'live', word: 'Live' }
      if (down < OFFLINE_AFTER) return { kind: 'waiting', word: 'Reconnecting', why }
      const since = new Date(state.since).toTimeString().slice(0, 5)
      return { kind: 'offline', word: `Offline since ${since}`, why }
    }
  }
}

function nextChange(state: StreamState): number | undefined {
  if (state.status !== 'retrying') return undefined
  const down = Date.now() - state.since
  const at = down < GRACE ? GRACE : OFFLINE_AFTER
  return down < OFFLINE_AFTER ? state.since + at : undefined
}

function useRenderAt(at: number | undefined): void {
  const [, render] = useState(0)
  useEffect(() => {
    if (at === undefined) return
    const timer = setTimeout(() => render((n) => n + 1), Math.max(0, at - Date.now()) + 1)
    return () => clearTimeout(timer)
  }, [at])
}
