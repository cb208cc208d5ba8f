import { afterEach, expect, it } from 'vitest'
import type { Connection } from '../src/stream/connection.js'
import type { WireEvent } from '../src/stream/decoder.js'
import { Tabs } from '../src/stream/tabs.js'

const ends: (() => void)[] = []

afterEach(() => {
  for (const end of ends.splice(0)) end()
})

/** A tab that has come so far by a connection of its own, and a leader that speaks to it. */
function tab(lastEventId: string, ordered = true) {
  const name = `tabs-${Math.random()}`
  const calls: string[] = []
  const connection = {
    lastEventId,
    ordered,
    state: { status: 'live' },
    pause: () => calls.push('pause'),
    reconnect: () => calls.push('reconnect'),
  }
  const data: string[] = []
  const event = (e: WireEvent) => {
    if (e.type === 'message') data.push(e.data)
  }
  const tabs = new Tabs(name, connection as unknown as Connection, { event, state: () => {} })
  const leader = new BroadcastChannel(name)
  ends.push(
    () => tabs.close(),
    () => leader.close(),
  )
  const say = (after: string, to: string, events: WireEvent[]) => {
    const rank = { term: 9, since: 1, id: 'leader' }
    leader.postMessage({ kind: 'events', rank, after, to, events, state: { status: 'live' } })
  }
  return { connection, calls, data, tabs, say }
}

const numbered = (from: number, to: number): WireEvent[] =>
  Array.from({ length: to - from + 1 }, (_, i) => {
    const id = `k-${from + i}`
    return { type: 'message', data: String(from + i), id, lastEventId: id }
  })
const hello = (id: string): WireEvent => ({ type: 'hub.hello', data: '{}', id, lastEventId: id })

it('follows a leader that has come as far, and hears each event once', async () => {
  const { connection, calls, data, tabs, say } = tab('k-20')
  // The leader has just begun, with the same history.
  say('', 'k-20', [hello('k-15'), ...numbered(16, 20)])
  await expect.poll(() => calls).toEqual(['pause'])
  expect(tabs.state?.status).toBe('live')
  say('k-20', 'k-22', numbered(21, 22))
  await expect.poll(() => data).toEqual(['21', '22'])
  expect(connection.lastEventId).toBe('k-22')
})

it('connects itself as long as it is behind, and when it has missed something', async () => {
  const { calls, data, say } = tab('k-10')
  say('k-20', 'k-21', numbered(21, 21))
  say('k-9', 'k-11', numbered(10, 11))
  await expect.poll(() => data).toEqual(['11'])
  expect(calls).toEqual(['pause'])
  say('k-15', 'k-16', numbered(16, 16))
  await expect.poll(() => calls).toEqual(['pause', 'reconnect'])
  expect(data).toEqual(['11'])
})

it('knows of ids that are no hub’s only whether they are equal', async () => {
  const { calls, data, say } = tab('k-5', false)
  say('k-3', 'k-3', [])
  say('k-5', 'k-1', numbered(1, 1))
  await expect.poll(() => data).toEqual(['1'])
  expect(calls).toEqual(['pause'])
})
