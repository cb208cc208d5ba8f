// What compare.mjs opens: one component of a library, at the address it is told, and what
// that has shown.

import { fetchEventSource } from '@microsoft/fetch-event-source'
import { RealtimeProvider, useRealtime } from '@upstash/realtime/client'
import { StrictMode, useEffect, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { useEventSource } from 'react-use-websocket'
import useSWRSubscription from 'swr/subscription'
import { useEventStream } from '../../src/react/index.js'

const parameters = new URLSearchParams(location.search)
const library = parameters.get('library') ?? ''
const url = parameters.get('url') ?? ''
const components = Number(parameters.get('components') ?? 1)
const strict = parameters.has('strict')

/** What the test looks at. */
const seen = { values: [] as number[], shown: '', error: '', renders: 0, uncaught: [] as string[] }
Object.assign(window, { seen })
window.addEventListener('error', (e) => seen.uncaught.push(e.message))
window.addEventListener('unhandledrejection', (e) => seen.uncaught.push(String(e.reason)))

/** What an app does with a value that changes: shows it, and acts on it in an effect. */
function Show({ value, error }: { value: number | undefined; error: unknown }) {
  seen.renders++
  useEffect(() => {
    seen.shown = String(value ?? '')
    seen.error = error === undefined ? '' : String(error)
    if (value !== undefined) seen.values.push(value)
  }, [value, error])
  return <p>{value}</p>
}

const LIBRARIES: Record<string, () => React.ReactNode> = {
  'by hand'() {
    const [data, setData] = useState<number>()
    const [error, setError] = useState<unknown>()
    useEffect(() => {
      const source = new EventSource(url)
      source.onmessage = (e) => setData(JSON.parse(e.data))
      source.onerror = () => setError('error')
      return () => source.close()
    }, [])
    return <Show value={data} error={error} />
  },
  'react-use-websocket'() {
    const { lastEvent } = useEventSource(url, { share: true })
    const last = lastEvent as MessageEvent<string> | null
    return <Show value={last?.data ? JSON.parse(last.data) : undefined} error={undefined} />
  },
  'fetch-event-source'() {
    const [data, setData] = useState<number>()
    const [error, setError] = useState<unknown>()
    useEffect(() => {
      const stop = new AbortController()
      fetchEventSource(url, {
        signal: stop.signal,
        onmessage: (e) => setData(JSON.parse(e.data)),
        onerror: (e) => setError(String(e)),
      }).catch((e) => setError(`given up: ${e}`))
      return () => stop.abort()
    }, [])
    return <Show value={data} error={error} />
  },
  'swr/subscription'() {
    const { data, error } = useSWRSubscription(url, (key: string, { next }) => {
      const source = new EventSource(key)
      source.onmessage = (e) => next(null, JSON.parse(e.data))
      source.onerror = () => next('error')
      return () => source.close()
    })
    return <Show value={data} error={error} />
  },
  '@upstash/realtime'() {
    const [data, setData] = useState<number>()
    const { status } = useRealtime({
      onData: (e) => setData(Number((e as { data: unknown }).data)),
    })
    return <Show value={data} error={status === 'error' ? status : undefined} />
  },
  streamgauge() {
    const { data, error } = useEventStream<number>(url)
    return <Show value={data} error={error?.kind} />
  },
  // The same, for who needs each event and not only the newest.
  'streamgauge, reduce'() {
    const { data, error } = useEventStream<number, number[]>(url, {
      reduce: (all = [], event) => [...all, event.data],
    })
    seen.values = data ?? []
    seen.error = error?.kind ?? ''
    return <p>{data?.length}</p>
  },
}

const Library = LIBRARIES[library]
if (Library === undefined) throw new Error(`there is no ${library}`)
const all = Array.from({ length: components }, (_, i) => <Library key={String(i)} />)
const page = <RealtimeProvider api={{ url }}>{all}</RealtimeProvider>
createRoot(document.body.appendChild(document.createElement('div'))).render(
  strict ? <StrictMode>{page}</StrictMode> : page,
)
