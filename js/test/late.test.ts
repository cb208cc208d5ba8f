// What is loaded when it is first asked for, where that takes its time.

import { afterEach, expect, it, vi } from 'vitest'
import { openEventStream } from '../src/index.js'
import { happens } from './react/dom.js'
import { Scripted, says } from './scripted.js'

vi.mock('../src/stream/merge.js', async (original) => {
  await new Promise((done) => setTimeout(done, 500))
  return original()
})

const ends: (() => unknown)[] = []

afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

function open(url: string) {
  const stream = openEventStream<number>(url, { persist: true })
  ends.push(() => stream.close())
  const data: number[] = []
  stream.on((event) => data.push(event.data))
  return { stream, data }
}

it('keeps where it was, though the others have gone before it could be one with them', async () => {
  const greeted = 'id: k-4\nevent: hub.hello\ndata: {}\n\nid: k-5\ndata: 5\n\n'
  const hello = 'id: k-5\nevent: hub.hello\ndata: {}\n\n'
  const server = await Scripted.start(says(greeted), says(greeted), says(hello))
  ends.push(() => server.close())
  const first = open(server.url)
  await expect.poll(() => first.data).toEqual([5])
  const second = open(server.url)
  await expect.poll(() => second.data).toEqual([5])
  first.stream.close()
  await expect.poll(() => server.requests.length).toBe(3)
  await expect.poll(() => server.open.size).toBe(1)
  expect(second.data).toEqual([5])
  happens('pagehide')
  second.stream.close()
  await new Promise((done) => setTimeout(done, 300)) // as long as it lingers
  open(server.url)
  await expect.poll(() => server.requests.length).toBe(4)
  expect(server.requests.at(-1)?.url).toBe('/?last-event-id=k-5')
})
