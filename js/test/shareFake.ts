// What tabs of one browser share, without a browser: channels, locks, visibility.

import type { Channel } from '../src/live/index.js'
import {
  Live,
  type LiveOptions,
  type StreamState,
  type Want,
  type WireEvent,
} from '../src/live/index.js'

type Said = Parameters<Channel['postMessage']>[0]

/** A browser in which tabs can be opened, closed, killed, frozen and cut off. */
export class FakeBrowser {
  readonly tabs: FakeTab[] = []
  readonly locks = new FakeLocks()
  /** Which tabs can't hear each other, though both are well. */
  apart: (a: FakeTab, b: FakeTab) => boolean = () => false

  open(base: string, want: Want | undefined, options: FakeTabOptions = {}): FakeTab {
    const tab = new FakeTab(this, base, options)
    this.tabs.push(tab)
    if (want !== undefined) tab.live.want(want)
    return tab
  }

  close(): void {
    for (const tab of this.tabs) {
      tab.live.close()
      tab.kill()
    }
  }
}

export interface FakeTabOptions extends Omit<LiveOptions, 'share' | 'page' | 'channel' | 'locks'> {
  /** Whether the browser has locks for it. */
  readonly locks?: boolean
}

/** A tab with a Live, and what that has handed out. */
export class FakeTab {
  readonly browser: FakeBrowser
  readonly live: Live
  readonly events: WireEvent[] = []
  readonly states: StreamState[] = []
  /** The addresses that it has connected to. */
  readonly requests: { url: URL; cursor: string | null }[] = []
  readonly channels = new Map<FakeChannel, string>()
  readonly page = new FakePage()
  readonly #connections = new Set<AbortController>()
  alive = true
  frozen = false

  constructor(browser: FakeBrowser, base: string, { locks = true, ...options }: FakeTabOptions) {
    this.browser = browser
    const own: { locks: LockManager | undefined } = {
      locks: locks ? (browser.locks.of(this) as LockManager) : undefined,
    }
    this.live = new Live(
      new URL('v1/events', base),
      {
        onEvent: (e) => this.events.push(e),
        onState: (s) => this.states.push(s),
      },
      {
        retry: { minDelay: 5, maxDelay: 40 },
        fetch: (input, init) => this.#fetch(String(input), init),
        ...options,
        ...own,
        share: true,
        page: this.page as unknown as Window,
        channel: (name) => new FakeChannel(this, name),
      },
    )
  }

  /** The numbers that events of streams brought, in their order. */
  get numbers(): number[] {
    return this.events
      .filter((e) => e.type === 'message')
      .map((e) => (JSON.parse(e.data) as { data: number }).data)
  }

  get connections(): number {
    return this.#connections.size
  }

  /** Its process ends: nothing of it runs any more, and the browser cleans up. */
  kill(): void {
    this.alive = false
    this.channels.clear()
    for (const connection of this.#connections) connection.abort()
    this.browser.locks.forget(this)
  }

  async #fetch(input: string, init: RequestInit = {}): Promise<Response> {
    if (!this.alive) return new Promise(() => {})
    init.signal?.throwIfAborted() // as a browser does, before it asks anybody
    const connection = new AbortController()
    const cursor = new Headers(init.headers).get('last-event-id')
    this.requests.push({ url: new URL(input), cursor })
    this.#connections.add(connection)
    const over = () => this.#connections.delete(connection)
    init.signal?.addEventListener('abort', over)
    connection.signal.addEventListener('abort', over)
    const signals = [connection.signal, ...(init.signal ? [init.signal] : [])]
    return fetch(input, { ...init, signal: AbortSignal.any(signals) })
  }
}

/** As much of a window as a Live looks at. */
export class FakePage extends EventTarget {
  readonly document = Object.assign(new EventTarget(), { visibilityState: 'visible' })

  hide(): void {
    this.document.visibilityState = 'hidden'
    this.document.dispatchEvent(new Event('visibilitychange'))
  }
}

/** A BroadcastChannel that reaches the living, in order, some tasks later. */
class FakeChannel implements Channel {
  onmessage: ((event: MessageEvent<Said>) => void) | null = null
  readonly #tab: FakeTab

  constructor(tab: FakeTab, name: string) {
    this.#tab = tab
    tab.channels.set(this, name)
  }

  postMessage(message: Said): void {
    const name = this.#tab.channels.get(this)
    if (name === undefined || this.#tab.frozen) return
    for (const tab of this.#tab.browser.tabs) {
      if (tab === this.#tab || this.#tab.browser.apart(this.#tab, tab)) continue
      const copy = structuredClone(message)
      for (const [channel, theirs] of tab.channels) {
        if (theirs === name) setImmediate(() => channel.#deliver(copy))
      }
    }
  }

  close(): void {
    this.#tab.channels.delete(this)
  }

  #deliver(data: Said): void {
    if (this.#tab.channels.has(this) && !this.#tab.frozen) {
      this.onmessage?.({ data } as MessageEvent<Said>)
    }
  }
}

interface Holder {
  readonly tab: FakeTab
  readonly name: string
  readonly grant: () => Promise<unknown>
  readonly done: (value: unknown) => void
  readonly fail: (reason: unknown) => void
}

/** Exclusive locks, in the order of asking. */
export class FakeLocks {
  readonly #held = new Map<string, Holder>()
  #queue: Holder[] = []

  /** The locks as one tab sees them. */
  of(tab: FakeTab): Pick<LockManager, 'request'> {
    const request = (name: string, options: LockOptions, run: () => Promise<unknown>) =>
      new Promise((done, fail) => {
        const holder: Holder = { tab, name, grant: run, done, fail }
        const aborted = () => new DOMException('aborted', 'AbortError')
        if (options.steal) {
          this.#held.get(name)?.fail(aborted())
          this.#held.delete(name)
          this.#queue.unshift(holder)
        } else this.#queue.push(holder)
        options.signal?.addEventListener('abort', () => {
          if (!this.#queue.includes(holder)) return
          this.#queue = this.#queue.filter((h) => h !== holder)
          fail(aborted())
        })
        this.#next()
      })
    return { request } as unknown as Pick<LockManager, 'request'>
  }

  forget(tab: FakeTab): void {
    this.#queue = this.#queue.filter((h) => h.tab !== tab)
    for (const [name, holder] of this.#held) if (holder.tab === tab) this.#held.delete(name)
    this.#next()
  }

  #next(): void {
    for (const holder of [...this.#queue]) {
      if (this.#held.has(holder.name)) continue
      this.#queue = this.#queue.filter((h) => h !== holder)
      this.#held.set(holder.name, holder)
      setImmediate(async () => {
        const value = await holder.grant()
        if (this.#held.get(holder.name) === holder) this.#held.delete(holder.name)
        holder.done(value)
        this.#next()
      })
    }
  }
}
