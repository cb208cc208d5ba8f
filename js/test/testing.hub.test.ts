// The same client of a test stream and of the real program sees the same. STREAMGAUGE
// names the binary; default: go build.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestStream, type TestStream } from '../src/testing/index.js'
import { follow } from './testingClient.js'

const KEEP = 3

/** A hub to ask, whichever it is. */
interface Hub {
  readonly url: string
  readonly fetch: typeof fetch
  /** What begins its ids. */
  readonly epoch: string
  publish(stream: string, data: unknown, type?: string): Promise<void>
}

const folder = mkdtempSync(join(tmpdir(), 'testing-'))
let program: ChildProcess
let address = ''
let hubs: readonly Hub[] = []

beforeAll(async () => {
  let binary = process.env.STREAMGAUGE ?? ''
  if (binary === '') {
    binary = join(folder, 'streamgauge')
    const cwd = fileURLToPath(new URL('../..', import.meta.url))
    execFileSync('go', ['build', '-o', binary, './cmd/streamgauge'], { cwd })
  }
  const rules = `[{match: ">", keep: {events: ${KEEP}}}]`
  const settings = { listen: '127.0.0.1:0', admin: '127.0.0.1:0', log: 'memory', sources: '{}' }
  const args = Object.entries({ ...settings, streams: rules }).flatMap(([k, v]) => [`--${k}`, v])
  program = spawn(binary, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
  address = await new Promise<string>((resolve, reject) => {
    let said = ''
    program.once('exit', (code) => reject(new Error(`the program ended with ${code}: ${said}`)))
    if (program.stderr === null) return
    createInterface({ input: program.stderr }).on('line', (line) => {
      said += `${line}\n`
      const found = /msg=serving.* listen=(\S+)/.exec(line)?.[1]
      if (found !== undefined) resolve(`http://${found}`)
    })
  })
}, 300_000)

afterAll(async () => {
  if (program?.exitCode === null) {
    program.removeAllListeners('exit')
    const ended = once(program, 'exit')
    program.kill('SIGKILL')
    await ended
  }
  rmSync(folder, { recursive: true, force: true })
})

let test = 0
/** The tests' streams on the one real hub. */
const own = (stream: string) => `t${test}.${stream}`

beforeEach(async () => {
  test++
  const head = (await (await fetch(`${address}/v1/streams`)).json()).head as string
  hubs = [testHub(Number(head.split('-')[1])), realHub(head.split('-')[0] ?? '')]
})

/** @param head where its numbers begin, so that they are those of the real one */
function testHub(head: number): Hub {
  const stream: TestStream = createTestStream({ history: KEEP })
  if (head > 0) stream.gap({ lost: head, stream: 'earlier' })
  return {
    url: 'http://hub.test',
    fetch: stream.fetch,
    epoch: 'test',
    publish: async (name, data, type) => {
      stream.send(data, { stream: name, ...(type === undefined ? {} : { type }) })
    },
  }
}

function realHub(epoch: string): Hub {
  return {
    url: address,
    fetch,
    epoch,
    publish: async (name, data, type) => {
      const query = type === undefined ? '' : `?type=${type}`
      const response = await fetch(`${address}/v1/streams/${name}/events${query}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(data),
      })
      expect(response.status, await response.text()).toBe(200)
    },
  }
}

/** Without what must differ: version, times, epoch. */
function comparable(hub: Hub, value: unknown): unknown {
  const text = JSON.stringify(value, (_, v) => v ?? null)
    .replaceAll(`"${hub.epoch}-`, '"EPOCH-')
    .replaceAll(/"time":"[^"]+"/g, '"time":"TIME"')
    .replaceAll(/"version":"[^"]+"/g, '"version":"VERSION"')
  return JSON.parse(text)
}

/** Runs what a client does with both hubs; it must see the same. */
async function same(run: (hub: Hub) => Promise<unknown>): Promise<unknown> {
  const [fake, real] = await Promise.all(hubs.map(async (hub) => comparable(hub, await run(hub))))
  expect(fake).toEqual(real)
  return real
}

/** Publishes the numbers, and a few to another stream between. */
async function fill(hub: Hub): Promise<number> {
  const head = (await (await page(hub, `stream=${own('a')}`)).json()).cursor as string
  for (const n of [1, 2, 3, 4, 5]) await hub.publish(own('a'), { n }, n === 4 ? 'tick' : undefined)
  await hub.publish(own('b'), 'b')
  return Number(head.split('-')[1])
}

function page(hub: Hub, query: string): Promise<Response> {
  const headers = { Accept: 'application/json' }
  return hub.fetch(`${hub.url}/v1/events?${query}`, { headers })
}

/** What a client sees of an address, up to an event that is sent as soon as it is
 * connected. */
async function seenOf(hub: Hub, path: string, lastEventId?: string) {
  const options = lastEventId === undefined ? {} : { lastEventId }
  const client = follow(hub.url + path, { fetch: hub.fetch, ...options })
  try {
    await client.has('hub.hello')
    await hub.publish(own('a'), 'last')
    await client.until(() => JSON.stringify(client.seen.at(-1)?.data)?.includes('"last"') ?? false)
    return client.seen
  } finally {
    client.connection.close()
  }
}

const bare = () => `/v1/streams/${own('a')}/events`
const many = () => `/v1/events?stream=${own('b')}&stream=${own('a')}`

describe('a test stream and a hub', () => {
  for (const [form, path] of [
    ['bare', bare],
    ['in envelopes', many],
    ['of a pattern', () => `/v1/events?stream=${own('>')}`],
  ] as const) {
    it(`say hello and send live events ${form}`, async () => {
      await same((hub) => seenOf(hub, path()))
    })

    it(`replay after an id, ${form}`, async () => {
      const seen = await same(async (hub) => {
        const at = await fill(hub)
        return seenOf(hub, path(), `${hub.epoch}-${at + 3}`)
      })
      expect(seen).toHaveLength(form === 'bare' ? 4 : 5)
    })

    it(`count what is evicted, ${form}`, async () => {
      const seen = await same(async (hub) => {
        const at = await fill(hub)
        return seenOf(hub, path(), `${hub.epoch}-${at + 1}`)
      })
      expect(seen).toContainEqual(
        expect.objectContaining({ data: expect.objectContaining({ reason: 'evicted', lost: 1 }) }),
      )
    })

    for (const [what, cursor, reason] of [
      ['garbage', 'garbage', 'unknown'],
      ['a position that never was', 'EPOCH-99999', 'unknown'],
      ['a position of another log', 'k9-3', 'epoch'],
    ] as const) {
      it(`go on after ${what}, ${form}`, async () => {
        const seen = await same(async (hub) => {
          await fill(hub)
          return seenOf(hub, path(), cursor.replace('EPOCH', hub.epoch))
        })
        expect(seen).toContainEqual(
          expect.objectContaining({ data: expect.objectContaining({ reason }) }),
        )
      })
    }

    it(`begin with the last, ${form}`, async () => {
      await same(async (hub) => {
        await fill(hub)
        return seenOf(hub, `${path()}${path().includes('?') ? '&' : '?'}last=2`)
      })
    })
  }

  it('have the same pages', async () => {
    await same(async (hub) => {
      const at = await fill(hub)
      const streams = `stream=${own('a')}&stream=${own('b')}`
      const queries = [
        streams,
        `${streams}&limit=2`,
        `${streams}&last=3&limit=2`,
        `${streams}&since=1h&limit=2`,
        `${streams}&last-event-id=${hub.epoch}-${at + 1}&limit=2`,
        `${streams}&last-event-id=${hub.epoch}-${at + 4}`,
        `${streams}&last-event-id=garbage&limit=2`,
        `stream=${own('none')}`,
        `stream=${own('a')} where data.n > 0&last-event-id=${hub.epoch}-${at + 1}`,
        `stream=${own('a')}&filter=data.n > 0&last-event-id=${hub.epoch}-${at + 1}`,
      ]
      const pages = []
      for (const query of queries) pages.push(await (await page(hub, query)).json())
      return pages
    })
  })

  it('answer with the same headers, and refuse the same', async () => {
    await same(async (hub) => {
      const answers = []
      for (const path of [
        bare(),
        many(),
        '/v1/events',
        '/v1/events?stream=a..b',
        '/v1/events?stream=a&last=0',
      ]) {
        const abort = new AbortController()
        const { status, headers } = await hub.fetch(hub.url + path, { signal: abort.signal })
        abort.abort()
        const names = ['content-type', 'cache-control', 'x-accel-buffering', 'retry-after']
        answers.push([status, names.map((name) => headers.get(name))])
      }
      return answers
    })
  })
})
