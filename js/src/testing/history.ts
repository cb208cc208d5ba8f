/** An event as a {@link History} keeps it. */
export interface Kept {
  readonly seq: number
  readonly id: string
  /** Undefined: it is for everyone, whatever they select. */
  readonly stream: string | undefined
  readonly type: string | undefined
  readonly key: string | undefined
  /** Epoch ms. */
  readonly time: number
  /** The data as JSON on one line. */
  readonly json: string
}

/** Why events could not be given, as `hub.gap` says it. */
export type GapReason = 'evicted' | 'overflow' | 'epoch' | 'unknown' | 'backend'

/** The data of a `hub.gap`. */
export interface Gap {
  readonly stream: string | null
  readonly from: string | null
  readonly to: string | null
  readonly lost: number | null
  readonly reason: GapReason
}

/** Where to go on after a cursor, or why that can't be told. */
export type Resolved = { readonly after: number } | { readonly bad: 'epoch' | 'unknown' }

const POSITION = /^([1-9a-z][0-9a-z]*)-(0|[1-9][0-9]*)$/
/** Stands for the stream of events that have none; no stream can be called so. */
const NOBODY = ''

/** The last events of every stream in one order, and how many of each are gone. */
export class History {
  readonly #keep: number
  #life = 1
  #head = 0
  #events: Kept[] = []
  /** How many events of a stream are kept. */
  #counts = new Map<string, number>()
  /** The sequence numbers of a stream's events that are gone, rising. */
  #gone = new Map<string, number[]>()
  /** Ids that are no position of ours: where they lie, and in which life. */
  readonly #aliases = new Map<string, { life: number; seq: number }>()
  #names = new Map<number, string>()

  /** @param keep how many events of each stream are kept */
  constructor(keep: number) {
    this.#keep = keep
  }

  /** The sequence number of the last event. */
  get head(): number {
    return this.#head
  }

  /** The id by which to resume after a sequence number. */
  position(seq: number): string {
    return this.#names.get(seq) ?? `${this.#epoch}-${seq}`
  }

  /** Adds an event. Throws a RangeError if its id is not newer than the last. */
  append(event: Omit<Kept, 'seq' | 'id'>, id: string | undefined): Kept {
    const seq = id === undefined ? this.#head + 1 : this.#place(id)
    const kept = { ...event, seq, id: id ?? this.position(seq) }
    this.#head = seq
    this.#events.push(kept)
    const stream = event.stream ?? NOBODY
    const count = (this.#counts.get(stream) ?? 0) + 1
    this.#counts.set(stream, Math.min(count, this.#keep))
    if (count > this.#keep) this.#evict(stream)
    return kept
  }

  /** As if `count` events had come and were gone. */
  lose(stream: string | undefined, count: number): void {
    const gone = this.#goneOf(stream ?? NOBODY)
    for (let i = 0; i < count; i++) gone.push(++this.#head)
  }

  /** Forgets everything: ids of before are of another epoch. */
  renew(): void {
    this.#life++
    this.#head = 0
    this.#events = []
    this.#counts = new Map()
    this.#gone = new Map()
    this.#names = new Map()
  }

  /** Finds where a cursor goes on. */
  resolve(cursor: string): Resolved {
    const alias = this.#aliases.get(cursor)
    if (alias !== undefined) {
      return alias.life === this.#life ? { after: alias.seq } : { bad: 'epoch' }
    }
    const [, epoch, digits] = POSITION.exec(cursor) ?? []
    if (epoch === undefined) return { bad: 'unknown' }
    if (epoch !== this.#epoch) return { bad: 'epoch' }
    const seq = Number(digits)
    return seq <= this.#head ? { after: seq } : { bad: 'unknown' }
  }

  /** The kept events after a sequence number, oldest first. */
  after(seq: number, selects: (stream: string | undefined) => boolean): Kept[] {
    return this.#events.filter((e) => e.seq > seq && selects(e.stream))
  }

  /** What is gone after a sequence number, stream by stream. */
  gaps(seq: number, selects: (stream: string | undefined) => boolean): Gap[] {
    const gaps: Gap[] = []
    for (const [name, gone] of this.#gone) {
      const stream = name === NOBODY ? undefined : name
      const lost = gone.filter((n) => n > seq)
      const last = lost.at(-1)
      if (last === undefined || !selects(stream)) continue
      const next = this.#events.find((e) => e.seq > last && e.stream === stream)
      gaps.push({
        stream: stream ?? null,
        from: this.position(seq),
        to: next?.id ?? null,
        lost: lost.length,
        reason: 'evicted',
      })
    }
    return gaps
  }

  get #epoch(): string {
    return this.#life === 1 ? 'test' : `test${this.#life}`
  }

  /** Finds a place for an id that was asked for. */
  #place(id: string): number {
    if (id === '' || /[\0\r\n]/.test(id)) {
      throw new RangeError('an id is not empty and has no NUL or line end')
    }
    const [, epoch, digits] = POSITION.exec(id) ?? []
    if (epoch === this.#epoch) {
      const seq = Number(digits)
      if (seq > this.#head) return seq
      throw new RangeError(`id ${id} is not newer than ${this.position(this.#head)}: ids only rise`)
    }
    if (this.#aliases.has(id)) throw new RangeError(`id ${id} was used before`)
    const seq = this.#head + 1
    this.#aliases.set(id, { life: this.#life, seq })
    this.#names.set(seq, id)
    return seq
  }

  #evict(stream: string): void {
    const oldest = this.#events.findIndex((e) => (e.stream ?? NOBODY) === stream)
    const [event] = this.#events.splice(oldest, 1)
    if (event !== undefined) this.#goneOf(stream).push(event.seq)
  }

  #goneOf(stream: string): number[] {
    const known = this.#gone.get(stream)
    if (known !== undefined) return known
    const gone: number[] = []
    this.#gone.set(stream, gone)
    return gone
  }
}
