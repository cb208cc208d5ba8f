import { opening, page } from './answer.js'
import { type Ask, nameIn, parseAsk, Refusal, selects } from './ask.js'
import { History } from './history.js'
import type {
  ByeOptions,
  FailOptions,
  GapOptions,
  SendOptions,
  TestRequest,
  TestStreamOptions,
  Undo,
} from './options.js'
import { addressOf, servedBy } from './route.js'
import { Subscriber } from './subscriber.js'
import { blockOf, controlBlock, gapBlock, problemOf, streamOf } from './wire.js'

/** A hub that lives in a test; see {@link createTestStream}. */
export class TestStream {
  readonly #options: TestStreamOptions
  readonly #serves: (url: URL) => boolean
  readonly #history: History
  readonly #subscribers = new Set<Subscriber>()
  readonly #requests: TestRequest[] = []
  #before: typeof fetch | undefined
  #failure: { refusal: Refusal; retryAfter: number | undefined; times: number } | undefined
  /** Attempts that are not answered, while it hangs. */
  #hanging: Set<() => void> | undefined
  #awaiting: { count: number; resolve: () => void }[] = []

  constructor(options: TestStreamOptions = {}) {
    const history = options.history ?? 1000
    if (!(history >= 1)) throw new RangeError('history must be 1 or more')
    this.#options = options
    this.#serves = servedBy(options.url)
    this.#history = new History(history)
    this.#before = globalThis.fetch
  }

  /** How many connections are open now. */
  get connections(): number {
    return this.#subscribers.size
  }

  /** All requests that it was to serve, oldest first, also those that failed. */
  get requests(): readonly TestRequest[] {
    return this.#requests
  }

  /** What to give as the option `fetch`. It may be called without its object. Requests
   * for other addresses go to the `fetch` that there was before; without one they reject
   * with a TypeError. */
  readonly fetch: typeof fetch = async (input, init) => {
    const from = input instanceof Request ? input : undefined
    const url = addressOf(from?.url ?? String(input))
    if (!this.#serves(url)) return this.#passOn(url, input, init)
    const headers = new Headers(init?.headers ?? from?.headers)
    const signal = init?.signal ?? from?.signal
    const cursor = headers.get('last-event-id') || url.searchParams.get('last-event-id')
    this.#requests.push({ url: url.href, headers, lastEventId: cursor ?? '' })
    signal?.throwIfAborted()
    if (this.#hanging !== undefined) await this.#untilRestored(signal)
    const failure = this.#takeFailure()
    if (failure?.refusal.status === 0) throw new TypeError(failure.refusal.detail)
    if (failure !== undefined) return problemOf(failure.refusal, failure.retryAfter)
    const method = (init?.method ?? from?.method ?? 'GET').toUpperCase()
    if (method !== 'GET') {
      const why = `A test stream answers GET, no ${method}: its option url says what it serves.`
      return problemOf(new Refusal(405, why))
    }
    const ask = parseAsk(url, headers)
    if (ask instanceof Refusal) return problemOf(ask)
    return ask.page ? page(this.#history, ask) : this.#subscribe(ask, signal ?? undefined)
  }

  /**
   * Sends an event to every connection that asked for its stream, and keeps it for those
   * that come back.
   *
   * @param data what JSON can say
   * @returns the event's id
   * @throws TypeError if `data` is nothing that JSON can say or the type is not allowed,
   * RangeError if the id is not newer than the last
   * @example
   * stream.send({ total: 12.5 }, { stream: 'shop.orders', type: 'paid' })
   */
  send(data: unknown, options: SendOptions = {}): string {
    const json: string | undefined = JSON.stringify(data)
    if (json === undefined) throw new TypeError('data is nothing that JSON can say')
    const { stream, type, key, id } = options
    if (type !== undefined && (type.startsWith('hub.') || /[\r\n]/.test(type))) {
      throw new TypeError(`no publisher can use the type ${JSON.stringify(type)}`)
    }
    const time = Number(options.time ?? Date.now())
    const event = this.#history.append({ stream, type, key, time, json }, id)
    this.#toThoseOf(stream, (ask) => blockOf(ask, event))
    return event.id
  }

  /**
   * Writes text to every connection as it is. Nothing of it is kept.
   *
   * @example
   * stream.sendRaw('data: half an eve')
   */
  sendRaw(text: string): void {
    for (const subscriber of this.#subscribers) subscriber.write(text)
  }

  /** Sends every connection a `hub.heartbeat`. @example stream.heartbeat() */
  heartbeat(): void {
    const data = { time: new Date(Date.now()).toISOString(), state: 'ok' }
    this.sendRaw(controlBlock('heartbeat', data, this.#position))
  }

  /**
   * Tells connections that events are lost. With the reason `epoch` the log begins
   * anew: it forgets what was sent, and ids of before are of another epoch.
   *
   * @throws RangeError if `lost` is no whole number, 0 or more
   * @example
   * stream.gap({ lost: 12, reason: 'overflow' })
   */
  gap({ lost = null, reason = 'overflow', stream }: GapOptions = {}): void {
    const counted = reason === 'evicted' || reason === 'overflow'
    if (lost !== null && !(counted && Number.isSafeInteger(lost) && lost >= 0)) {
      throw new RangeError(`a gap ${reason} can't have lost ${lost}`)
    }
    const from = counted || reason === 'backend' ? this.#position : null
    if (reason === 'epoch') this.#history.renew()
    this.#history.lose(stream, lost ?? 0)
    const to = from === null ? null : this.#history.position(this.#history.head + 1)
    this.#toThoseOf(stream, (ask) => {
      const gap = { stream: counted ? nameIn(ask, stream) : null, from, to, lost, reason }
      return gapBlock(gap, this.#position)
    })
  }

  /** Breaks all connections off with a network error, a TypeError. What was sent and not
   * yet read is lost to them, as it is on a network. @example stream.cut() */
  cut(): void {
    for (const subscriber of [...this.#subscribers]) subscriber.fail(new TypeError('network error'))
  }

  /**
   * Ends all connections as a server does, after what was sent.
   *
   * @param bye what `hub.bye` says before; without it the server says nothing
   * @example
   * stream.end({ reason: 'drain', retryMs: 250 })
   */
  end(bye?: ByeOptions): void {
    if (bye !== undefined) {
      const ms = bye.retryMs ?? this.#retry
      const block = controlBlock('bye', { reason: bye.reason, retry_ms: ms })
      this.sendRaw(`retry: ${ms}\n${block}`)
    }
    for (const subscriber of [...this.#subscribers]) subscriber.end()
  }

  /**
   * Lets the next attempts fail. Open connections stay; {@link cut} ends them.
   *
   * @param status the answer's HTTP status, from 201 to 599; 0 is a network error
   * @throws RangeError if status or times are out of range
   * @example
   * stream.fail(503, { retryAfter: 2000, times: 3 })
   */
  fail(status: number, { retryAfter, times = 1 }: FailOptions = {}): void {
    const possible = status === 0 || (status > 200 && status <= 599 && Number.isInteger(status))
    if (!possible) throw new RangeError(`${status} is no status of a failure`)
    if (!(times >= 1)) throw new RangeError('times must be 1 or more')
    const detail = status === 0 ? 'network error' : 'The test lets this attempt fail.'
    this.#failure = { refusal: new Refusal(status, detail), retryAfter, times }
  }

  /** Says nothing any more, as a connection does that is dead without saying so: what is
   * sent stays back, and attempts are not answered. @example stream.hang() */
  hang(): void {
    this.#hanging ??= new Set()
    for (const subscriber of this.#subscribers) subscriber.hold()
  }

  /** Ends {@link hang} and {@link fail}: what stayed back is sent, attempts that wait are
   * answered. @example stream.restore() */
  restore(): void {
    this.#failure = undefined
    const waiting = this.#hanging ?? []
    this.#hanging = undefined
    for (const subscriber of this.#subscribers) subscriber.release()
    for (const answer of waiting) answer()
  }

  /**
   * Resolves once at least `count` connections are open, at once if they are.
   *
   * @param count 1 or more; default 1
   * @example
   * stream.cut()
   * await stream.connected() // the client is back
   */
  connected(count = 1): Promise<void> {
    if (this.connections >= count) return Promise.resolve()
    return new Promise((resolve) => this.#awaiting.push({ count, resolve }))
  }

  /**
   * Puts {@link fetch} in place of the global one.
   *
   * @returns what puts back the one before; also to be declared with `using`
   * @example
   * using _ = stream.install()
   */
  install(): Undo {
    const before = globalThis.fetch
    if (before !== this.fetch) this.#before = before
    globalThis.fetch = this.fetch
    const undo = () => {
      // Another may have been installed since: it is not ours to take away.
      if (globalThis.fetch === this.fetch) globalThis.fetch = before
    }
    // Engines older than `using` have no such symbol; nothing there asks for it.
    const dispose: typeof Symbol.dispose = Symbol.dispose ?? Symbol.for('Symbol.dispose')
    return Object.assign(undo, { [dispose]: undo })
  }

  get #position(): string {
    return this.#history.position(this.#history.head)
  }

  get #retry(): number {
    return this.#options.retry ?? 100
  }

  #toThoseOf(stream: string | undefined, block: (ask: Ask) => string): void {
    for (const subscriber of this.#subscribers) {
      if (selects(subscriber.ask, stream)) subscriber.write(block(subscriber.ask))
    }
  }

  async #passOn(url: URL, ...request: Parameters<typeof fetch>): Promise<Response> {
    if (this.#before !== undefined) return this.#before(...request)
    throw new TypeError(`the test stream doesn't serve ${url}, and there is no other fetch`)
  }

  #takeFailure() {
    const failure = this.#failure
    if (failure !== undefined && --failure.times <= 0) this.#failure = undefined
    return failure
  }

  #untilRestored(signal: AbortSignal | null | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting = this.#hanging
      const abort = () => {
        waiting?.delete(answer)
        reject(signal?.reason)
      }
      const answer = () => {
        signal?.removeEventListener('abort', abort)
        resolve()
      }
      signal?.addEventListener('abort', abort)
      waiting?.add(answer)
    })
  }

  #subscribe(ask: Ask, signal: AbortSignal | undefined): Response {
    const subscriber = new Subscriber(ask, signal, (gone) => this.#subscribers.delete(gone))
    const heartbeat = this.#options.heartbeat ?? 15_000
    subscriber.write(opening(this.#history, ask, { retry: this.#retry, heartbeat }))
    this.#subscribers.add(subscriber)
    const there = (waiting: { count: number }) => waiting.count <= this.connections
    for (const waiting of this.#awaiting.filter(there)) waiting.resolve()
    this.#awaiting = this.#awaiting.filter((waiting) => !there(waiting))
    return streamOf(subscriber.body)
  }
}
