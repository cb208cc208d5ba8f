import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Live, matches, type Want } from '../src/live/index.js'
import { Receiver } from '../src/live/receiver.js'
import { includes } from '../src/live/selector.js'
import { covers, eventsURL, fits, headOf, hears, union } from '../src/live/want.js'
import { FakeHub } from './fake.mjs'
import { FakeBrowser, type FakeTab } from './shareFake.js'

const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** Stopped, no timer runs any more. */
const time = { stop: () => {} }

/** Lets twenty times as much time pass: elections wait for seconds. */
function hasten() {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  const hastening = setInterval(() => vi.advanceTimersByTime(100), 5)
  time.stop = () => clearInterval(hastening)
  cleanups.push(() => {
    time.stop()
    vi.useRealTimers()
  })
}

const HISTORY = 900_000
const all: Want = { streams: ['>'], views: [], since: HISTORY }
const only = (...streams: string[]): Want => ({ streams, views: [], since: HISTORY })
const upTo = (n: number, from = 1) => Array.from({ length: n - from + 1 }, (_, i) => i + from)

async function hubAndBrowser() {
  const hub = new FakeHub()
  hub.retry = 10
  const base = await hub.listen()
  const browser = new FakeBrowser()
  cleanups.push(() => hub.close())
  cleanups.push(() => browser.close())
  return { hub, base, browser }
}

/** The one tab that has a connection. */
async function leader(tabs: readonly FakeTab[]): Promise<FakeTab> {
  const connected = () => tabs.filter((tab) => tab.alive && tab.connections > 0)
  await expect.poll(() => connected().length).toBe(1)
  const [tab] = connected()
  if (tab === undefined) throw new Error('no tab leads')
  return tab
}

const live = (tabs: readonly FakeTab[]) =>
  expect.poll(() => tabs.map((tab) => tab.live.state.status)).toEqual(tabs.map(() => 'live'))

describe('a selector', () => {
  interface Vector {
    selector: string
    valid: boolean
    matches?: string[]
    not?: string[]
  }
  const file = new URL('../../protocol/vectors/selector.json', import.meta.url)
  const vectors: Vector[] = JSON.parse(readFileSync(file, 'utf8'))
  it.each(vectors.filter((v) => v.valid))('$selector matches as the vectors say', (v) => {
    expect(v.matches?.filter((s) => !matches(v.selector, s))).toEqual([])
    expect(v.not?.filter((s) => matches(v.selector, s))).toEqual([])
  })

  it.each([
    ['>', 'a.b', true],
    ['>', '>', true],
    ['>', '*', true],
    ['*', '>', false],
    ['*', '*', true],
    ['*', 'a', true],
    ['a.>', 'a.>', true],
    ['a.>', 'a.*', true],
    ['a.>', 'a.*.>', true],
    ['a.*.>', 'a.>', false],
    ['a.*', 'a.>', false],
    ['a.b', 'a.*', false],
    ['a.>', 'a', false],
  ])('%s includes %s: %s', (a, b, want) => {
    expect(includes(a, b)).toBe(want)
  })
})

describe('wants', () => {
  it('together are each stream once and the longest history', () => {
    const a = { streams: ['a', 'logs.web'], views: ['count(a)'], since: 1 }
    const b = { streams: ['logs.>', 'a', 'b'], views: ['count(a)', 'avg(b)'], since: 2 }
    const both = union(a, b)
    expect(both).toEqual({
      streams: ['a', 'logs.>', 'b'],
      views: ['count(a)', 'avg(b)'],
      since: 2,
    })
    expect(union({ ...a, rate: 1 }, { ...b, rate: 5 }).rate).toBe(5)
    expect(union({ ...a, rate: 1 }, b).rate).toBe(undefined)
    expect([covers(both, a), covers(both, b), covers(a, b), covers(b, a)]).toEqual([
      true,
      true,
      false,
      true,
    ])
  })

  it('fit into a request up to the server’s limits', () => {
    const many = (n: number, name: (i: number) => string) => upTo(n).map(name)
    expect(fits(only(...many(1000, (i) => `a${i}`)))).toBe(true)
    expect(fits(only(...many(17, (i) => `a${i}.*`)))).toBe(false)
    expect(fits({ streams: [], views: many(65, (i) => `count(a${i})`), since: 0 })).toBe(false)
  })

  it('become an address with each stream and view', () => {
    const want = { streams: ['a', 'logs.>'], views: ['count(a) by /b'], since: 9 }
    expect(eventsURL(new URL('http://h/x/v1/events'), want, 60_000)).toBe(
      'http://h/x/v1/events?stream=a&stream=logs.%3E&view=count%28a%29+by+%2Fb&since=60s&delivery=all',
    )
    expect(eventsURL(new URL('http://h/v1/events'), only('a'), 0)).toBe(
      'http://h/v1/events?stream=a&delivery=all',
    )
  })

  it('say how often something may come', () => {
    expect(eventsURL(new URL('http://h/v1/events'), { ...only('a'), rate: 1 }, 0)).toBe(
      'http://h/v1/events?stream=a&delivery=all&rate=1',
    )
  })

  it.each([
    ['{"stream":"a.b","id":"k-1","time":"t","data":{"type":"hub.view"}}', 'a.b', false],
    ['{"stream":"a","id":"k-1","type":"hub.view","time":"t","data":1}', 'a', true],
    ['{"stream":"count(a)","type":"hub.view","time":"t","data":{}}', 'count(a)', true],
    [
      '{"stream":"count(a) where data.b == \\"c\\"","type":"hub.view"}',
      'count(a) where data.b == "c"',
      true,
    ],
    ['{"stream":"a"}', 'a', false],
    ['nonsense', '', false],
  ])('know whose %s is', (envelope, stream, row) => {
    expect(headOf(envelope)).toEqual({ stream, row, match: [] })
  })

  it('hear the rows of a view as it was asked for', () => {
    const want = { streams: ['>'], views: ['count( a )'], since: 0 }
    expect(hears(want, { stream: 'count(a)', row: true, match: [] })).toBe(false)
    expect(hears(want, { stream: 'count( a )', row: true, match: [] })).toBe(true)
  })

  it('hear of a stream with a condition what meets it', () => {
    const want = { streams: ['logs.> where data.n > 3', 'a'], views: [], since: 0 }
    const met =
      '{"stream":"logs.web","id":"e-1","data":{"n":4},"match":["logs.> where data.n > 3"]}'
    expect(hears(want, headOf(met))).toBe(true)
    expect(hears(want, headOf('{"stream":"logs.web","id":"e-1","data":{"n":4}}'))).toBe(false)
    const forged =
      '{"stream":"logs.web","id":"e-1","data":{"n":1,"match":["logs.> where data.n > 3"]}}'
    expect(hears(want, headOf(forged))).toBe(false)
    expect(hears(want, headOf('{"stream":"a","data":1}'))).toBe(true)
    const other = { streams: ['logs.web'], views: [], since: 0 }
    expect(union(want, other).streams).toEqual(['logs.> where data.n > 3', 'a', 'logs.web'])
    expect(covers(other, want)).toBe(false)
  })
})

describe('a receiver', () => {
  const hello = { type: 'hub.hello', data: '{}', id: 'k-0', lastEventId: 'k-0' }
  const event = (n: number, stream = 'a', more = '') => {
    const id = `k-${n}`
    const data = `{"stream":"${stream}","id":"${id}"${more},"data":${n}}`
    return { type: 'message', data, id, lastEventId: id }
  }
  const start = (after: string, history = HISTORY, reset = false) => ({
    hello,
    after,
    history,
    reset,
  })
  function receiver() {
    const seen: string[] = []
    const r = new Receiver('me', (e) => seen.push(e.type === 'message' ? (e.id ?? '') : e.type))
    return { r, seen }
  }

  it('hands out nothing before its want is served', () => {
    const { r, seen } = receiver()
    r.ask(only('a'))
    r.receive(event(1))
    expect(r.start(start('k-1'), undefined)).toBe(true)
    r.receive(event(2))
    expect(r.start(start('k-0'), r.ticket.version)).toBe(true)
    for (const n of [1, 2, 3]) r.receive(event(n))
    expect(seen).toEqual(['hub.hello', 'k-1', 'k-2', 'k-3'])
  })

  it('drops what is repeated for others, and what it does not want', () => {
    const { r, seen } = receiver()
    r.ask(only('a'))
    r.start(start('k-2'), 1)
    r.receive(event(3))
    r.receive(event(4, 'b'))
    r.start(start('k-0'), 1)
    for (const n of [1, 2, 3, 4, 5]) r.receive(event(n))
    expect(seen).toEqual(['hub.hello', 'k-3', 'hub.hello', 'k-5'])
  })

  it('hands out a view’s rows also at a position that it knows', () => {
    const { r, seen } = receiver()
    r.ask({ streams: [], views: ['v'], since: HISTORY })
    r.start(start('k-2'), 1)
    for (const n of [3, 3, 1]) r.receive(event(n, 'v', ',"type":"hub.view"'))
    expect(seen).toEqual(['hub.hello', 'k-3', 'k-3', 'k-1'])
    expect(r.ticket.resume).toBe('k-3')
  })

  it('waits for as much history as it wants', () => {
    const { r, seen } = receiver()
    r.ask(only('a'))
    expect(r.start(start('k-5', HISTORY - 1), 1)).toBe(false)
    r.receive(event(6))
    expect(r.start(start('k-2'), r.ticket.version)).toBe(true)
    r.receive(event(3))
    expect(seen).toEqual(['hub.hello', 'k-3'])
  })

  it('takes it from the start where the log was replaced', () => {
    const { r, seen } = receiver()
    r.ask(only('a'))
    r.start(start('k-2'), 1)
    expect(r.start(start('z-0', 0, true), 1)).toBe(true)
    r.receive({ ...event(1), id: 'z-1' })
    expect(seen).toEqual(['hub.hello', 'hub.hello', 'z-1'])
  })

  it('notices what is missing, and waits until it comes', () => {
    const { r, seen } = receiver()
    r.ask(only('a'))
    r.start(start('k-2'), 1)
    r.receive(event(3))
    expect(r.start(start('k-5'), 1)).toBe(false)
    r.receive(event(6))
    expect(r.ticket).toMatchObject({ version: 2, resume: 'k-3' })
    expect(r.start(start('k-3'), 2)).toBe(true)
    r.receive(event(4))
    expect(seen).toEqual(['hub.hello', 'k-3', 'hub.hello', 'k-4'])
  })

  it('begins anew, and says so, where the log was replaced while it was away', () => {
    const { r, seen } = receiver()
    r.ask(only('a'))
    r.start(start('k-2'), 1)
    r.leave()
    expect(r.start(start('z-9'), r.ticket.version)).toBe(false)
    expect(seen).toEqual(['hub.hello', 'hub.gap'])
    expect(r.ticket.resume).toBe('')
  })

  it('goes on where it was with a want that has no history', () => {
    const { r } = receiver()
    r.ask(only('a'))
    r.start(start('k-2'), 1)
    r.receive(event(3))
    r.ask({ streams: ['a', 'b'], views: [], since: 0 })
    expect(r.ticket.resume).toBe('k-3')
    r.ask(only('a'))
    expect(r.ticket.resume).toBe('')
  })
})

describe('a live connection of its own', () => {
  async function alone() {
    const hub = new FakeHub()
    hub.retry = 10
    const base = await hub.listen()
    const numbers: number[] = []
    const urls: string[] = []
    const connection = new Live(
      new URL('v1/events', base),
      {
        onEvent: (e) => {
          if (e.type === 'message') numbers.push((JSON.parse(e.data) as { data: number }).data)
        },
        onState: () => {},
      },
      {
        retry: { minDelay: 5, maxDelay: 40 },
        fetch: (input, init) => {
          urls.push(new URL(String(input)).search)
          return fetch(input, init)
        },
      },
    )
    cleanups.push(() => hub.close())
    cleanups.push(() => connection.close())
    return { hub, connection, numbers, urls }
  }

  it('asks once for changes that come together, with their history', async () => {
    const { hub, connection, numbers, urls } = await alone()
    hub.publish('a', 1)
    hub.publish('b', 2)
    connection.want(only('b'))
    connection.want(only('a'))
    await expect.poll(() => numbers).toEqual([1])
    expect(urls).toEqual(['?stream=a&since=900s&delivery=all'])
  })

  it('begins anew with each want that has a history', async () => {
    const { hub, connection, numbers } = await alone()
    hub.publish('a', 1)
    connection.want(only('a'))
    await expect.poll(() => numbers).toEqual([1])
    connection.want(only('a', 'b'))
    await expect.poll(() => numbers).toEqual([1, 1])
    expect(hub.subscribers.size).toBe(1)
  })

  it('loses nothing across a hundred changes of a want without history', async () => {
    const { hub, connection, numbers } = await alone()
    connection.want({ streams: ['a'], views: [], since: 0 })
    await expect.poll(() => connection.state.status).toBe('live')
    for (let i = 1; i <= 100; i++) {
      connection.want({ streams: ['a', `b${i}`], views: [], since: 0 })
      for (const n of [3 * i - 2, 3 * i - 1, 3 * i]) {
        hub.publish('a', n)
        await new Promise((done) => setImmediate(done))
      }
      if (i % 20 === 0) await expect.poll(() => numbers.length).toBe(3 * i)
    }
    expect(numbers).toEqual(upTo(300))
  })

  it('resumes after a cut', async () => {
    const { hub, connection, numbers } = await alone()
    connection.want(all)
    await expect.poll(() => hub.subscribers.size).toBe(1)
    for (let n = 1; n <= 50; n++) {
      hub.publish('a', n)
      if (n % 10 === 0) {
        hub.cut()
        await expect.poll(() => hub.subscribers.size).toBe(1)
      }
    }
    await expect.poll(() => numbers).toEqual(upTo(50))
  })
})

describe.each([
  ['with locks', true],
  ['without locks', false],
])('tabs %s', (_, locks) => {
  beforeEach(hasten)

  async function eight(want: (i: number) => Want = () => all) {
    const { hub, base, browser } = await hubAndBrowser()
    hub.publish('a', 1)
    const tabs = upTo(8).map((i) => browser.open(base, want(i), { locks }))
    await live(tabs)
    const greeted = () => tabs.map((tab) => tab.events[0]?.type)
    await expect.poll(greeted).toEqual(tabs.map(() => 'hub.hello'))
    const first = await leader(tabs)
    await expect.poll(() => hub.subscribers.size).toBe(1)
    return { hub, base, browser, tabs, first }
  }
  const others = (tabs: readonly FakeTab[], not: FakeTab) => tabs.filter((tab) => tab !== not)
  const publish = (hub: FakeHub, from: number, to: number) => {
    for (const n of upTo(to, from)) hub.publish('a', n)
  }
  const have = async (tabs: readonly FakeTab[], n: number) => {
    await expect.poll(() => tabs.map((tab) => tab.numbers.length)).toEqual(tabs.map(() => n))
    for (const tab of tabs) expect(tab.numbers).toEqual(upTo(n))
  }

  it('have one connection, and each event reaches each once', async () => {
    const { hub, tabs } = await eight()
    publish(hub, 2, 200)
    await have(tabs, 200)
    expect(hub.subscribers.size).toBe(1)
  })

  it('have it at the rate of the fastest, and lose nothing by a change', async () => {
    const { hub, tabs } = await eight()
    const [first, ...others] = tabs as [FakeTab, ...FakeTab[]]
    const rate = () => {
      const leading = tabs.find((tab) => tab.connections > 0)
      return leading?.requests.at(-1)?.url.searchParams.get('rate')
    }
    let n = 1
    const more = () => {
      publish(hub, n + 1, n + 20)
      n += 20
    }
    for (const tab of others) {
      tab.live.pace(1)
      more()
    }
    await have(tabs, n)
    expect(rate()).toBe(null)
    first.live.pace(2)
    more()
    await expect.poll(rate).toBe('2')
    others[3]?.live.pace(undefined)
    more()
    await expect.poll(rate).toBe(null)
    await have(tabs, n)
    expect(hub.subscribers.size).toBe(1)
  })

  it('hear what they want and no more, and all control events', async () => {
    const { hub, base, browser, tabs } = await eight((i) => only(i % 2 === 0 ? 'a' : 'b.*'))
    hub.publish('b.c', 2)
    hub.publish('a', 3)
    const later = browser.open(base, only('b.c'), { locks })
    hub.send('event: hub.gap\ndata: {"reason":"backend"}\n\n')
    const seen = () => tabs.map((tab) => tab.numbers)
    await expect.poll(seen).toEqual(upTo(8).map((i) => (i % 2 === 0 ? [1, 3] : [2])))
    await expect.poll(() => later.numbers).toEqual([2])
    const gaps = () => tabs.map((tab) => tab.events.filter((e) => e.type === 'hub.gap').length)
    await expect.poll(gaps).toEqual(tabs.map(() => 1))
  })

  it('go on without a loss when the leader’s is closed', async () => {
    const { hub, tabs, first } = await eight()
    publish(hub, 2, 100)
    first.live.close()
    publish(hub, 101, 200)
    const rest = others(tabs, first)
    await have(rest, 200)
    await leader(rest)
  })

  it('go on without a loss when the leader’s dies', { timeout: 15_000 }, async () => {
    const { hub, tabs, first } = await eight()
    publish(hub, 2, 100)
    await new Promise((done) => setImmediate(done))
    first.kill()
    publish(hub, 101, 200)
    const rest = others(tabs, first)
    await have(rest, 200)
    const second = await leader(rest)
    second.kill()
    publish(hub, 201, 300)
    await have(others(rest, second), 300)
  })

  it('replace a leader that hangs, which follows when it wakes', { timeout: 25_000 }, async () => {
    const { hub, tabs, first } = await eight()
    first.frozen = true
    publish(hub, 2, 50)
    const rest = others(tabs, first)
    await expect.poll(() => rest[0]?.numbers.length, { timeout: 15_000 }).toBe(50)
    first.frozen = false
    publish(hub, 51, 100)
    await have(rest, 100)
    await leader(tabs)
    await have(tabs, 100)
  })

  it('agree on one of two leaders', { timeout: 20_000 }, async () => {
    const { hub, base, browser } = await hubAndBrowser()
    browser.apart = () => true
    const tabs = upTo(4).map(() => browser.open(base, all, { locks: false }))
    await expect.poll(() => hub.subscribers.size).toBe(4)
    publish(hub, 1, 10)
    browser.apart = () => false
    publish(hub, 11, 20)
    await have(tabs, 20)
    const next = browser.open(base, all, { locks: false })
    await leader(tabs)
    publish(hub, 21, 30)
    await have([...tabs, next], 30)
    await expect.poll(() => hub.subscribers.size).toBe(1)
  })

  it('connect anew only for what is not there yet', async () => {
    const { base, browser, first } = await eight()
    const before = first.requests.length
    const now = { streams: ['a'], views: [], since: 0 }
    const quiet = browser.open(base, now, { locks })
    await live([quiet])
    await expect.poll(() => quiet.events.map((e) => e.type)).toEqual(['hub.hello'])
    expect(first.requests.length).toBe(before)
    const history = browser.open(base, only('a'), { locks })
    await expect.poll(() => history.numbers).toEqual([1])
    expect(first.requests.length).toBe(before + 1)
    expect(quiet.numbers).toEqual([])
  })

  it('pass on at once from a leader whose timers are held back', async () => {
    const { hub, tabs, first } = await eight()
    time.stop()
    vi.useRealTimers()
    const timer = vi.spyOn(globalThis, 'setTimeout').mockReturnValue(0 as never)
    cleanups.push(() => timer.mockRestore())
    first.page.hide()
    for (let n = 2; n <= 50; n += 2) {
      hub.publish('a', n)
      await new Promise((done) => setImmediate(done))
      hub.publish('a', n + 1)
    }
    await have(tabs, 51)
  })

  it('ask for less with the next connection when one has gone', async () => {
    const { hub, base, browser, tabs, first } = await eight(() => only('a'))
    const other = browser.open(base, only('b'), { locks })
    await expect.poll(() => other.events.length).toBeGreaterThan(0)
    const asked = () => first.requests.at(-1)?.url.searchParams.getAll('stream')
    expect(asked()).toEqual(['a', 'b'])
    other.live.close()
    await new Promise((done) => setImmediate(done))
    hub.cut()
    await expect.poll(asked).toEqual(['a'])
    publish(hub, 2, 10)
    await have(tabs, 10)
  })

  it('find out by roll call that one has died', async () => {
    const { hub, base, browser, first } = await eight(() => only('a'))
    const other = browser.open(base, only('b'), { locks })
    await expect.poll(() => other.events.length).toBeGreaterThan(0)
    other.kill()
    for (let calls = 0; calls < 3; calls++) {
      const before = first.requests.length
      vi.setSystemTime(Date.now() + 31_000)
      hub.cut()
      await expect.poll(() => first.requests.length).toBeGreaterThan(before)
      await expect.poll(() => hub.subscribers.size).toBe(1)
      await new Promise((done) => setTimeout(done, 500))
    }
    expect(first.requests.at(-1)?.url.searchParams.getAll('stream')).toEqual(['a'])
  })

  it('tell each other how the connection stands', async () => {
    const { hub, tabs } = await eight()
    hub.refuse = 503
    hub.cut()
    const states = () => tabs.map(({ live: { state } }) => state.status)
    await expect.poll(states).toEqual(tabs.map(() => 'retrying'))
    const errors = tabs.map(({ live: { state } }) => 'error' in state && state.error?.message)
    expect(errors.every((e) => typeof e === 'string')).toBe(true)
    hub.refuse = 0
    await live(tabs)
  })

  it('let any of them reconnect for all', async () => {
    const { hub, tabs, first } = await eight()
    hub.refuse = 403
    hub.cut()
    await expect
      .poll(() => tabs.map((tab) => tab.live.state.status))
      .toEqual(tabs.map(() => 'closed'))
    hub.refuse = 0
    others(tabs, first)[0]?.live.reconnect()
    await live(tabs)
  })

  it('rest in the back/forward cache without a connection, and come back', async () => {
    const { hub, tabs, first } = await eight()
    first.page.dispatchEvent(new Event('pagehide'))
    publish(hub, 2, 10)
    await have(others(tabs, first), 10)
    expect(first.connections).toBe(0)
    expect(first.numbers).toEqual([1])
    first.page.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }))
    publish(hub, 11, 20)
    await have(tabs, 20)
  })

  it('follow a log that was replaced', async () => {
    const { hub, tabs } = await eight()
    hub.send('id: z-0\nevent: hub.gap\ndata: {"reason":"epoch"}\n\n')
    hub.send('id: z-1\ndata: {"stream":"a","id":"z-1","data":2}\n\n')
    await have(tabs, 2)
  })

  it('have a connection of their own where one has no room', async () => {
    const { hub, base, browser, tabs } = await eight()
    const views = (name: string) => upTo(40).map((i) => `count(${name}${i})`)
    const [a, b] = ['a', 'b'].map((name) =>
      browser.open(base, { streams: ['a'], views: views(name), since: HISTORY }, { locks }),
    )
    await expect.poll(() => hub.subscribers.size).toBe(2)
    publish(hub, 2, 20)
    await have([...tabs, ...[a, b].filter((tab) => tab !== undefined)], 20)
  })
})

describe('tabs that come, go, hang and die at random, on a bad network', () => {
  beforeEach(hasten)

  /** Numbers in [0, n) that are the same in every run. */
  function randomFrom(seed: number) {
    let state = seed
    return (n: number) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return Math.floor((state / 2 ** 32) * n)
    }
  }
  /** More of it: SEEDS=40 npx vitest run test/share.test.ts */
  const seeds = upTo(Number(process.env.SEEDS ?? 2))
  const cases = [true, false].flatMap((locks) => seeds.map((seed) => ({ locks, seed })))

  it.each(cases)(
    'lose nothing (locks: $locks, seed: $seed)',
    { timeout: 30_000 },
    async ({ locks, seed }) => {
      const { hub, base, browser } = await hubAndBrowser()
      const random = randomFrom(seed)
      let n = 0
      const open = () => browser.open(base, random(3) > 0 ? all : only('a', 'b'), { locks })
      upTo(3).forEach(open)
      for (let step = 0; step < 80; step++) {
        const alive = browser.tabs.filter((tab) => tab.alive)
        const tab = alive[random(alive.length)]
        if (tab === undefined) break
        const [left, right] = [random(2), random(3)]
        const act = [
          () => alive.length < 9 && open(),
          () => alive.length > 2 && tab.kill(),
          () => {
            if (alive.length < 3) return
            tab.live.close()
            tab.kill()
          },
          () => tab.page.dispatchEvent(new Event('pagehide')),
          () => tab.page.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true })),
          () => tab.page.hide(),
          () => hub.cut(),
          () => tab.live.pace(left === 0 ? undefined : 1 + right),
          () => {
            tab.frozen = !tab.frozen
          },
          () => {
            browser.apart = (a, b) => browser.tabs.indexOf(a) % (left + 2) === right && a !== b
          },
        ]
        act[random(act.length * 2)]?.()
        for (let i = random(8); i > 0; i--) hub.publish('a', ++n)
        for (let i = random(12); i > 0; i--) await new Promise((done) => setTimeout(done, 10))
      }
      browser.apart = () => false
      const alive = browser.tabs.filter((tab) => tab.alive)
      for (const tab of alive) {
        tab.frozen = false
        tab.page.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }))
      }
      hub.publish('a', ++n)
      const last = () => alive.map((tab) => tab.numbers.at(-1))
      await expect.poll(last, { timeout: 20_000 }).toEqual(alive.map(() => n))
      for (const tab of alive) expect(tab.numbers).toEqual(upTo(n))
      await leader(alive)
    },
  )
})

describe('a leader whose lock is stolen', () => {
  beforeEach(hasten)

  it('leads no more, though it hears of no other', { timeout: 20_000 }, async () => {
    const { base, browser } = await hubAndBrowser()
    browser.apart = () => true
    const a = browser.open(base, all)
    await live([a])
    const b = browser.open(base, all)
    await expect.poll(() => b.connections).toBe(1)
    time.stop()
    await expect.poll(() => a.connections).toBe(0)
  })
})

describe('tabs of different hubs', () => {
  it('have nothing to do with each other', async () => {
    const one = await hubAndBrowser()
    const two = new FakeHub()
    cleanups.push(() => two.close())
    const a = one.browser.open(one.base, all)
    const b = one.browser.open(await two.listen(), all)
    await live([a, b])
    one.hub.publish('a', 1)
    two.publish('a', 2)
    await expect.poll(() => [a.numbers, b.numbers]).toEqual([[1], [2]])
  })
})
