// Stands between a browser and the hub: hands out the page, and breaks what passes
// through it in every way that networks do.

import { createServer, request } from 'node:http'

/** @typedef {import('node:http').IncomingMessage} IncomingMessage */
/** @typedef {import('node:http').ServerResponse} ServerResponse */

const HTML = `<!doctype html><meta charset="utf-8"><title>test</title><link rel="icon" href="data:,">
<div id="root"></div><script src="/page.js"></script>`

export class HubProxy {
  /** The hub's address. */
  target = ''
  /** What requests to the hub get: its answer, none at all, or a status.
   * @type {'pass' | 'silent' | number} */
  answer = 'pass'
  /** @type {Record<string, string>} */
  answerHeaders = {}
  /** How many requests were answered with a status, or not at all. */
  refused = 0
  /** Whether the connection ends in the midst of the next event. */
  cutNextEvent = false
  /** The requests to the hub. @type {{method: string, url: URL, header: string | undefined}[]} */
  requests = []
  /** Other addresses. @type {Record<string, (body: string) => unknown>} */
  routes = {}
  #script
  /** @type {Map<ServerResponse, IncomingMessage>} */
  #streams = new Map()
  #server = createServer((req, res) => this.#serve(req, res))

  /** @param {string} script the page's */
  constructor(script) {
    this.#script = script
  }

  /** @param {string} script */
  static async start(script) {
    const proxy = new HubProxy(script)
    await new Promise((done) => proxy.#server.listen(0, '127.0.0.1', () => done(undefined)))
    return proxy
  }

  get port() {
    return /** @type {import('node:net').AddressInfo} */ (this.#server.address()).port
  }

  get url() {
    return `http://127.0.0.1:${this.port}`
  }

  /** How many event streams are open. */
  get streams() {
    return this.#streams.size
  }

  /** Forgets what was asked, and passes everything on again. */
  reset() {
    this.answer = 'pass'
    this.answerHeaders = {}
    this.refused = 0
    this.cutNextEvent = false
    this.requests = []
  }

  /** Resets every connection that has an event stream. */
  cut() {
    for (const res of this.#streams.keys()) res.socket?.resetAndDestroy()
    this.#streams.clear()
  }

  /** Passes no more on of the event streams that are open, and says nothing of it. */
  freeze() {
    for (const from of this.#streams.values()) from.pause().removeAllListeners('data')
  }

  async close() {
    this.#server.closeAllConnections()
    await new Promise((done) => this.#server.close(done))
  }

  /** @param {IncomingMessage} req @param {ServerResponse} res */
  #serve(req, res) {
    const url = new URL(req.url ?? '', this.url)
    const route = this.routes[url.pathname]
    if (url.pathname.startsWith('/v1/')) this.#pass(req, res, url)
    else if (route !== undefined) {
      let body = ''
      req.on('data', (chunk) => {
        body += chunk
      })
      req.on('end', async () => res.end(JSON.stringify((await route(body)) ?? null)))
    } else if (url.pathname === '/page.js') {
      res.writeHead(200, { 'content-type': 'text/javascript' }).end(this.#script)
    } else res.writeHead(200, { 'content-type': 'text/html' }).end(HTML)
  }

  /** @param {IncomingMessage} req @param {ServerResponse} res @param {URL} url */
  #pass(req, res, url) {
    const header = /** @type {string | undefined} */ (req.headers['last-event-id'])
    this.requests.push({ method: req.method ?? '', url, header })
    if (this.answer !== 'pass') {
      this.refused++
      if (this.answer !== 'silent') res.writeHead(this.answer, this.answerHeaders).end()
      return
    }
    const { hostname, port } = new URL(this.target)
    const { method, headers } = req
    // What is compressed can't be cut in the midst of an event.
    if (this.cutNextEvent) delete headers['accept-encoding']
    const to = request({ hostname, port, path: req.url, method, headers, agent: false })
    to.on('response', (from) => {
      res.writeHead(from.statusCode ?? 502, from.headers)
      res.flushHeaders()
      if (/event-stream/.test(from.headers['content-type'] ?? '')) this.#streams.set(res, from)
      from.on('data', (chunk) => this.#write(res, chunk))
      from.on('end', () => res.end())
      from.on('error', () => res.destroy())
    })
    to.on('error', () => res.destroy())
    res.on('close', () => {
      this.#streams.delete(res)
      to.destroy()
    })
    req.pipe(to)
  }

  /** @param {ServerResponse} res @param {Buffer} chunk */
  #write(res, chunk) {
    const at = this.cutNextEvent ? /^id:.*\n(?:event:.*\n)?data: ?\d/m.exec(String(chunk)) : null
    if (at === null) {
      res.write(chunk)
      return
    }
    this.cutNextEvent = false
    // The head arrives for sure: a reset might overtake it.
    res.write(chunk.subarray(0, at.index + at[0].length), () => res.socket?.destroy())
  }
}
