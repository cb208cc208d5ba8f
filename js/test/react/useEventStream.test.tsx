import './dom.js'
import { StrictMode, useState, version } from 'react'
import { hydrateRoot } from 'react-dom/client'
import { renderToString } from 'react-dom/server'
import { afterEach, describe, expect, it } from 'vitest'
import {
  type EventStreamOptions,
  type EventStreamResult,
  useEventStream,
} from '../../src/react/index.js'
import { says, status } from '../scripted.js'
import { stage } from '../stage.js'
import { cleanup, render } from './render.js'

const { ends, hub, newName, scripted } = await stage()

afterEach(cleanup)

const soon = (what: () => unknown) => expect.poll(what)
const frame = () => new Promise<void>((done) => requestAnimationFrame(() => done()))

const retry = { minDelay: 5, maxDelay: 40 }

/** Renders the hook. `now` is what it has given last, `renders` how often. */
function use<S = number>(
  url: string | null,
  options: EventStreamOptions<number, S, unknown> = {},
  { strict = false } = {},
) {
  const seen = { now: {} as EventStreamResult<unknown>, renders: 0, all: [] as unknown[] }
  function Card(props: { url: string | null; options: EventStreamOptions<number, S, unknown> }) {
    seen.now = useEventStream<number, S, unknown>(props.url, { retry, ...props.options })
    seen.renders++
    seen.all.push(seen.now.data)
    return <output>{JSON.stringify(seen.now.data)}</output>
  }
  const wrap = (u: string | null, o: typeof options) => {
    const card = <Card url={u} options={o} />
    return strict ? <StrictMode>{card}</StrictMode> : card
  }
  const { rerender, unmount } = render(wrap(url, options))
  const change = (u: string | null, o = options) => rerender(wrap(u, o))
  return Object.assign(seen, { change, unmount })
}

describe(`useEventStream on React ${version}`, () => {
  it('gives the latest value, by its address alone', async () => {
    const name = newName()
    function Card() {
      const { data, error } = useEventStream<{ n: number }>(hub.at(name))
      return <p>{error ? error.message : (data?.n ?? 'waiting')}</p>
    }
    const { container } = render(<Card />)
    expect(container.textContent).toBe('waiting')
    await soon(() => hub.subscribers()).toBe(1)
    await hub.publish(name, { n: 523 })
    await soon(() => container.textContent).toBe('523')
  })

  it('keeps the data when there is an error, and says what it is', async () => {
    const server = await scripted(says('data: 1\n\n'), status(503, { 'retry-after': '600' }))
    const seen = use(server.url)
    await soon(() => seen.now.data).toBe(1)
    expect(seen.now).toMatchObject({ error: undefined, status: 'live', isStale: false })
    server.cut()
    await soon(() => seen.now.error?.status).toBe(503)
    expect(seen.now).toMatchObject({ data: 1, status: 'retrying' })
    expect(seen.now.error).toMatchObject({ kind: 'http', attempt: 2 })
    expect(seen.now.error?.retryAt).toBeGreaterThan(Date.now() + 500_000)
    await soon(() => seen.now.isStale).toBe(true)
    expect(seen.now.data).toBe(1)
  }, 10_000)

  it('says nothing more of an error that is over', async () => {
    const server = await scripted(says('data: 1\n\n'), status(503), says('data: 2\n\n'))
    const seen = use(server.url)
    await soon(() => seen.now.data).toBe(1)
    server.cut()
    await soon(() => seen.now.data).toBe(2)
    expect(seen.now).toMatchObject({ error: undefined, status: 'live', isStale: false })
  })

  it('is not stale at once: a cut shorter than two seconds is none to look at', async () => {
    const server = await scripted(says('data: 1\n\n'), status(503, { 'retry-after': '1' }), says())
    const seen = use(server.url)
    await soon(() => seen.now.data).toBe(1)
    server.cut()
    await soon(() => seen.now.status).toBe('retrying')
    await soon(() => seen.now.status).toBe('live')
    expect(seen.now.isStale).toBe(false)
  }, 10_000)

  it('reduces every event, in order, however few renders there are', async () => {
    const server = await scripted(says())
    const seen = use<number[]>(server.url, {
      reduce: (all = [], event) => [...all, event.data],
    })
    await soon(() => seen.now.status).toBe('live')
    const before = seen.renders
    const numbers = Array.from({ length: 1000 }, (_, i) => i)
    server.send(numbers.map((n) => `id: ${n}\ndata: ${n}\n\n`).join(''))
    await soon(() => (seen.now.data as number[]).length).toBe(1000)
    expect(seen.now.data).toEqual(numbers)
    expect(seen.renders - before).toBeLessThan(20)
    expect(seen.now.lastEventId).toBe('999')
  })

  it('renders only when what is selected changes', async () => {
    const server = await scripted(says())
    const seen = use<number>(server.url, { select: (n: number) => n > 10 })
    await soon(() => seen.now.status).toBe('live')
    server.send('data: 1\n\n')
    await soon(() => seen.now.data).toBe(false)
    const before = seen.renders
    for (let i = 2; i <= 10; i++) {
      server.send(`data: ${i}\n\n`)
      await frame()
    }
    server.send('data: 11\n\n')
    await soon(() => seen.now.data).toBe(true)
    expect(seen.renders).toBe(before + 1)
  })

  it('selects by what it is rendered with', async () => {
    const server = await scripted(says('data: 7\n\n'))
    const times = (k: number) => ({ select: (n: number) => n * k })
    const seen = use<number>(server.url, times(1))
    await soon(() => seen.now.data).toBe(7)
    seen.change(server.url, times(10))
    expect(seen.now.data).toBe(70)
    expect(server.requests).toHaveLength(1)
  })

  it('may select what is made anew each time', async () => {
    const server = await scripted(says('data: 7\n\n'))
    const seen = use<number>(server.url, { select: (n: number) => ({ n }) })
    await soon(() => seen.now.data).toEqual({ n: 7 })
    server.send('data: 8\n\n')
    await soon(() => seen.now.data).toEqual({ n: 8 })
    expect(seen.renders).toBeLessThan(20)
  })

  it('may select of what is not a number', async () => {
    const server = await scripted(says('data: 1\n\n'))
    const seen = use<number>(server.url, {
      reduce: (sum, { data }) => Number(sum) + data,
      select: (sum) => [sum],
    })
    await soon(() => seen.now.data).toEqual([Number.NaN])
    await frame()
    expect(seen.renders).toBeLessThan(10)
  })

  it('has lost no connection where none is wanted', async () => {
    const server = await scripted(says('data: 1\n\n'), status(503, { 'retry-after': '600' }))
    const seen = use(server.url)
    await soon(() => seen.now.data).toBe(1)
    server.cut()
    await soon(() => seen.now.error?.status).toBe(503)
    seen.change(server.url, { enabled: false })
    await soon(() => seen.now).toMatchObject({ data: 1, status: 'idle', error: undefined })
  })

  it('begins with the initial data that comes with another address', async () => {
    const [a, b] = [await scripted(says()), await scripted(says())]
    const seen = use(a.url, { initialData: 1 })
    expect(seen.now.data).toBe(1)
    seen.change(b.url, { initialData: 2 })
    expect(seen.now.data).toBe(2)
  })

  it('sends the headers that it was rendered with last', async () => {
    const server = await scripted(says())
    const as = (token: string) => ({ headers: () => ({ authorization: token }) })
    const seen = use(server.url, as('a'))
    await soon(() => seen.now.status).toBe('live')
    seen.change(server.url, as('b'))
    server.cut()
    await soon(() => server.requests.map((r) => r.headers.authorization)).toEqual(['a', 'b'])
  })

  it('calls what it was rendered with last', async () => {
    const server = await scripted(says())
    const heard: string[] = []
    const onEvent = (who: string) => ({
      onEvent: (e: { data: number }) => heard.push(who + e.data),
    })
    const seen = use(server.url, onEvent('a'))
    await soon(() => seen.now.status).toBe('live')
    server.send('data: 1\n\n')
    await soon(() => heard).toEqual(['a1'])
    seen.change(server.url, onEvent('b'))
    server.send('data: 2\n\n')
    await soon(() => heard).toEqual(['a1', 'b2'])
    expect(server.requests).toHaveLength(1)
  })

  it('waits for an address, and forgets the data of another', async () => {
    const [a, b] = [await scripted(says('data: 1\n\n')), await scripted(says('data: 2\n\n'))]
    const seen = use(null, { initialData: 0 })
    expect(seen.now).toMatchObject({ data: 0, status: 'idle' })
    seen.change(a.url)
    expect(seen.now.status).toBe('connecting')
    await soon(() => seen.now.data).toBe(1)
    seen.change(b.url)
    expect(seen.now.data).toBe(0)
    await soon(() => seen.now.data).toBe(2)
    await soon(() => a.open.size).toBe(0)
  })

  it('is not connected while it is not enabled, and goes on where it was', async () => {
    const name = newName()
    const options = {
      reduce: (sum: number | undefined, e: { data: number }) => (sum ?? 0) + e.data,
    }
    const seen = use<number>(hub.at(name), options)
    await soon(() => hub.subscribers()).toBe(1)
    await hub.publish(name, 1, 2)
    await soon(() => seen.now.data).toBe(3)
    seen.change(hub.at(name), { ...options, enabled: false })
    expect(seen.now).toMatchObject({ data: 3, status: 'idle' })
    await soon(() => hub.subscribers()).toBe(0)
    await hub.publish(name, 10)
    seen.change(hub.at(name), options)
    await soon(() => seen.now.data).toBe(13)
  })

  it('makes one connection for ten components, and none for one that is gone', async () => {
    const name = newName()
    const all = Array.from({ length: 10 }, () => use(hub.at(name)))
    await soon(() => all.every((seen) => seen.now.status === 'live')).toBe(true)
    expect(await hub.subscribers()).toBe(1)
    await hub.publish(name, 5)
    await soon(() => all.map((seen) => seen.now.data)).toEqual(Array(10).fill(5))
    const late = use(hub.at(name))
    await soon(() => late.now.data).toBe(5)
    expect(await hub.subscribers()).toBe(1)
    for (const seen of [...all, late]) seen.unmount()
    await soon(() => hub.subscribers()).toBe(0)
  })

  it('makes one request in StrictMode, and reduces each event once', async () => {
    const server = await scripted(says())
    const reduce = (n: number | undefined) => (n ?? 0) + 1
    const seen = use<number>(server.url, { reduce }, { strict: true })
    await soon(() => seen.now.status).toBe('live')
    server.send('data: 0\n\ndata: 0\n\n')
    await soon(() => seen.now.data).toBe(2)
    expect(server.requests).toHaveLength(1)
  })

  it('forgets what it made of another log, when the next event comes', async () => {
    const server = await scripted(says('id: a-1\ndata: 5\n\n'))
    const seen = use<number>(server.url, {
      initialData: 100,
      reduce: (sum = 0, e) => sum + e.data,
    })
    await soon(() => seen.now.data).toBe(105)
    server.send('id: b-0\nevent: hub.gap\ndata: {"stream":null,"lost":null,"reason":"epoch"}\n\n')
    await soon(() => seen.now.error?.kind).toBe('gap')
    expect(seen.now.data).toBe(105)
    server.send('id: b-1\ndata: 1\n\n')
    await soon(() => seen.now.data).toBe(101)
    expect(seen.now.error?.kind).toBe('gap')
    seen.now.reconnect()
    await soon(() => seen.now.error).toBe(undefined)
  })

  it('forgets a gap when a newer value is there, as that is what was asked for', async () => {
    const server = await scripted(says('data: 1\n\n'))
    const seen = use(server.url)
    await soon(() => seen.now.data).toBe(1)
    server.send('event: hub.gap\ndata: {"stream":"n","lost":3,"reason":"evicted"}\n\n')
    await soon(() => seen.now.error?.gap?.lost).toBe(3)
    expect(seen.now.data).toBe(1)
    server.send('data: 2\n\n')
    await soon(() => seen.now.data).toBe(2)
    expect(seen.now.error).toBe(undefined)
  })

  it('renders on the server what it was given, and hydrates without a difference', async () => {
    const name = newName()
    const Card = () => {
      const { data, status } = useEventStream(hub.at(name), { initialData: 41 })
      return (
        <p>
          {String(data)} {status}
        </p>
      )
    }
    const html = renderToString(<Card />)
    expect(html).toContain('41')
    expect(await hub.subscribers()).toBe(0)
    const root = document.createElement('div')
    document.body.append(root)
    root.innerHTML = html
    const errors: unknown[] = []
    const { error } = console
    console.error = (...all: unknown[]) => errors.push(all)
    const onRecoverableError = (e: unknown) => errors.push(e)
    const hydrated = hydrateRoot(root, <Card />, { onRecoverableError })
    ends.push(() => hydrated.unmount())
    await soon(() => hub.subscribers()).toBe(1)
    await hub.publish(name, 42)
    await soon(() => root.textContent).toBe('42 live')
    console.error = error
    expect(errors).toEqual([])
  })

  it('is throttled to every so many ms, and leaves nothing out', async () => {
    const server = await scripted(says())
    const seen = use<number>(server.url, { throttle: 300, reduce: (n = 0) => n + 1 })
    await soon(() => seen.now.status).toBe('live')
    const before = seen.renders
    const began = Date.now()
    for (let i = 0; i < 30; i++) {
      server.send('data: 1\n\n')
      await frame()
    }
    await soon(() => seen.now.data).toBe(30)
    expect(seen.renders - before).toBeLessThanOrEqual((Date.now() - began) / 300 + 2)
  })

  it('renders in a page whose frames stand still', async () => {
    const server = await scripted(says('data: 1\n\n'))
    const { requestAnimationFrame } = globalThis
    globalThis.requestAnimationFrame = () => 0
    ends.push(() => {
      globalThis.requestAnimationFrame = requestAnimationFrame
    })
    const seen = use(server.url)
    await soon(() => seen.now.data).toBe(1)
  })

  it('renders with the next frame again after one that never came', async () => {
    const server = await scripted(says('data: 1\n\n'))
    const { requestAnimationFrame } = globalThis
    globalThis.requestAnimationFrame = () => 0
    const seen = use(server.url)
    await soon(() => seen.now.data).toBe(1)
    globalThis.requestAnimationFrame = requestAnimationFrame
    for (const data of [2, 3]) {
      const before = Date.now()
      server.send(`data: ${data}\n\n`)
      await expect.poll(() => seen.now.data, { interval: 5 }).toBe(data)
      expect(Date.now() - before).toBeLessThan(200)
    }
  })

  it('keeps its own state apart from that of who comes and goes beside it', async () => {
    const name = newName()
    await hub.publish(name, 1, 2, 3)
    const reduce = (all: number[] | undefined, e: { data: number }) => [...(all ?? []), e.data]
    function Page() {
      const [more, setMore] = useState(false)
      return (
        <>
          <Sum id="first" />
          {more && <Sum id="second" />}
          <button type="button" onClick={() => setMore(!more)}>
            more
          </button>
        </>
      )
    }
    function Sum({ id }: { id: string }) {
      const { data } = useEventStream<number, number[]>(hub.at(name, 'last=2'), { reduce })
      return <p id={id}>{data?.join()}</p>
    }
    const { container } = render(<Page />)
    const text = (id: string) => container.querySelector(`#${id}`)?.textContent
    await soon(() => text('first')).toBe('2,3')
    await hub.publish(name, 4)
    await soon(() => text('first')).toBe('2,3,4')
    container.querySelector('button')?.click()
    await soon(() => text('second')).toBe('3,4')
    await soon(() => hub.subscribers()).toBe(1)
    await hub.publish(name, 5)
    await soon(() => text('second')).toBe('3,4,5')
    expect(text('first')).toBe('2,3,4,5')
  })
})
