// A stand-in for the hub, for developing and testing the page alone: it keeps
// events in memory and speaks the part of the wire that the page uses. It is
// also the fixture that cuts, stalls and refuses on demand.

import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'

/** @type {Record<string, string>} */
const TYPES = { html: 'text/html', js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml' }

/**
 * @typedef {{stream: string, id: string, time: string, type?: string, key?: string, data: unknown}} Envelope
 */

/** A hub that forgets all but the last `keep` events. */
export class FakeHub {
  /** @type {Envelope[]} */
  events = []
  /** @type {Set<import('node:http').ServerResponse>} */
  subscribers = new Set()
  /** @type {import('node:http').IncomingMessage['headers'][]} What subscribers asked with. */
  requests = []
  /** Answer the next subscribers with this status instead of a stream. */
  refuse = 0
  heartbeat = 15_000
  /** What subscribers are told to wait before a reconnect, in ms. */
  retry = 300
  #seq = 0
  #epoch = 'fk1'
  #server = createServer((req, res) => {
    this.#serve(req, res).catch((error) => {
      res.statusCode = 500
      res.end(String(error))
    })
  })

  constructor({ keep = 20_000 } = {}) {
    this.keep = keep
  }

  /** Listens and returns the address. */
  async listen(port = 0) {
    await new Promise((done) => this.#server.listen(port, '127.0.0.1', () => done(undefined)))
    const address = /** @type {import('node:net').AddressInfo} */ (this.#server.address())
    return `http://127.0.0.1:${address.port}`
  }

  /** Ends all connections and stops listening. */
  async close() {
    const closed = new Promise((done) => this.#server.close(() => done(undefined)))
    this.#server.closeAllConnections()
    await closed
  }

  /** Cuts every subscriber's connection without a word. */
  cut() {
    for (const res of this.subscribers) res.destroy()
  }

  get head() {
    return `${this.#epoch}-${this.#seq}`
  }

  /**
   * Stores an event and sends it to everyone.
   * @param {string} stream
   * @param {unknown} data
   * @param {{key?: string, type?: string, time?: number}} [options]
   */
  publish(stream, data, { key, type, time = Date.now() } = {}) {
    this.#seq++
    const at = new Date(time).toISOString()
    /** @type {Envelope} */
    const envelope = { stream, id: this.head, time: at, data }
    if (type !== undefined) envelope.type = type
    if (key !== undefined) envelope.key = key
    this.events.push(envelope)
    if (this.events.length > this.keep) this.events.shift()
    this.send(block(envelope))
    return envelope.id
  }

  /** Sends raw text to every subscriber. @param {string} text */
  send(text) {
    for (const res of this.subscribers) res.write(text)
  }

  /**
   * @param {import('node:http').IncomingMessage} req
   * @param {import('node:http').ServerResponse} res
   */
  async #serve(req, res) {
    const url = new URL(req.url ?? '/', 'http://fake')
    const stream = /^\/v1\/streams\/([^/]+)\/events$/.exec(url.pathname)?.[1]
    if (req.method === 'POST' && stream) return this.#accept(stream, req, res)
    if (url.pathname === '/v1/streams') return json(res, { head: this.head, streams: this.#list() })
    if (url.pathname === '/v1/events') {
      if (req.headers.accept === 'application/json') {
        const wanted = url.searchParams.getAll('stream')
        const events = this.events.filter((e) => wanted.includes(e.stream))
        return json(res, { events: events.slice(-Number(url.searchParams.get('last'))) })
      }
      return this.#subscribe(req, res, url)
    }
    await asset(url.pathname, res)
  }

  /**
   * @param {string} stream
   * @param {import('node:http').IncomingMessage} req
   * @param {import('node:http').ServerResponse} res
   */
  async #accept(stream, req, res) {
    let body = ''
    for await (const chunk of req) body += chunk
    const data = JSON.parse(body)
    let id = ''
    for (const value of Array.isArray(data) ? data : [data]) id = this.publish(stream, value)
    json(res, { id, count: Array.isArray(data) ? data.length : 1, level: 'memory' })
  }

  /**
   * @param {import('node:http').IncomingMessage} req
   * @param {import('node:http').ServerResponse} res
   * @param {URL} url
   */
  #subscribe(req, res, url) {
    this.requests.push(req.headers)
    if (this.refuse !== 0) {
      res.writeHead(this.refuse, { 'retry-after': '0' }).end()
      return
    }
    res.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
    })
    const cursor = req.headers['last-event-id']
    const since = Date.now() - Number.parseInt(url.searchParams.get('since') ?? '0', 10) * 60_000
    const after = typeof cursor === 'string' ? Number(cursor.split('-')[1]) : undefined
    const replay = this.events.filter((e) =>
      after === undefined ? Date.parse(e.time) >= since : Number(e.id.split('-')[1]) > after,
    )
    const position =
      typeof cursor === 'string' ? cursor : `${this.#epoch}-${this.#seq - replay.length}`
    const hello = {
      version: 'fake',
      heartbeat_ms: this.heartbeat,
      position,
      streams: ['>'],
      delivery: 'all',
    }
    res.write(
      `retry: ${this.retry}\nid: ${position}\nevent: hub.hello\ndata: ${JSON.stringify(hello)}\n\n`,
    )
    res.write(replay.map(block).join(''))
    this.subscribers.add(res)
    res.on('close', () => this.subscribers.delete(res))
  }

  #list() {
    /** @type {Map<string, {name: string, time: string, age_ms: number}>} */
    const streams = new Map()
    for (const e of this.events) {
      const age = Date.now() - Date.parse(e.time)
      streams.set(e.stream, { name: e.stream, time: e.time, age_ms: age })
    }
    return [...streams.values()]
  }
}

/** @param {Envelope} envelope */
function block(envelope) {
  return `id: ${envelope.id}\ndata: ${JSON.stringify(envelope)}\n\n`
}

/** @param {import('node:http').ServerResponse} res @param {unknown} value */
function json(res, value) {
  res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

/** @param {string} path @param {import('node:http').ServerResponse} res */
async function asset(path, res) {
  const name = path === '/' ? 'index.html' : path.slice(1)
  try {
    const body = await readFile(new URL(`../dist/${name}`, import.meta.url))
    const type = TYPES[name.split('.').at(-1) ?? ''] ?? 'text/plain'
    const policy = "default-src 'self'; frame-ancestors 'self'"
    res.writeHead(200, { 'content-type': type, 'content-security-policy': policy }).end(body)
  } catch {
    res.writeHead(404).end()
  }
}
