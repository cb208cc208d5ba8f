// A server for tests to be upstream of a proxy: it counts who is connected and misbehaves on
// demand.

import { createServer } from 'node:http'

/** @typedef {import('node:http').IncomingMessage} Request */
/** @typedef {import('node:http').ServerResponse} Answer */

/** Polls until the condition holds. @param {() => unknown} condition @param {number} [within] ms */
export async function until(condition, within = 10_000) {
  const deadline = Date.now() + within
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${within} ms: ${condition}`)
    await new Promise((done) => setTimeout(done, 10))
  }
}

/** An upstream on a port of its own. */
export class Upstream {
  /** Its address, without a slash at the end. */
  url = ''
  /** The requests so far. @type {Request[]} */
  requests = []
  /** The answers whose connection is open. @type {Set<Answer>} */
  open = new Set()
  #handle
  #port = 0
  /** @type {import('node:http').Server | undefined} */
  #server

  /** @param {(answer: Answer, request: Request) => void} [handle] default: an open stream with one event */
  constructor(handle = (answer) => stream(answer)) {
    this.#handle = handle
  }

  /** Starts listening, again on the port that it had. */
  async listen() {
    const server = createServer((request, answer) => {
      this.requests.push(request)
      this.open.add(answer)
      answer.on('close', () => this.open.delete(answer))
      this.#handle(answer, request)
    })
    await new Promise((done) => server.listen(this.#port, '127.0.0.1', () => done(undefined)))
    const address = /** @type {import('node:net').AddressInfo} */ (server.address())
    this.#port = address.port
    this.#server = server
    this.url = `http://127.0.0.1:${address.port}`
    return this
  }

  /** Ends all connections and refuses new ones. */
  async close() {
    const closed = new Promise((done) => this.#server?.close(() => done(undefined)))
    this.#server?.closeAllConnections()
    await closed
  }
}

/**
 * Answers with an event stream of one event, and leaves it open.
 * @param {Answer} answer
 * @param {Record<string, string>} [headers]
 */
export function stream(answer, headers) {
  answer.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache, no-transform',
    ...headers,
  })
  answer.write('id: 1\ndata: "first"\n\n')
}
