// The page of the browser tests: streams and components that they open by name, and
// what those have seen. All events are numbers.

import { StrictMode, useEffect } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import { type EventStream, openEventStream, type StreamOptions } from '../../src/index.js'
import { LiveConnection, type LiveConnectionOptions } from '../../src/live/index.js'
import {
  createLive,
  type EventStreamOptions,
  type Standing,
  useEventLog,
  useEventStream,
} from '../../src/react/index.js'

/** What a stream has brought. */
interface Seen {
  numbers: readonly number[]
  status: string
  /** What has gone wrong, as `kind` or `kind status`. */
  errors: string[]
  /** How many ms from now the next attempt begins, if one is planned. */
  retryIn: number
  /** How often its component was committed, */
  commits: number
  /** and how often of these more than once between two frames. */
  again: number
  frame: number
}

/** A component that shows a stream. */
interface Shown {
  readonly name: string
  readonly url: string
  readonly options?: EventStreamOptions<number>
  /** Without one it has all numbers: whether it has only the last, or a log beside. */
  readonly kind?: 'last' | 'log'
}

const seen: Record<string, Seen> = {}
const streams: Record<string, EventStream<number>> = {}
const sources: Record<string, EventSource> = {}
const lives: Record<string, LiveConnection> = {}
const lasts: Record<string, () => string> = {}
const connections = new Set<AbortSignal>()
let root: Root | undefined
let liveRoot: Root | undefined

// Which connections this tab holds itself: one that is over is always aborted.
const realFetch = globalThis.fetch
globalThis.fetch = (input, init) => {
  const signal = init?.signal
  if (signal && new Headers(init.headers).get('accept') === 'text/event-stream') {
    connections.add(signal)
    signal.addEventListener('abort', () => connections.delete(signal))
  }
  return realFetch(input, init)
}

function note(name: string): Seen {
  seen[name] ??= {
    numbers: [],
    status: '',
    errors: [],
    retryIn: 0,
    commits: 0,
    again: 0,
    frame: -1,
  }
  return seen[name]
}

function listen(name: string, stream: EventStream<number>): void {
  const numbers: number[] = []
  const mine = note(name)
  mine.numbers = numbers
  streams[name] = stream
  const changed = () => {
    mine.status = stream.state.status
    const error = 'error' in stream.state ? stream.state.error : undefined
    mine.retryIn = Number(error?.retryAt) - Date.now()
  }
  stream.on(({ data }) => numbers.push(data))
  stream.onState(changed)
  stream.onError(({ kind, status }) => mine.errors.push(status ? `${kind} ${status}` : kind))
  changed()
}

/** Notes what a component shows, whenever it is committed. */
function useNote(name: string, numbers: readonly number[], result: Standing): void {
  const { status, error } = result
  useEffect(() => {
    const mine = note(name)
    mine.commits++
    if (mine.frame === lab.frames) mine.again++
    mine.frame = lab.frames
    mine.numbers = numbers
    mine.status = status
    if (error) mine.errors.push(error.status ? `${error.kind} ${error.status}` : error.kind)
  })
}

const append = (all: readonly number[] = [], { data }: { data: number }) => [...all, data]

function Numbers({ name, url, options }: Shown) {
  const result = useEventStream<number, readonly number[]>(url, {
    ...(options as object),
    reduce: append,
  })
  useNote(name, result.data ?? [], result)
  return <p>{result.data?.length}</p>
}

function LastNumber({ name, url }: Shown) {
  const result = useEventStream<number>(url)
  useNote(name, result.data === undefined ? [] : [result.data], result)
  return <p>{result.data}</p>
}

function NumbersAndLog({ name, url }: Shown) {
  const { data = 0 } = useEventStream<number, number>(url, { reduce: (n = 0) => n + 1 })
  const log = useEventLog<number>(url, { limit: 5000 })
  const numbers = log.events.map((event) => event.data)
  useNote(name, numbers, log)
  return <p>{data}</p>
}

const { LiveProvider, useStream } = createLive<Record<string, number>>()

function LiveNumbers({ name, stream }: { name: string; stream: string }) {
  const result = useStream<string, readonly number[]>(stream, { reduce: append })
  lasts[name] = () => result.lastEventId
  useNote(name, result.data ?? [], result)
  return null
}

const kinds = { all: Numbers, last: LastNumber, log: NumbersAndLog }

function newRoot(): Root {
  return createRoot(document.body.appendChild(document.createElement('div')))
}

export const lab = {
  seen,
  note,
  sources,
  streams,
  frames: 0,
  /** How many times 250 ms have passed without a frame. */
  stalls: 0,
  /** How many connections this tab holds itself. */
  get connections() {
    return connections.size
  },
  /** Whether the provider's connection has begun to bring all that is wanted. */
  get begun() {
    const all = Object.values(lasts)
    return all.length > 0 && all.every((last) => last() !== '')
  },
  open(name: string, url: string, options?: StreamOptions<number>) {
    listen(name, openEventStream<number>(url, options))
  },
  /** The browser's own. */
  native(name: string, url: string) {
    const numbers: number[] = []
    note(name).numbers = numbers
    const source = new EventSource(url)
    sources[name] = source
    source.onmessage = ({ data }) => numbers.push(Number(data))
  },
  /** Opens streams, a name each, on one connection. */
  live(url: string, names: readonly string[], options?: LiveConnectionOptions) {
    lives[url] ??= new LiveConnection(url, options)
    for (const name of names) listen(name, lives[url].open<number>(name))
  },
  /** Shows these components and no others. */
  show(components: readonly Shown[]) {
    root ??= newRoot()
    const all = components.map((shown) => {
      const Component = kinds[shown.kind ?? 'all']
      return <Component key={shown.name} {...shown} />
    })
    root.render(<StrictMode>{all}</StrictMode>)
  },
  /** Shows these streams of a provider's connection and no others. */
  showLive(url: string, names: readonly string[], options: LiveConnectionOptions = {}) {
    liveRoot ??= newRoot()
    const all = names.map((name) => <LiveNumbers key={name} name={name} stream={name} />)
    liveRoot.render(
      <StrictMode>
        <LiveProvider url={url} {...options}>
          {all}
        </LiveProvider>
      </StrictMode>,
    )
  },
  /** Begins to count commits and frames. */
  count() {
    for (const mine of Object.values(seen)) Object.assign(mine, { commits: 0, again: 0 })
    let last = performance.now()
    const frame = (now: number) => {
      lab.frames++
      lab.stalls += Math.floor((now - last) / 250)
      last = now
      requestAnimationFrame(frame)
    }
    requestAnimationFrame(frame)
  },
}

declare global {
  interface Window {
    lab: typeof lab
  }
}

window.lab = lab
