// @vitest-environment happy-dom
import { expect, it } from 'vitest'
import { createTestStream } from '../src/testing/index.js'
import { dataOf, follow } from './testingClient.js'

it('serves a page of happy-dom, whose addresses are relative', async () => {
  const stream = createTestStream({ url: '/live' })
  using _ = stream.install()
  const client = follow('/live', { fetch: globalThis.fetch })
  await stream.connected()
  stream.send(1)
  await client.events(1)
  stream.cut()
  stream.send(2)
  await client.events(2)
  expect(dataOf(client.seen)).toEqual([1, 2])
  expect(stream.requests.map((r) => r.url)).toEqual(
    Array(2).fill(new URL('/live', location.href).href),
  )
  expect(stream.requests.map((r) => r.lastEventId)).toEqual(['', 'test-1'])
  client.connection.close()
  expect(stream.connections).toBe(0)
})
