import { Server } from './server.mjs'

/** A real hub, and what tests do with it. */
export class Hub {
  readonly server: Server

  private constructor(server: Server) {
    this.server = server
  }

  /** Starts one that has no sources, and keeps the last events of a stream. */
  static async start({ keep = 100_000, args = [] as string[] } = {}): Promise<Hub> {
    const some = ['--sources', '{}', '--streams', `[{match: ">", keep: {events: ${keep}}}]`]
    return new Hub(await Server.start({ args: [...some, ...args] }))
  }

  get url(): string {
    return this.server.url
  }

  /** Where the events of a stream are. */
  at(stream: string, query = ''): string {
    return `${this.url}/v1/streams/${stream}/events${query && `?${query}`}`
  }

  /** Publishes values. Returns the id of the last. */
  async publish(stream: string, ...values: unknown[]): Promise<string> {
    const body = values.map((value) => JSON.stringify(value)).join('\n')
    const headers = { 'content-type': 'application/x-ndjson' }
    const answer = await fetch(this.at(stream), { method: 'POST', headers, body })
    const { id, detail } = (await answer.json()) as { id?: string; detail?: string }
    if (id === undefined) throw new Error(`not published: ${detail}`)
    return id
  }

  /** How many subscribers there are. */
  async subscribers(): Promise<number> {
    const text = await (await fetch(`${this.server.admin}/metrics`)).text()
    return Number(/^streamgauge_subscribers (\d+)$/m.exec(text)?.[1])
  }

  close(): Promise<void> {
    return this.server.close()
  }
}
