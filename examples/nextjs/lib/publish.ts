import 'server-only'
import { randomUUID } from 'node:crypto'
import { HUB, hubHeaders } from './hub'
import { once } from './state'
import type { StreamName, Streams } from './streams'

/** How many events may wait for the hub; beyond that the oldest are given up. */
const QUEUE = 2000
const BATCH = 200
/** Ms before the first retry, and at most. */
const RETRY = [250, 5000] as const

interface NewEvent {
  readonly stream: StreamName
  readonly time: string
  readonly data: { readonly at: number }
}

/**
 * Publishes an event, soon. It never throws and nobody has to wait for it: a visitor's
 * request has nothing to do with whether the hub is there.
 */
export function publish<K extends StreamName>(stream: K, data: Streams[K]): void {
  outbox().add({ stream, time: new Date(data.at).toISOString(), data })
}

/** What is not yet at the hub. */
class Outbox {
  #waiting: NewEvent[] = []
  #isSending = false
  #dropped = 0

  add(event: NewEvent): void {
    this.#waiting.push(event)
    if (this.#waiting.length > QUEUE) {
      this.#waiting.shift()
      this.#dropped++
    }
    if (!this.#isSending) void this.#send()
  }

  async #send(): Promise<void> {
    this.#isSending = true
    while (this.#waiting.length > 0) {
      // What comes while this batch is under way makes the next one.
      await this.#deliver(this.#waiting.splice(0, BATCH))
    }
    this.#isSending = false
  }

  /** Sends a batch until the hub has it, or refuses it. */
  async #deliver(batch: readonly NewEvent[]): Promise<void> {
    // An answer may get lost on its way: with the same key a second try stores nothing twice.
    const key = randomUUID()
    for (let attempt = 0; ; attempt++) {
      const problem = await post(batch, key)
      if (problem === undefined) {
        if (attempt > 0) this.#report()
        return
      }
      if (problem.isFinal) {
        console.error(`The hub refused ${batch.length} events: ${problem.why}`)
        return
      }
      if (attempt === 0) console.warn(`The hub is away, events wait: ${problem.why}`)
      const [first, most] = RETRY
      const delay = Math.min(first * 2 ** attempt, most) * (0.5 + Math.random())
      await new Promise((done) => setTimeout(done, delay).unref())
    }
  }

  #report(): void {
    const lost = this.#dropped
    this.#dropped = 0
    console.info('The hub is back.')
    publish('logs.site', {
      at: Date.now(),
      level: 'warn',
      message: lost === 0 ? 'hub was away, nothing lost' : `hub was away, ${lost} events lost`,
    })
  }
}

interface Problem {
  readonly why: string
  /** Whether it would be the same again. */
  readonly isFinal: boolean
}

async function post(batch: readonly NewEvent[], key: string): Promise<Problem | undefined> {
  try {
    const response = await fetch(`${HUB}/v1/events`, {
      method: 'POST',
      headers: { ...hubHeaders(), 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify(batch),
      cache: 'no-store',
      signal: AbortSignal.timeout(5000),
    })
    if (response.ok) {
      await response.arrayBuffer()
      return undefined
    }
    const { status } = response
    const isFinal = status >= 400 && status < 500 && status !== 408 && status !== 429
    return { why: `${status} ${(await response.text()).slice(0, 300)}`, isFinal }
  } catch (error) {
    const { message, cause } = error as Error
    return { why: cause instanceof Error ? cause.message : message, isFinal: false }
  }
}

const outbox = () => once('outbox', () => new Outbox())
