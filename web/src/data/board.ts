import { isConditional, matches, selectorOf, type WireEvent } from 'streamgauge/live'
import type { Clock } from './clock'
import { type Envelope, parseEnvelope, parseGap, VIEW_ROW } from './envelope'
import { Seen } from './seen'
import { Source } from './source'
import { Traffic } from './traffic'

/** Streams beyond this many are counted, not kept. */
const MAX_STREAMS = 1000

/** An event not older than this, in ms, counts as live. */
const RECENT = 3000

/** Which events a panel wants. */
export interface Selection {
  /** Selectors of streams, each with a condition if any: `logs.> where data.n > 3`. */
  readonly streams: readonly string[]
  /** Views, by the names under which their rows come. */
  readonly views: readonly string[]
}

/** A source that wants a stream, of which it may want only what meets a condition. */
interface Route {
  readonly source: Source
  /** The whole selection, if it has a condition. */
  readonly condition: string | undefined
}

/** What there is to show; a new object whenever that changes. */
export interface Outline {
  /** Streams that show themselves, by name. */
  readonly sources: readonly Source[]
  /** Streams that there is no room for. */
  readonly more: number
  /** Events lost and gaps, over all streams. */
  readonly lost: number
  readonly gaps: number
}

/** What a {@link Board} tells its owner. */
export interface BoardSink {
  /** Some panel has something new. Called for every event: be quick. */
  changed(): void
  /** There is a new outline. Called for every event that changes it. */
  outlined(): void
  /** There is an event of that time. */
  noted(at: number): void
}

/** What a {@link Board} is for. */
export interface BoardOptions {
  /** The panels' sources and what each wants. */
  readonly wanted: readonly { readonly source: Source; readonly selection: Selection }[]
  /** Streams that are to show themselves, each as a source of its own. */
  readonly everything: readonly string[]
  /** How long numbers are kept, in ms. */
  readonly window: number
}

/** Everything that a page has received, by panel, outside React. */
export class Board {
  readonly clock: Clock
  /** What has come, by stream. */
  readonly traffic = new Map<string, Traffic>()
  readonly #sink: BoardSink
  readonly #options: BoardOptions
  readonly #routes = new Map<string, readonly Route[]>()
  readonly #shown = new Map<string, Source>()
  readonly #more = new Set<string>()
  readonly #seen = new Seen()
  #outline: Outline = { sources: [], more: 0, lost: 0, gaps: 0 }
  #outdated = false
  #received = 0
  #lag = Number.NaN
  #lost = 0
  #gaps = 0

  constructor(sink: BoardSink, clock: Clock, options: BoardOptions) {
    this.#sink = sink
    this.clock = clock
    this.#options = options
  }

  /** Events received that had just happened: the past that a new page is sent
   * says nothing about the present. */
  get received(): number {
    return this.#received
  }

  /** Ms from the newest event's time to its arrival; NaN before the first. */
  get lag(): number {
    return this.#lag
  }

  /** What there is to show. The same object until that changes. */
  get outline(): Outline {
    if (this.#outdated) {
      this.#outdated = false
      const sources = [...this.#shown.values()].filter((s) => s.content !== undefined)
      sources.sort((a, b) => (a.name < b.name ? -1 : 1))
      this.#outline = { sources, more: this.#more.size, lost: this.#lost, gaps: this.#gaps }
    }
    return this.#outline
  }

  /** Whether the stream has had an event. */
  has(name: string): boolean {
    return this.#routes.get(name)?.some(({ source }) => source.count > 0) ?? false
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
    const now = this.clock.now()
    const envelope = parseEnvelope(value, now)
    if (envelope === undefined || !this.#seen.isNew(envelope.stream, envelope.id)) return
    const live = now - envelope.at < RECENT
    if (live) {
      this.#received++
      if (envelope.type !== VIEW_ROW) this.#lag = now - envelope.at
    }
    this.#trafficOf(envelope.stream)?.note(envelope.at, now, live, envelope.type === VIEW_ROW)
    this.append(envelope)
  }

  /** Takes an event, live or from the past. */
  append(event: Envelope): void {
    let outlined = false
    for (const { source, condition } of this.#route(event.stream)) {
      if (condition !== undefined && !event.match.includes(condition)) continue
      const before = source.outline
      source.append(event)
      outlined ||= source.outline !== before
    }
    this.#sink.noted(event.at)
    this.#sink.changed()
    if (outlined) this.#outlineChanged()
  }

  #trafficOf(stream: string): Traffic | undefined {
    let traffic = this.traffic.get(stream)
    if (traffic === undefined && this.traffic.size < MAX_STREAMS) {
      traffic = new Traffic()
      this.traffic.set(stream, traffic)
    }
    return traffic
  }

  /** The sources that want a stream. */
  #route(name: string): readonly Route[] {
    const known = this.#routes.get(name)
    if (known !== undefined) return known
    const route = this.#options.wanted.flatMap(({ source, selection }) =>
      routesOf(selection, name).map((condition): Route => ({ source, condition })),
    )
    if (this.#options.everything.some((selector) => matches(selector, name))) {
      const source = this.#show(name)
      if (source !== undefined) route.push({ source, condition: undefined })
    }
    if (this.#routes.size < 10 * MAX_STREAMS) this.#routes.set(name, route)
    return route
  }

  #show(name: string): Source | undefined {
    if (this.#shown.size >= MAX_STREAMS) {
      if (!this.#more.has(name) && this.#more.size < 100_000) {
        this.#more.add(name)
        this.#outlineChanged()
      }
      return undefined
    }
    const source = new Source(name, this.#options.window)
    this.#shown.set(name, source)
    return source
  }

  #gap(value: unknown): void {
    const gap = parseGap(value)
    const now = this.clock.now()
    const all = [...this.#options.wanted.map(({ source }) => source), ...this.#shown.values()]
    const sources =
      gap.stream === undefined ? all : this.#route(gap.stream).map(({ source }) => source)
    for (const source of sources)
      source.gap(gap.stream === undefined ? { ...gap, lost: 0 } : gap, now)
    this.#gaps++
    this.#lost += gap.lost ?? 0
    const traffic = gap.stream === undefined ? undefined : this.#trafficOf(gap.stream)
    if (traffic !== undefined) {
      traffic.gaps++
      traffic.lost += gap.lost ?? 0
    }
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

/** Under which conditions a selection wants a stream: none wants all of it. */
function routesOf({ streams, views }: Selection, name: string): (string | undefined)[] {
  if (views.includes(name)) return [undefined]
  const meant = streams.filter((s) => matches(selectorOf(s), name))
  if (meant.some((s) => !isConditional(s))) return [undefined]
  return meant.slice(0, 1) // one condition for all selectors of a panel
}

function parseJSON(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // not ours to judge: no envelope, so nothing to show
  }
}
