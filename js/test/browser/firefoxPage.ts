// What firefox.test.mjs has Firefox do: at /auto it checks itself, and tells the test.

import { lab } from './page.js'

/** Has the test do something. */
async function ask<T = unknown>(what: string, body: unknown = {}): Promise<T> {
  const answer = await fetch(`/test/${what}`, { method: 'POST', body: JSON.stringify(body) })
  return (await answer.json()) as T
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not: ${condition}: ${JSON.stringify(lab.seen)}`)
    await new Promise((done) => setTimeout(done, 20))
  }
}

async function has(name: string, to: number, page = lab): Promise<void> {
  const numbers = () => page.note(name).numbers
  await until(() => numbers().at(-1) === to)
  if (numbers().length !== to || numbers().some((n, i) => n !== i + 1)) {
    throw new Error(`${name} has ${numbers()}`)
  }
}

const isLive = (name: string, page = lab) => until(() => page.note(name).status === 'live')
const at = (stream: string, query = '') => `/v1/streams/${stream}/events${query}`

/** Opens a stream of its own in every way that there is, and an EventSource. */
async function openAll(stream: string): Promise<readonly string[]> {
  const names = ['hook', 'fetch', 'source'].map((name) => `${stream} ${name}`)
  const [hook = '', byFetch = '', source = ''] = names
  lab.show([{ name: hook, url: at(stream) }])
  lab.open(byFetch, at(stream), { share: false })
  lab.open(source, at(stream), { transport: 'eventsource' })
  lab.native(stream, at(stream))
  for (const name of names) await isLive(name)
  await until(() => lab.sources[stream]?.readyState === 1)
  await ask('publish', { stream, from: 1, to: 10 })
  for (const name of [...names, stream]) await has(name, 10)
  return names
}

function closeAll(stream: string, names: readonly string[]): void {
  lab.show([])
  for (const name of names) lab.streams[name]?.close()
  lab.sources[stream]?.close()
}

const checks: Record<string, () => Promise<unknown>> = {
  /** Returns how many ms it took. */
  async open() {
    const began = performance.now()
    lab.show([{ name: 'open', url: at('open') }])
    await isLive('open') // before there is any event
    const took = Math.round(performance.now() - began)
    await ask('publish', { stream: 'open', from: 1, to: 1 })
    await has('open', 1)
    lab.show([])
    return took
  },
  async cut() {
    const names = await openAll('cut')
    await ask('cut')
    await ask('publish', { stream: 'cut', from: 11, to: 20 })
    for (const name of names) await has(name, 20)
    closeAll('cut', names)
  },
  async unavailable() {
    const names = await openAll('unavailable')
    await ask('answer', 503)
    await ask('cut')
    await until(() => lab.sources.unavailable?.readyState === 2)
    await until(async () => Number(await ask('refused')) >= 4)
    await ask('publish', { stream: 'unavailable', from: 11, to: 20 })
    await ask('answer', 'pass')
    for (const name of names) await has(name, 20)
    if (lab.sources.unavailable?.readyState !== 2) throw new Error('the EventSource is not dead')
    closeAll('unavailable', names)
  },
  async share() {
    await until(async () => Number(await ask('subscribers')) === 0)
    const frames = [1, 2, 3].map(() => document.createElement('iframe'))
    const pages: (typeof lab)[] = []
    for (const frame of frames) {
      frame.src = '/page'
      document.body.append(frame)
      await until(() => frame.contentWindow?.lab !== undefined)
      pages.push((frame.contentWindow as Window).lab)
    }
    for (const page of pages) page.open('share', at('share'), { share: 'browser' })
    for (const page of pages) await isLive('share', page)
    await until(async () => Number(await ask('subscribers')) === 1)
    await ask('publish', { stream: 'share', from: 1, to: 50 })
    for (const page of pages) await has('share', 50, page)
    const leader = pages.findIndex((page) => page.connections === 1)
    const others = pages.filter((_, i) => i !== leader)
    if (others.length !== 2) throw new Error('no frame has the connection')
    const publishing = ask('publish', { stream: 'share', from: 51, to: 100 })
    frames[leader]?.remove()
    await publishing
    for (const page of others) await has('share', 100, page)
    await until(async () => Number(await ask('subscribers')) === 1)
  },
}

async function checkAll(): Promise<void> {
  for (const [name, check] of Object.entries(checks)) {
    const result = await check().then(
      (value) => ({ value }),
      (error: unknown) => ({ error: String(error) }),
    )
    await ask('result', { name, ...result })
  }
}

if (location.pathname === '/auto') void checkAll()
