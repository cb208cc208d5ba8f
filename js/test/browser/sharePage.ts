// What share.test.mjs puts into its pages: a Live, and what it has handed out.

import { Live, type Want } from '../../src/live/index.js'

const numbers: number[] = []
const types: string[] = []
const connections = new Set<AbortSignal>()

/** Notes which connections are open: one that is over is always aborted. */
const counted: typeof fetch = (input, init) => {
  const signal = init?.signal
  if (signal) {
    connections.add(signal)
    signal.addEventListener('abort', () => connections.delete(signal))
  }
  return fetch(input, init)
}

const share = {
  /** The numbers of all events, in their order. */
  numbers,
  /** The types of all events. */
  types,
  /** The connections that this tab holds itself. */
  connections,
  start(want: Want) {
    const live = new Live(
      new URL('/v1/events', location.href),
      {
        onEvent: (e) => {
          types.push(e.type)
          if (e.type === 'message') numbers.push((JSON.parse(e.data) as { data: number }).data)
        },
        onState: () => {},
      },
      { share: true, fetch: counted },
    )
    live.want(want)
  },
}

declare global {
  interface Window {
    share: typeof share
  }
}

window.share = share
