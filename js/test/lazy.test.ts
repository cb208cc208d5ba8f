// What is loaded when it is first asked for, where that fails: nothing is lost silently.

import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { openEventStream } from '../src/index.js'
import { LiveConnection } from '../src/live/liveConnection.js'
import { Hub } from './hub.js'

vi.mock('../src/stream/merge.js', () => {
  throw new Error('the network is down')
})
vi.mock('../src/stream/extras.js', () => {
  throw new Error('the network is down')
})
vi.mock('../src/live/history.js', () => {
  throw new Error('the network is down')
})
vi.mock('../src/live/live.js', () => {
  throw new Error('the network is down')
})

let hub: Hub
const ends: (() => void)[] = []

beforeAll(async () => {
  hub = await Hub.start()
})

afterAll(() => hub.close())

afterEach(async () => {
  for (const end of ends.splice(0)) end()
  await expect.poll(() => hub.subscribers()).toBe(0)
})

it('goes on alone when it can’t become one with the others', async () => {
  await hub.publish('lazy.alone', 1, 2)
  const all = [1, 2].map(() => [] as number[])
  for (const data of all) {
    const url = hub.at('lazy.alone', 'last=2')
    const stream = openEventStream<number>(url, { share: 'tab' })
    ends.push(() => stream.close())
    stream.on((event) => data.push(event.data))
    await expect.poll(() => data).toEqual([1, 2])
  }
  await hub.publish('lazy.alone', 3)
  for (const data of all) await expect.poll(() => data).toEqual([1, 2, 3])
  expect(await hub.subscribers()).toBe(2)
})

it('does without what only few ask for', async () => {
  const stream = openEventStream<number>(hub.at('lazy.extras'), { persist: true })
  ends.push(() => stream.close())
  const data: number[] = []
  stream.on((event) => data.push(event.data))
  await expect.poll(() => stream.state.status).toBe('live')
  await hub.publish('lazy.extras', 1)
  await expect.poll(() => data).toEqual([1])
})

it('connects alone when it can’t share with other tabs', async () => {
  const live = new LiveConnection(`${hub.url}/v1/events`, { share: 'browser' })
  const stream = live.open<number>('lazy.live')
  ends.push(() => stream.close())
  const data: number[] = []
  stream.on((event) => data.push(event.data))
  await expect.poll(() => live.state.status).toBe('live')
  await hub.publish('lazy.live', 1)
  await expect.poll(() => data).toEqual([1])
})

it('says that what was before is missing, and hands out what came meanwhile', async () => {
  await hub.publish('lazy.history', 1)
  const live = new LiveConnection(`${hub.url}/v1/events`)
  const stream = live.open<number>('lazy.history', { last: 1 })
  ends.push(() => stream.close())
  const heard: unknown[] = []
  stream.on(({ data }) => heard.push(data))
  stream.onError(({ gap }) => heard.push(gap?.reason))
  await expect.poll(() => live.state.status).toBe('live')
  await hub.publish('lazy.history', 2)
  await expect.poll(() => heard).toEqual(['backend', 2])
})
