// The page of hook.mjs: a value and a log of the same events, by our hooks and by hand.

import { useEffect, useState } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import { useEventLog, useEventStream } from '../src/react/index.js'

const LIMIT = 1000

const bench = {
  commits: 0,
  frames: 0,
  /** How many times 250 ms have passed without a frame. */
  stalls: 0,
  events: 0,
  live: false,
  show,
}

function useCount(events: number, live: boolean): void {
  useEffect(() => {
    bench.commits++
    bench.events = events
    bench.live = live
  })
}

function Ours({ url }: { url: string }) {
  const { data = 0, status } = useEventStream<number, number>(url, { reduce: (n = 0) => n + 1 })
  const { events } = useEventLog<number>(url, { limit: LIMIT })
  useCount(data, status === 'live')
  return <Numbers count={data} last={events.at(-1)?.data} kept={events.length} />
}

/** What is written where nothing is at hand: a state that is set for every event. */
function ByHand({ url }: { url: string }) {
  const [count, setCount] = useState(0)
  const [events, setEvents] = useState<readonly number[]>([])
  const [live, setLive] = useState(false)
  useEffect(() => {
    const source = new EventSource(url)
    source.onopen = () => setLive(true)
    source.onmessage = ({ data }) => {
      const value = JSON.parse(data) as number
      setCount((n) => n + 1)
      setEvents((all) => [...all, value].slice(-LIMIT))
    }
    return () => source.close()
  }, [url])
  useCount(count, live)
  return <Numbers count={count} last={events.at(-1)} kept={events.length} />
}

function Numbers({ count, last, kept }: { count: number; last: number | undefined; kept: number }) {
  return (
    <p>
      {count} events, the last is {last}, {kept} are kept
    </p>
  )
}

let root: Root | undefined

function show(which: 'ours' | 'byHand', url: string): void {
  root ??= createRoot(document.body.appendChild(document.createElement('div')))
  root.render(which === 'ours' ? <Ours url={url} /> : <ByHand url={url} />)
}

let last = performance.now()
function frame(now: number): void {
  bench.frames++
  bench.stalls += Math.floor((now - last) / 250)
  last = now
  requestAnimationFrame(frame)
}
requestAnimationFrame(frame)

declare global {
  interface Window {
    bench: typeof bench
  }
}

window.bench = bench
