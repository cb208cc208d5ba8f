import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterAll, expect, it } from 'vitest'
import { type EventStreamResult, useEventStream } from '../../src/react/index.js'
import { Hub } from '../hub.js'
import { happens } from './dom.js'
import { cleanup, render } from './render.js'

const EVENTS = 10_000
const CUTS = 50
const RESTARTS = 5

let hub: Hub
const ends: (() => unknown)[] = []

afterAll(async () => {
  cleanup()
  for (const end of ends) await end()
})

/** Passes bytes on, and cuts each connection after as many as it is told. */
async function proxy(to: string, after: () => number) {
  const { hostname, port } = new URL(to)
  let cuts = 0
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    let left = after()
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    client.pipe(upstream)
    upstream.on('data', (chunk) => {
      client.write(chunk.subarray(0, left))
      left -= chunk.length
      if (left > 0) return
      upstream.destroy()
      // What was written goes out, or is thrown away with the connection.
      if (++cuts % 2 === 0) client.end()
      else client.resetAndDestroy()
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  ends.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get cuts() {
      return cuts
    },
  }
}

it(`gives ${EVENTS} events to reduce exactly once, in order, across ${CUTS} cuts and ${RESTARTS} restarts`, async () => {
  hub = await Hub.start()
  ends.push(() => hub.close())
  // Some 60 bytes are an event; the last connections may live.
  const between = Math.floor((EVENTS * 40) / CUTS)
  const way = await proxy(hub.url, () => Math.ceil(Math.random() * 2 * between))
  const seen = { now: {} as EventStreamResult<number>, expected: 0, wrong: [] as number[] }
  function Sum() {
    seen.now = useEventStream<number, number>(`${way.url}/v1/streams/n/events?last=1`, {
      reduce(last = -1, { data }) {
        if (data !== last + 1) seen.wrong.push(data)
        return data
      },
    })
    return null
  }
  const impatient = setInterval(() => {
    // A page that is back online does not wait for the delay that the server has asked for.
    if (seen.now.status === 'retrying') happens('online')
  }, 5)
  ends.push(() => clearInterval(impatient))
  render(<Sum />)
  await hub.publish('n', 0)
  await expect.poll(() => seen.now.data).toBe(0)
  let published = 1
  for (let round = 1; published < EVENTS || way.cuts < CUTS; round++) {
    const numbers = Array.from({ length: 20 }, () => published++)
    await hub.publish('n', ...numbers)
    if (round % Math.floor(EVENTS / 20 / RESTARTS) === 0) {
      await hub.server.stop(round % 2 === 0 ? 'SIGKILL' : 'SIGTERM')
      await hub.server.run()
    }
    if (round % 10 === 0)
      await expect.poll(() => seen.now.data, { timeout: 20_000 }).toBe(published - 1)
  }
  await expect.poll(() => seen.now.data, { timeout: 20_000 }).toBe(published - 1)
  expect(seen.wrong).toEqual([])
  expect(published).toBeGreaterThanOrEqual(EVENTS)
  expect(way.cuts).toBeGreaterThanOrEqual(CUTS)
}, 120_000)
