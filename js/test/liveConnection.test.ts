import { afterEach, describe, expect, it } from 'vitest'
import type { StreamError } from '../src/index.js'
import { LiveConnection, type LiveEvent, type LiveStreamOptions } from '../src/live/index.js'
import { Hub } from './hub.js'
import { Scripted, says } from './scripted.js'
import { stage, upTo } from './stage.js'

const { ends, hub, newName } = await stage()
const requests: string[] = []

afterEach(() => {
  requests.length = 0
})

/** Connects, and notes what is asked for. */
function connect(at = hub, options = {}) {
  const live = new LiveConnection(`${at.url}/v1/events`, {
    retry: { minDelay: 5, maxDelay: 40 },
    fetch: (url, init) => {
      const { accept = 'none' } = Object.fromEntries(new Headers(init?.headers))
      requests.push(`${accept} ${decodeURIComponent(String(url).split('?')[1] ?? '')}`)
      return fetch(url, init)
    },
    ...options,
  })
  return live
}

function open(live: LiveConnection, stream: string, options: LiveStreamOptions<number> = {}) {
  const opened = live.open<number>(stream, options)
  ends.push(() => opened.close())
  const data: number[] = []
  const events: LiveEvent<number>[] = []
  const errors: StreamError[] = []
  opened.on((event) => {
    data.push(event.data)
    events.push(event as LiveEvent<number>)
  })
  opened.onError((error) => errors.push(error))
  return { stream: opened, data, events, errors }
}

const subscriptions = () => requests.filter((r) => r.startsWith('text/event-stream'))

describe('a live connection', () => {
  it('brings many streams, each to whom it is for', async () => {
    const name = newName()
    const live = connect()
    const a = open(live, `${name}.a`)
    const b = open(live, `${name}.b`)
    const all = open(live, `${name}.>`)
    const some = open(live, `${name}.> where data > 2`)
    await expect.poll(() => live.state.status).toBe('live')
    await expect.poll(() => hub.subscribers()).toBe(1)
    await hub.publish(`${name}.a`, 1, 3)
    const id = await hub.publish(`${name}.b`, 2)
    await expect.poll(() => all.data).toEqual([1, 3, 2])
    expect([a.data, b.data, some.data]).toEqual([[1, 3], [2], [3]])
    expect(b.events[0]).toMatchObject({ stream: `${name}.b`, id, type: 'message', data: 2 })
    expect(Date.parse(b.events[0]?.time ?? '')).toBeGreaterThan(Date.now() - 10_000)
    expect(subscriptions()).toHaveLength(1)
  })

  it('brings a further stream without loss or repetition for the others', async () => {
    const name = newName()
    const live = connect()
    const first = open(live, `${name}.0`, { last: 1 })
    let n = 0
    let publishing = true
    const publisher = (async () => {
      while (publishing) await hub.publish(`${name}.${n % 10}`, ++n)
    })()
    const others = []
    for (let i = 1; i < 10; i++) {
      await expect.poll(() => first.data.length).toBeGreaterThan(i)
      others.push(open(live, `${name}.${i}`, { last: 3 }))
      if (i === 5) live.reconnect()
    }
    const last = others.at(-1)
    await expect.poll(() => last?.data.length).toBeGreaterThan(5)
    publishing = false
    await publisher
    await hub.publish(`${name}.0`, -1)
    await expect.poll(() => first.data.at(-1)).toBe(-1)
    for (const { data } of [first, ...others]) {
      const numbers = data.filter((d) => d > 0)
      expect(numbers).toEqual(numbers.map((_, i) => Number(numbers[0]) + 10 * i))
      expect(numbers.at(-1)).toBeGreaterThan(n - 10)
    }
    expect(await hub.subscribers()).toBe(1)
    for (const other of others) expect(other.data.length).toBeGreaterThanOrEqual(3)
  })

  it('gives what was before: the last, since then, or after a cursor', async () => {
    const name = newName()
    const cursor = await hub.publish(name, ...upTo(1500))
    await hub.publish(name, ...upTo(2500, 1501))
    const live = connect()
    const last = open(live, name, { last: 5 })
    const since = open(live, name, { since: 60_000 })
    const after = open(live, name, { lastEventId: cursor })
    const none = open(live, name)
    await expect.poll(() => since.data.length).toBe(2500)
    await expect.poll(() => after.data.length).toBe(1000)
    await expect.poll(() => last.data).toEqual(upTo(2500, 2496))
    const late = open(live, name, { last: 2 })
    await expect.poll(() => late.data).toEqual([2499, 2500])
    await hub.publish(name, 2501)
    await expect.poll(() => none.data).toEqual([2501])
    await expect.poll(() => late.data).toEqual([2499, 2500, 2501])
    expect(since.data).toEqual(upTo(2501))
    expect(after.data).toEqual(upTo(2501, 1501))
    expect(last.data).toEqual(upTo(2501, 2496))
    expect(subscriptions()).toHaveLength(1)
  })

  it('lets go of a stream that nobody wants, and of the connection in the end', async () => {
    const name = newName()
    const live = connect()
    const a = open(live, `${name}.a`)
    const b = open(live, `${name}.b`)
    await expect.poll(() => live.state.status).toBe('live')
    b.stream.close()
    await expect.poll(() => subscriptions().length).toBe(2)
    expect(subscriptions()[1]).not.toContain(`${name}.b`)
    await expect.poll(() => live.state.status).toBe('live')
    await hub.publish(`${name}.a`, 1)
    await expect.poll(() => a.data).toEqual([1])
    a.stream.close()
    await expect.poll(() => hub.subscribers()).toBe(0)
    const again = open(live, `${name}.a`)
    await expect.poll(() => live.state.status).toBe('live')
    await hub.publish(`${name}.a`, 2)
    await expect.poll(() => again.data).toEqual([2])
  })

  it('tells each of its own gaps, and all of another log', async () => {
    const small = await Hub.start({ keep: 3 })
    ends.push(() => small.close())
    const name = newName()
    const live = connect(small)
    const cursor = await small.publish(`${name}.a`, 1)
    await small.publish(`${name}.b`, 1)
    const a = open(live, `${name}.a`, { lastEventId: cursor })
    const b = open(live, `${name}.b`, { last: 1 })
    await expect.poll(() => live.state.status).toBe('live')
    await expect.poll(() => b.data).toEqual([1])
    const held = live.lastEventId
    live.open(newName()).close()
    a.stream.close()
    await small.publish(`${name}.a`, ...upTo(8, 2))
    const again = open(live, `${name}.a`, { lastEventId: held })
    await expect.poll(() => again.data).toEqual([6, 7, 8])
    expect(again.errors.map((e) => e.gap?.lost)).toEqual([4])
    expect(b.errors).toEqual([])
  })

  it('goes on over a restart of the hub', async () => {
    const own = await Hub.start()
    ends.push(() => own.close())
    const live = connect(own)
    const { data, errors } = open(live, 'n', { last: 10 })
    await own.publish('n', 1, 2)
    await expect.poll(() => data).toEqual([1, 2])
    await own.server.stop('SIGKILL')
    await expect.poll(() => live.state.status).toBe('retrying')
    await own.server.run()
    await own.publish('n', 3)
    await expect.poll(() => data, { timeout: 15_000 }).toEqual([1, 2, 3])
    expect(errors.every((e) => e.kind !== 'gap')).toBe(true)
  }, 20_000)

  it('reads what was before again when that failed, and loses nothing', async () => {
    const name = newName()
    const at = await hub.publish(name, 1)
    await hub.publish(name, 2, 3)
    const refused = [503, 401]
    let tokens = 0
    const live = connect(hub, {
      headers: () => ({ 'x-token': String(++tokens) }),
      fetch: async (url: string, init: RequestInit) => {
        const isPage = new Headers(init.headers).get('accept') === 'application/json'
        const code = isPage ? refused.pop() : undefined
        return code === undefined ? fetch(url, init) : new Response('', { status: code })
      },
    })
    const { data, errors } = open(live, name, { lastEventId: at })
    await expect.poll(() => live.state.status).toBe('live')
    await hub.publish(name, 4)
    await expect.poll(() => data).toEqual([2, 3, 4])
    expect(errors.map((e) => e.status)).toEqual([401, 503])
  })

  it('goes on when a page never comes', async () => {
    const name = newName()
    await hub.publish(name, 1, 2)
    let pages = 0
    const live = connect(hub, {
      heartbeatTimeout: 300,
      fetch: (url: string, init: RequestInit) => {
        const isPage = new Headers(init.headers).get('accept') === 'application/json'
        if (!isPage || pages++ > 0) return fetch(url, init)
        return new Promise((_, fail) => {
          init.signal?.addEventListener('abort', () => fail(init.signal?.reason))
        })
      },
    })
    const { data, errors } = open(live, name, { last: 2 })
    await expect.poll(() => data).toEqual([1, 2])
    expect(errors.map((e) => e.kind)).toEqual(['stalled'])
  })

  it('loses nothing when there is no more room the moment that all has been read', async () => {
    const json = (events: unknown[], cursor: string) =>
      Response.json({ events, cursor, more: false })
    const event = (n: number) => ({ stream: 'n', id: `k-${n}`, time: '', data: n })
    const wire = (from: number, to: number) =>
      upTo(to, from).map((n) => `id: k-${n}\ndata: ${JSON.stringify(event(n))}\n\n`)
    const encoder = new TextEncoder()
    const hello = 'id: k-1\nevent: hub.hello\ndata: {"streams":["n"]}\n\n'
    for (let turns = 0; turns < 15; turns++) {
      let put = (_: string[]) => {}
      let answer: ((page: Response) => void) | undefined
      const page = json([], 'k-1')
      const first = await page.json()
      page.json = async () => first
      const body = new ReadableStream({
        start(stream) {
          put = (text) => stream.enqueue(encoder.encode(text.join('')))
          put([hello])
        },
      })
      const headers = { 'content-type': 'text/event-stream' }
      const get = async (_: unknown, init?: RequestInit) => {
        if (new Headers(init?.headers).get('accept') !== 'application/json') {
          return new Response(body, { headers })
        }
        if (answer !== undefined) return json(upTo(10_010, 2).map(event), 'k-10010')
        return new Promise<Response>((done) => {
          answer = done
        })
      }
      const { data, stream } = open(connect(hub, { fetch: get }), 'n', { last: 1 })
      await expect.poll(() => answer).toBeDefined()
      put(wire(2, 9_999))
      await new Promise((done) => setTimeout(done, 30))
      answer?.(page)
      for (let i = 0; i < turns; i++) await undefined
      put(wire(10_000, 10_010))
      await expect.poll(() => data.length).toBe(10_009)
      expect(data).toEqual(upTo(10_010, 2))
      stream.close()
    }
  })

  it('knows a condition whatever the blanks around it', async () => {
    const name = newName()
    const live = connect()
    const { data } = open(live, `${name} where   data > 2  `)
    await expect.poll(() => live.lastEventId).not.toBe('')
    await hub.publish(name, 1, 3)
    await expect.poll(() => data).toEqual([3])
  })

  it('hands out nothing more once a stream is closed', async () => {
    const name = newName()
    await hub.publish(name, 1, 2, 3)
    const { stream, data } = open(connect(), name, { last: 3 })
    stream.on(() => stream.close())
    await expect.poll(() => stream.state.status).toBe('closed')
    expect(data).toEqual([1])
  })

  it('says when what was before can’t be read, and goes on', async () => {
    const hello = 'id: a-1\nevent: hub.hello\ndata: {"streams":["n"]}\n\n'
    const event = 'id: a-2\ndata: {"stream":"n","id":"a-2","data":2}\n\n'
    const server = await Scripted.start(says(hello), (res) => {
      server.send(event)
      res.writeHead(500).end()
    })
    ends.push(() => server.close())
    const live = new LiveConnection(server.url, { retry: { minDelay: 5 } })
    const { data, errors } = open(live, 'n', { last: 10 })
    await expect.poll(() => data).toEqual([2])
    const failed = { kind: 'http', status: 500 }
    const gap = { kind: 'gap', gap: { stream: 'n', reason: 'backend', lost: null } }
    expect(errors).toMatchObject([failed, failed, failed, failed, failed, gap])
  })

  it('refuses what is no selector', () => {
    expect(() => connect().open('a b')).toThrow(/"a b" is neither a stream's name nor a pattern/)
    expect(() => connect().open('>.a')).toThrow(TypeError)
  })
})
