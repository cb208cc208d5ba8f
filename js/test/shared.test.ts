import { describe, expect, it } from 'vitest'
import { openEventStream, type StreamError, type StreamOptions } from '../src/index.js'
import { openNewest } from '../src/stream/eventStream.js'
import { says, status } from './scripted.js'
import { stage, upTo } from './stage.js'

const { ends, hub, newName, scripted } = await stage()

function open(
  url: string,
  options: StreamOptions<number> = {},
  how: typeof openNewest<number> = openEventStream<number>,
) {
  const retry = { minDelay: 5, maxDelay: 40 }
  const stream = how(url, { share: 'tab', retry, ...options })
  ends.push(() => stream.close())
  const data: number[] = []
  const errors: StreamError[] = []
  stream.on((event) => data.push(event.data))
  stream.onError((error) => errors.push(error))
  return { stream, data, errors }
}

describe('a connection that is shared', () => {
  it('is one for all at an address', async () => {
    const name = newName()
    const all = upTo(10).map(() => open(hub.at(name)))
    await expect.poll(() => all.every(({ stream }) => stream.state.status === 'live')).toBe(true)
    expect(await hub.subscribers()).toBe(1)
    await hub.publish(name, 1, 2, 3)
    for (const { data } of all) await expect.poll(() => data).toEqual([1, 2, 3])
  })

  it('is not one for different keys, nor for headers of which nobody knows whose they are', async () => {
    const server = await scripted(says())
    for (let i = 0; i < 2; i++) {
      open(server.url)
      open(server.url, { key: 'me', headers: () => ({ a: '1' }) })
      open(server.url, { key: 'you', headers: { a: '2' } })
      open(server.url, { credentials: 'include' })
      open(server.url, { headers: { a: '1' } }) // another each time
      open(server.url, { fetch: (...all) => fetch(...all) }) // another each time
      open(server.url, { share: false }) // another each time
    }
    await expect.poll(() => server.requests.length).toBe(10)
  })

  it('is by default no one else’s outside of a browser', async () => {
    const server = await scripted(says())
    for (let i = 0; i < 2; i++) ends.push(() => stream.close())
    const stream = openEventStream(server.url)
    const other = openEventStream(server.url)
    ends.push(() => other.close())
    await expect.poll(() => server.requests.length).toBe(2)
  })

  it('gives who comes later the same history, and is one again', async () => {
    const name = newName()
    await hub.publish(name, ...upTo(20))
    const first = open(hub.at(name, 'last=10'))
    await expect.poll(() => first.data).toEqual(upTo(20, 11))
    await hub.publish(name, ...upTo(25, 21))
    await expect.poll(() => first.data.length).toBe(15)
    const second = open(hub.at(name, 'last=10'))
    await expect.poll(() => second.data).toEqual(upTo(25, 16))
    await expect.poll(() => hub.subscribers()).toBe(1)
    await hub.publish(name, 26)
    await expect.poll(() => second.data).toEqual(upTo(26, 16))
    await expect.poll(() => first.data).toEqual(upTo(26, 11))
  })

  it('neither misses nor repeats for anybody who comes while much happens', async () => {
    const name = newName()
    const all = [open(hub.at(name, 'last=5'))]
    let n = 0
    let publishing = true
    const publisher = (async () => {
      while (publishing) await hub.publish(name, ++n)
    })()
    for (let i = 0; i < 20; i++) {
      await expect.poll(() => all.at(-1)?.data.length).toBeGreaterThan(5)
      all.push(open(hub.at(name, 'last=5')))
      if (i % 5 === 4) all[i - 2]?.stream.reconnect()
    }
    publishing = false
    await publisher
    for (const { data } of all) {
      await expect.poll(() => data.at(-1)).toBe(n)
      expect(data).toEqual(upTo(n, data[0]))
    }
    await hub.publish(name, ++n)
    await expect.poll(() => hub.subscribers()).toBe(1)
    for (const { data } of all) await expect.poll(() => data.at(-1)).toBe(n)
  })

  it('is one again though nothing comes, and other streams have moved the position on', async () => {
    const name = newName()
    const cursor = await hub.publish(name, 1)
    const first = open(hub.at(name), { lastEventId: cursor })
    await expect.poll(() => first.stream.state.status).toBe('live')
    const ahead = await hub.publish(newName(), 1, 2)
    const second = open(hub.at(name), { lastEventId: ahead })
    const third = open(hub.at(name))
    await expect.poll(() => third.stream.state.status).toBe('live')
    await expect.poll(() => hub.subscribers()).toBe(1)
    await hub.publish(name, 2)
    for (const { data } of [first, second, third]) await expect.poll(() => data).toEqual([2])
  })

  it('is one again where ids say nothing but whether they are equal', async () => {
    const history = 'id: x\ndata: 1\n\nid: k\ndata: 2\n\n'
    const server = await scripted(says(history))
    const first = open(server.url)
    await expect.poll(() => first.data).toEqual([1, 2])
    const second = open(server.url)
    await expect.poll(() => second.data).toEqual([1, 2])
    await expect.poll(() => server.open.size).toBe(1)
    server.send('id: a\ndata: 3\n\n')
    await expect.poll(() => second.data).toEqual([1, 2, 3])
    await expect.poll(() => first.data).toEqual([1, 2, 3])
    expect(server.requests).toHaveLength(2)
  })

  it('is one at once where there are no ids', async () => {
    const server = await scripted(says('data: 1\n\n'))
    const first = open(server.url)
    await expect.poll(() => first.data).toEqual([1])
    const second = open(server.url)
    server.send('data: 2\n\n')
    await expect.poll(() => second.data).toEqual([2])
    expect(server.requests).toHaveLength(1)
  })

  it('gives who wants the newest only the newest, at once', async () => {
    const server = await scripted(says('id: 1\ndata: 1\n\nid: 2\ndata: 2\n\n'))
    const first = open(server.url)
    await expect.poll(() => first.data).toEqual([1, 2])
    const second = open(server.url, {}, openNewest<number>)
    await expect.poll(() => second.data).toEqual([2])
    expect(server.requests).toHaveLength(1)
  })

  it('serves who comes with a cursor from there', async () => {
    const name = newName()
    const cursor = await hub.publish(name, 1)
    const first = open(hub.at(name), { lastEventId: cursor })
    const other = await hub.publish(name, 2, 3)
    await hub.publish(name, 4)
    await expect.poll(() => first.data).toEqual([2, 3, 4])
    const behind = open(hub.at(name), { lastEventId: other })
    await expect.poll(() => behind.data).toEqual([4])
    const level = open(hub.at(name), { lastEventId: first.stream.lastEventId })
    await hub.publish(name, 5)
    for (const { data } of [first, behind, level]) await expect.poll(() => data.at(-1)).toBe(5)
    expect([behind.data, level.data]).toEqual([[4, 5], [5]])
    await expect.poll(() => hub.subscribers()).toBe(1)
  })

  it('is none with who has no cursor for who comes with one before anything has come', async () => {
    const name = newName()
    const cursor = await hub.publish(name, 1)
    await hub.publish(name, 2, 3)
    const first = open(hub.at(name))
    const second = open(hub.at(name), { lastEventId: cursor })
    await expect.poll(() => second.data).toEqual([2, 3])
    await expect.poll(() => hub.subscribers()).toBe(1)
    await hub.publish(name, 4)
    await expect.poll(() => first.data).toEqual([4])
    await expect.poll(() => second.data).toEqual([2, 3, 4])
  })

  it('gives who wants the newest nothing older than it has', async () => {
    const greeted = 'id: k-4\nevent: hub.hello\ndata: {}\n\nid: k-5\ndata: 5\n\n'
    const hello = 'id: k-50\nevent: hub.hello\ndata: {}\n\nid: k-51\ndata: 51\n\n'
    const server = await scripted(says(greeted), status(503, { 'retry-after': '60' }), says(hello))
    const first = open(server.url)
    await expect.poll(() => first.data).toEqual([5])
    server.cut()
    await expect.poll(() => first.errors.at(-1)?.status).toBe(503)
    const second = open(server.url, { lastEventId: 'k-50' }, openNewest<number>)
    await expect.poll(() => second.data).toEqual([51])
  })

  it('tells who comes later that its cursor is of another log', async () => {
    // Of two, the second finds all the code loaded.
    for (const name of [newName(), newName()]) {
      await hub.publish(name, 1)
      const first = open(hub.at(name))
      await expect.poll(() => first.stream.lastEventId).not.toBe('')
      const second = open(hub.at(name), { lastEventId: 'other-1' })
      await expect.poll(() => second.errors.map(({ gap }) => gap?.reason)).toEqual(['epoch'])
      await hub.publish(name, 2)
      await expect.poll(() => second.data).toEqual([2])
      expect(first.errors).toEqual([])
    }
    await expect.poll(() => hub.subscribers()).toBe(2)
  })

  it('tells all last how it stands, though one of them connects anew as it hears of it', async () => {
    const server = await scripted(status(404), says('data: 1\n\n'))
    const first = open(server.url)
    first.stream.onState(({ status }) => {
      if (status === 'closed') first.stream.reconnect()
    })
    const second = open(server.url)
    const heard: string[] = []
    second.stream.onState(({ status }) => heard.push(status))
    await expect.poll(() => second.data).toEqual([1])
    expect(heard.slice(-2)).toEqual(['connecting', 'live'])
    expect(heard).not.toContain('closed')
  })

  it('is closed for good by who is asked whether it is to go on', async () => {
    const server = await scripted(status(503))
    const when = () => {
      stream.close()
      return true
    }
    const states: string[] = []
    const { stream } = open(server.url, { share: false, retry: { minDelay: 5, when } })
    stream.onState(({ status }) => states.push(status))
    await expect.poll(() => stream.state.status).toBe('closed')
    await new Promise((done) => setTimeout(done, 300))
    expect(states).toEqual(['closed'])
    expect(server.requests).toHaveLength(1)
  })

  it('does not take who is connected to one that is down', async () => {
    const hello = 'id: k-100\nevent: hub.hello\ndata: {}\n\n'
    const greeted = 'id: k-4\nevent: hub.hello\ndata: {}\n\nid: k-5\ndata: 5\n\n'
    const server = await scripted(says(greeted), status(503, { 'retry-after': '60' }), says(hello))
    const first = open(server.url)
    await expect.poll(() => first.data).toEqual([5])
    server.cut()
    await expect.poll(() => first.errors.at(-1)?.status).toBe(503)
    const second = open(server.url)
    await expect.poll(() => second.stream.state.status).toBe('live')
    server.send('id: k-101\ndata: 101\n\n')
    await expect.poll(() => second.data).toEqual([101])
  })

  it('outlives who comes back at once, and no longer', async () => {
    const server = await scripted(says())
    const { stream } = open(server.url)
    await expect.poll(() => server.open.size).toBe(1)
    stream.close()
    open(server.url).stream.close()
    const { stream: third } = open(server.url)
    third.close()
    await expect.poll(() => server.open.size).toBe(0)
    expect(server.requests).toHaveLength(1)
    open(server.url)
    await expect.poll(() => server.open.size).toBe(1)
    expect(server.requests).toHaveLength(2)
  })

  it('tries again for whoever comes after it was given up', async () => {
    const server = await scripted(status(404), says('data: 1\n\n'))
    const first = open(server.url)
    await expect.poll(() => first.stream.state.status).toBe('closed')
    const second = open(server.url)
    await expect.poll(() => second.data).toEqual([1])
    await expect.poll(() => first.data).toEqual([1])
  })

  it('tells everybody of a cut', async () => {
    const server = await scripted(says('data: 1\n\n'), says('data: 2\n\n'))
    const both = [open(server.url), open(server.url)]
    for (const { data } of both) await expect.poll(() => data).toEqual([1])
    server.cut()
    for (const { data } of both) await expect.poll(() => data).toEqual([1, 2])
    expect(both.map(({ errors }) => errors.map((e) => e.kind))).toEqual([['connect'], ['connect']])
  })
})
