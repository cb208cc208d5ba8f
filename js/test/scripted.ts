import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Answers one request of a {@link Scripted} server. */
export type Answer = (res: ServerResponse, req: IncomingMessage) => void

/** A server that answers as it is told: for what no hub would do. */
export class Scripted {
  readonly requests: IncomingMessage[] = []
  /** What has not been answered to the end. */
  readonly open = new Set<ServerResponse>()
  url = ''
  readonly #answers: Answer[]
  readonly #server = createServer((req, res) => {
    this.requests.push(req)
    const answer = this.#answers.length > 1 ? this.#answers.shift() : this.#answers[0]
    res.on('close', () => this.open.delete(res))
    answer?.(res, req)
    if (!res.writableEnded) this.open.add(res)
  })

  private constructor(answers: Answer[]) {
    this.#answers = answers
  }

  /** Answers the first request by the first answer, and so on; the last one stays. */
  static async start(...answers: Answer[]): Promise<Scripted> {
    const server = new Scripted(answers)
    await new Promise<void>((done) => server.#server.listen(0, '127.0.0.1', done))
    server.url = `http://127.0.0.1:${(server.#server.address() as AddressInfo).port}/`
    return server
  }

  /** Tells all that listen. */
  send(text: string): void {
    for (const res of this.open) res.write(text)
  }

  /** Cuts all connections. */
  cut(): void {
    for (const res of this.open) res.destroy()
  }

  async close(): Promise<void> {
    const closed = new Promise((done) => this.#server.close(done))
    this.#server.closeAllConnections()
    await closed
  }
}

/** Answers with an event stream that says this first. */
export function says(...text: string[]): Answer {
  return (res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    res.write(text.join('') || ':\n\n')
  }
}

/** Answers with a status. */
export function status(code: number, headers: Record<string, string> = {}, body = ''): Answer {
  return (res) => res.writeHead(code, headers).end(body)
}
