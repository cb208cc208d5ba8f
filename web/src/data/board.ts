import type { WireEvent } from '../stream'
import { Clock } from './clock'
import { type Envelope, parseEnvelope, parseGap } from './envelope'
import { WINDOW } from './numbers'
import { Stream } from './stream'

/** Streams beyond this many are counted, not kept. */
const MAX_STREAMS = 1000

/** The shortest time that charts span, in ms, so that a new page moves visibly. */
const MIN_SPAN = 60_000

/** An event not older than this, in ms, counts as live. */
const RECENT = 3000

/** What there is to show; a new object whenever that changes. */
export interface Outline {
  /** By name. */
  readonly streams: readonly Stream[]
  /** Streams that there is no room for. */
  readonly more: number
  /** Events lost and gaps, over all streams. */
  readonly lost: number
  readonly gaps: number
}

/** What a {@link Board} tells its owner. */
export interface BoardSink {
  /** Some stream has something new. Called for every event: be quick. */
  changed(): void
  /** There is a new outline. Called for every event that changes it. */
  outlined(): void
}

/** Everything the page has received, by stream, outside React. */
export class Board {
  readonly clock: Clock
  readonly #sink: BoardSink
  readonly #streams = new Map<string, Stream>()
  readonly #more = new Set<string>()
  #outline: Outline = { streams: [], more: 0, lost: 0, gaps: 0 }
  #outdated = false
  #received = 0
  #lost = 0
  #gaps = 0
  #oldest = Number.POSITIVE_INFINITY

  constructor(sink: BoardSink, clock = new Clock()) {
    this.#sink = sink
    this.clock = clock
  }

  /** Events received that had just happened: the past that a new page is sent
   * says nothing about the present. */
  get received(): number {
    return this.#received
  }

  /** What there is to show. The same object until that changes. */
  get outline(): Outline {
    if (this.#outdated) {
      this.#outdated = false
      const streams = [...this.#streams.values()].filter((s) => s.content !== undefined)
      streams.sort((a, b) => (a.name < b.name ? -1 : 1))
      this.#outline = { streams, more: this.#more.size, lost: this.#lost, gaps: this.#gaps }
    }
    return this.#outline
  }

  /** Whether the stream has had an event. */
  has(name: string): boolean {
    return this.#streams.get(name)?.content !== undefined
  }

  /** The times that charts show, in epoch ms: they end now and reach back as far
   * as there is anything, within bounds. */
  get span(): { readonly from: number; readonly to: number } {
    const to = this.clock.now()
    const reach = Math.min(Math.max(to - this.#oldest, MIN_SPAN), WINDOW)
    return { from: to - reach, to }
  }

  /** Takes an event from the wire: an envelope, or one of the hub's own. */
  receive(event: WireEvent): void {
    const value = parseJSON(event.data)
    switch (event.type) {
      case 'hub.gap':
        this.#gap(value)
        return
      case 'hub.heartbeat':
        this.#noteTime(value)
        return
    }
    if (event.type.startsWith('hub.')) return
    const envelope = parseEnvelope(value, this.clock.now())
    if (envelope === undefined) return
    if (this.clock.now() - envelope.at < RECENT) this.#received++
    this.append(envelope)
  }

  /** Takes an event, live or from the past. */
  append(event: Envelope): void {
    const stream = this.#stream(event.stream)
    if (stream === undefined) return
    const before = stream.outline
    stream.append(event)
    const isPast = event.at < this.clock.now() - WINDOW
    if (stream.content?.kind === 'numbers' && !isPast) {
      this.#oldest = Math.min(this.#oldest, event.at)
    }
    this.#sink.changed()
    if (stream.outline !== before) this.#outlineChanged()
  }

  #stream(name: string): Stream | undefined {
    const known = this.#streams.get(name)
    if (known !== undefined) return known
    if (this.#streams.size >= MAX_STREAMS) {
      if (!this.#more.has(name) && this.#more.size < 100_000) {
        this.#more.add(name)
        this.#outlineChanged()
      }
      return undefined
    }
    const stream = new Stream(name)
    this.#streams.set(name, stream)
    return stream
  }

  #gap(value: unknown): void {
    const gap = parseGap(value)
    const now = this.clock.now()
    if (gap.stream === undefined) {
      for (const stream of this.#streams.values()) stream.gap({ ...gap, lost: 0 }, now)
    } else {
      this.#stream(gap.stream)?.gap(gap, now)
    }
    this.#gaps++
    this.#lost += gap.lost ?? 0
    this.#sink.changed()
    this.#outlineChanged()
  }

  #noteTime(value: unknown): void {
    const { time } = (value ?? {}) as { time?: unknown }
    const at = typeof time === 'string' ? Date.parse(time) : Number.NaN
    if (!Number.isNaN(at)) this.clock.note(at)
  }

  #outlineChanged(): void {
    this.#outdated = true
    this.#sink.outlined()
  }
}

function parseJSON(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // not ours to judge: no envelope, so nothing to show
  }
}
