import './dom.js'
import { StrictMode, useEffect, version } from 'react'
import { renderToString } from 'react-dom/server'
import { afterEach, describe, expect, it } from 'vitest'
import {
  createLive,
  type EventLogOptions,
  type EventLogResult,
  type EventSeriesResult,
  useEventLog,
  useEventSeries,
} from '../../src/react/index.js'
import { Hub } from '../hub.js'
import { says } from '../scripted.js'
import { stage, upTo } from '../stage.js'
import { cleanup, render } from './render.js'

const { ends, hub, newName, scripted } = await stage()

afterEach(cleanup)

const soon = (what: () => unknown) => expect.poll(what)
const frame = () => new Promise<void>((done) => requestAnimationFrame(() => done()))

describe(`useEventLog on React ${version}`, () => {
  function use(url: string, options: EventLogOptions<number> = {}) {
    const seen = { now: {} as EventLogResult<number>, renders: 0 }
    function Log(props: { options: EventLogOptions<number> }) {
      seen.now = useEventLog<number>(url, props.options)
      seen.renders++
      return null
    }
    const { rerender } = render(<Log options={options} />)
    const data = () => seen.now.events.map((e) => e.data)
    return Object.assign(seen, {
      data,
      change: (o: typeof options) => rerender(<Log options={o} />),
    })
  }

  it('has the last events, each with a number of its own, and every one of them', async () => {
    const name = newName()
    await hub.publish(name, ...upTo(20))
    const seen = use(hub.at(name, 'last=10'), { limit: 15 })
    await soon(seen.data).toEqual(upTo(20, 11))
    await hub.publish(name, ...upTo(2000, 21))
    await soon(seen.data).toEqual(upTo(2000, 1986))
    const seqs = seen.now.events.map((e) => e.seq)
    expect(seqs).toEqual(seqs.map((_, i) => Number(seqs[0]) + i))
    expect(seen.now.error).toBe(undefined)
  })

  it('shows nothing new while it is paused, and all of it afterwards', async () => {
    const server = await scripted(says('data: 1\n\n'))
    const seen = use(server.url)
    await soon(seen.data).toEqual([1])
    seen.now.pause()
    await soon(() => seen.now.paused).toBe(true)
    server.send('data: 2\n\ndata: 3\n\n')
    await soon(() => seen.now.pending).toBe(2)
    expect(seen.data()).toEqual([1])
    seen.change({ filter: (e) => e.data > 2 })
    expect(seen.now.pending).toBe(1)
    seen.change({})
    seen.now.resume()
    await soon(seen.data).toEqual([1, 2, 3])
    expect(seen.now).toMatchObject({ paused: false, pending: 0 })
  })

  it('shows what passes its filter, of what was before too', async () => {
    const server = await scripted(says('data: 1\n\ndata: 2\n\ndata: 3\n\n'))
    const seen = use(server.url)
    await soon(() => seen.data().length).toBe(3)
    seen.change({ filter: (e) => e.data % 2 === 1 })
    expect(seen.data()).toEqual([1, 3])
    server.send('data: 4\n\ndata: 5\n\n')
    await soon(seen.data).toEqual([1, 3, 5])
    seen.change({})
    expect(seen.data()).toEqual(upTo(5))
  })

  it('begins with what the server rendered, and forgets all when it is cleared', async () => {
    const server = await scripted(says('id: 1\ndata: 3\n\n'))
    const seen = use(server.url, { initialData: [1, 2] })
    expect(seen.data()).toEqual([1, 2])
    await soon(seen.data).toEqual([1, 2, 3])
    server.send('event: hub.gap\ndata: {"stream":"n","lost":3,"reason":"overflow"}\n\n')
    await soon(() => seen.now.error?.gap?.lost).toBe(3)
    server.send('data: 7\n\n')
    await soon(seen.data).toEqual([1, 2, 3, 7])
    expect(seen.now.error?.kind).toBe('gap') // it is still missing
    seen.now.clear()
    await soon(seen.data).toEqual([])
    expect(seen.now.error).toBe(undefined)
    server.send('data: 8\n\n')
    await soon(seen.data).toEqual([8])
  })
})

describe(`useEventLog while it is not enabled, on React ${version}`, () => {
  it('keeps a gap until it is cleared', async () => {
    const server = await scripted(says('event: hub.gap\ndata: {"lost":2,"reason":"evicted"}\n\n'))
    const seen = { now: {} as EventLogResult<number> }
    function Log({ enabled }: { enabled: boolean }) {
      seen.now = useEventLog<number>(server.url, { enabled })
      return null
    }
    const { rerender } = render(<Log enabled />)
    await soon(() => seen.now.error?.gap?.lost).toBe(2)
    rerender(<Log enabled={false} />)
    expect(seen.now.error?.gap?.lost).toBe(2)
    seen.now.clear()
    await soon(() => seen.now.error).toBe(undefined)
  })

  it('is paused and cleared all the same', async () => {
    const server = await scripted(says('data: 1\n\n'))
    const seen = { now: {} as EventLogResult<number> }
    function Log({ enabled }: { enabled: boolean }) {
      seen.now = useEventLog<number>(server.url, { enabled })
      return null
    }
    const { rerender } = render(<Log enabled />)
    await soon(() => seen.now.events.length).toBe(1)
    rerender(<Log enabled={false} />)
    seen.now.pause()
    await soon(() => seen.now.paused).toBe(true)
    seen.now.clear()
    await soon(() => seen.now.events.length).toBe(0)
  })
})

describe(`useEventSeries on React ${version}`, () => {
  it('has columns of the last points, and renders nothing for them', async () => {
    const server = await scripted(says(''))
    const seen = { renders: 0, calls: 0, now: {} as EventSeriesResult }
    function Chart() {
      const series = useEventSeries<{ t: number; a?: number }>(server.url, {
        points: 4,
        x: (e) => e.data.t,
        y: { a: (d) => d.a, b: (d) => -d.t },
      })
      seen.renders++
      seen.now = series
      const { subscribe } = series
      useEffect(() => subscribe(() => seen.calls++), [subscribe])
      return null
    }
    render(
      <StrictMode>
        <Chart />
      </StrictMode>,
    )
    await soon(() => seen.now.status).toBe('live')
    const before = seen.renders
    for (const t of upTo(30)) {
      server.send(`data: {"t":${t}${t === 29 ? '' : `,"a":${t * 10}`}}\n\n`)
      if (t % 10 === 0) await frame()
    }
    const columns = () => seen.now.columns().map((c) => [...c])
    await soon(columns).toEqual([
      [27, 28, 29, 30],
      [270, 280, Number.NaN, 300],
      [-27, -28, -29, -30],
    ])
    expect(seen.renders).toBe(before)
    expect(seen.calls).toBeGreaterThan(0)
    expect(seen.calls).toBeLessThan(30)
  })
})

describe(`createLive on React ${version}`, () => {
  interface Streams {
    'a.n': number
    'a.m': { m: number }
    'a.>': unknown
  }

  it('brings typed streams by one connection, and says how that stands', async () => {
    const own = await Hub.start()
    ends.push(() => own.close())
    const { LiveProvider, useStream, useStreamLog, useConnection } = createLive<Streams>()
    await own.publish('a.n', 1, 2, 3)
    function Page() {
      const n = useStream('a.n', {
        reduce: (sum: number | undefined, e) => (sum ?? 0) + e.data,
        last: 2,
      })
      const m = useStream('a.m', { select: (d) => d.m, initialData: { m: 7 } })
      const all = useStreamLog('a.>', { last: 10 })
      const { status } = useConnection()
      const { events } = all
      return <p>{`${n.data} ${m.data} ${events.length} ${status}`}</p>
    }
    const { container } = render(
      <StrictMode>
        <LiveProvider url={`${own.url}/v1/events`}>
          <Page />
        </LiveProvider>
      </StrictMode>,
    )
    await soon(() => container.textContent).toBe('5 7 3 live')
    await own.publish('a.m', { m: 8 })
    await own.publish('a.n', 10)
    await soon(() => container.textContent).toBe('15 8 5 live')
    expect(await own.subscribers()).toBe(1)
    cleanup()
    await soon(() => own.subscribers()).toBe(0)
  })

  it('has columns too', async () => {
    const name = newName()
    const { LiveProvider, useStreamSeries } = createLive<Record<string, number>>()
    const seen = { now: {} as EventSeriesResult }
    function Chart() {
      seen.now = useStreamSeries(name, {
        last: 3,
        points: 10,
        x: (e) => Number(e.id.split('-')[1]),
        y: { n: (n) => n },
      })
      return null
    }
    await hub.publish(name, ...upTo(5))
    render(
      <LiveProvider url={`${hub.url}/v1/events`}>
        <Chart />
      </LiveProvider>,
    )
    await soon(() => [...(seen.now.columns()[1] ?? [])]).toEqual([3, 4, 5])
    await hub.publish(name, 6)
    await soon(() => [...(seen.now.columns()[1] ?? [])]).toEqual([3, 4, 5, 6])
  })

  it('goes on with what the server has rendered, from its cursor', async () => {
    const name = newName()
    await hub.publish(name, 1, 2)
    const page = await fetch(`${hub.url}/v1/events?stream=${name}&last=10`, {
      headers: { accept: 'application/json' },
    })
    const { events, cursor } = (await page.json()) as { events: { data: number }[]; cursor: string }
    await hub.publish(name, 3)
    const { LiveProvider, useStreamLog } = createLive<Record<string, number>>()
    let seen: number[] = []
    function Log() {
      const initialData = events.map((e) => e.data)
      const log = useStreamLog(name, { initialData, lastEventId: cursor })
      seen = log.events.map((e) => e.data)
      return null
    }
    render(
      <LiveProvider url={`${hub.url}/v1/events`}>
        <Log />
      </LiveProvider>,
    )
    expect(seen).toEqual([1, 2])
    await soon(() => seen).toEqual([1, 2, 3])
    await hub.publish(name, 4)
    await soon(() => seen).toEqual([1, 2, 3, 4])
  })

  it('says that there is no provider', () => {
    const { useStream } = createLive<Streams>()
    const Alone = () => <p>{useStream('a.n').data}</p>
    expect(() => renderToString(<Alone />)).toThrow(/no <LiveProvider>/)
  })
})
