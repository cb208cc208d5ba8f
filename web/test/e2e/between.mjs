import { createServer, request } from 'node:http'

/** Stands between a browser and a server, and fails as it is told. */
export class Between {
  /** Answer everything with this status, if it is not 0. */
  status = 0
  /** Its own address. */
  url = ''
  #cut = false
  #target
  #server = createServer((incoming, outgoing) => this.#pass(incoming, outgoing))
  /** @type {Set<import('node:net').Socket>} */
  #sockets = new Set()

  /** @param {string} target */
  constructor(target) {
    this.#target = target
    this.#server.on('connection', (socket) => {
      if (this.#cut) socket.destroy()
      else {
        this.#sockets.add(socket)
        socket.on('close', () => this.#sockets.delete(socket))
      }
    })
  }

  async listen() {
    await new Promise((done) => this.#server.listen(0, '127.0.0.1', () => done(0)))
    const { port } = /** @type {import('node:net').AddressInfo} */ (this.#server.address())
    this.url = `http://127.0.0.1:${port}`
    return this
  }

  /** Ends every connection and takes no other. */
  cut() {
    this.#cut = true
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Lets connections through again. */
  mend() {
    this.#cut = false
  }

  /** Ends every connection; new ones are taken. */
  drop() {
    for (const socket of this.#sockets) socket.destroy()
  }

  close() {
    this.drop()
    this.#server.close()
  }

  /** @param {import('node:http').IncomingMessage} incoming @param {import('node:http').ServerResponse} outgoing */
  #pass(incoming, outgoing) {
    if (this.status !== 0) {
      outgoing.writeHead(this.status, { 'Content-Type': 'text/html' })
      outgoing.end('<h1>Bad day</h1>')
      return
    }
    const { method, headers, url } = incoming
    const onward = request(this.#target + url, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
      answer.on('error', () => outgoing.destroy())
    })
    onward.on('error', () => {
      if (outgoing.headersSent) outgoing.destroy()
      else outgoing.writeHead(502).end()
    })
    outgoing.on('close', () => onward.destroy())
    incoming.pipe(onward)
  }
}
