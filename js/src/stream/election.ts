/** A leader's claim. */
export interface Rank {
  /** Higher than that of every leader that its tab has heard of. */
  readonly term: number
  /** When it took over, in epoch ms. */
  readonly since: number
  readonly id: string
}

/** What a tab does in an {@link Election}. */
export interface Candidate {
  /** It leads from now on, until {@link follow}, instead of another. */
  lead(before: Rank | undefined): void
  /** It follows from now on, or follows another. */
  follow(): void
  /** Asks who leads. */
  ask(): void
  /** Says that it leads. */
  announce(): void
}

/** How long, in ms, tabs are patient with a leader. */
interface Patience {
  /** Silence after which they ask. */
  readonly quiet: number
  /** How long they wait for an answer, at first, */
  readonly first: number
  /** and from a leader that they know. They ask twice: a tab that has slept itself
   * sees its timer before the answer. */
  readonly answer: number
}

/** Without locks a leader's silence is all that tells of its death. */
const LEASE: Patience = { quiet: 2000, first: 150, answer: 700 }
/** With locks it tells only of a leader that hangs. */
const LOCKS: Patience = { quiet: 5000, first: 2500, answer: 2500 }
const ASKS = 2

/**
 * Which of a browser's tabs leads. Who holds the lock does, so that the next in line
 * follows the moment a leader's tab is gone, however it ended. Where there are no
 * locks, or a leader holds its lock and hangs, whoever gets no answer from a leader
 * takes over. Of two leaders the one with the higher term stays, else the one that
 * has led for longer.
 */
export class Election {
  readonly #id: string
  readonly #name: string
  readonly #candidate: Candidate
  #locks: LockManager | undefined
  #patience: Patience
  #leader: Rank | undefined // the last that was heard of
  #mine: Rank | undefined
  #heard = Number.NEGATIVE_INFINITY
  #unanswered = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #waiting: AbortController | undefined
  #release: (() => void) | undefined
  #closed = false

  /** Nothing is called before {@link start}. */
  constructor(id: string, name: string, locks: LockManager | undefined, candidate: Candidate) {
    this.#id = id
    this.#name = name
    this.#candidate = candidate
    this.#locks = locks
    this.#patience = locks === undefined ? LEASE : LOCKS
  }

  /** This tab's claim, while it leads. */
  get mine(): Rank | undefined {
    return this.#mine
  }

  /** The leader that was last heard of. */
  get leader(): Rank | undefined {
    return this.#leader
  }

  start(): void {
    if (this.#locks !== undefined) this.#request({})
    this.#tick()
  }

  /** Asks at once whether the leader is there. */
  check(): void {
    if (this.#closed || this.#mine !== undefined) return
    this.#heard = Number.NEGATIVE_INFINITY
    this.#unanswered = 0
    this.#tick()
  }

  /** A leader spoke. Returns whether it is the one to follow. */
  hear(rank: Rank): boolean {
    if (this.#closed) return false
    const known = this.#mine ?? this.#leader
    const same = known?.id === rank.id && known.since === rank.since
    if (known !== undefined && !same && !outranks(rank, known)) {
      // It is to learn of its superior, from that one or by who asks it.
      if (this.#mine !== undefined) this.#candidate.announce()
      else this.#candidate.ask()
      return false
    }
    this.#leader = rank
    this.#heard = Date.now()
    if (this.#mine !== undefined) this.#stepDown()
    else if (!same) this.#candidate.follow()
    return true
  }

  /** A tab spoke that follows such a leader. That one is gone if this one leads. */
  challenge(rank: Rank | undefined): void {
    const mine = this.#mine
    if (mine === undefined || rank === undefined || rank.id === this.#id) return
    if (!outranks(rank, mine)) return
    this.#mine = this.#leader = { ...mine, term: rank.term + 1 }
    this.#candidate.announce()
  }

  /** The leader has gone and named the next. */
  resigned(rank: Rank, to: string | undefined): void {
    if (this.#closed || this.#mine !== undefined || rank.id !== this.#leader?.id) return
    if (this.#locks !== undefined) return
    if (to === this.#id) this.#lead()
    else this.check()
  }

  /** Takes no more part, and leads no more. */
  close(): void {
    this.#closed = true
    this.#mine = undefined
    this.#letGo()
  }

  #letGo(): void {
    clearTimeout(this.#timer)
    this.#waiting?.abort()
    this.#waiting = undefined
    this.#release?.()
    this.#release = undefined
  }

  #tick(): void {
    clearTimeout(this.#timer)
    if (this.#closed || this.#mine !== undefined) return
    const { quiet, first, answer } = this.#patience
    const silence = Date.now() - this.#heard
    let wait = this.#leader === undefined ? first : answer
    if (silence < quiet) {
      this.#unanswered = 0
      wait = quiet - silence
    } else if (this.#unanswered < ASKS) {
      this.#unanswered++
      this.#candidate.ask()
    } else {
      this.#takeOver()
      return
    }
    this.#timer = setTimeout(() => this.#tick(), wait)
  }

  #takeOver(): void {
    if (this.#locks === undefined) this.#lead()
    else this.#request({ steal: true })
  }

  /** Waits for the lock, or steals it, and leads for as long as it is held. */
  #request(options: LockOptions): void {
    this.#letGo()
    const waiting = new AbortController()
    this.#waiting = waiting
    const current = () => this.#waiting === waiting
    const hold = () =>
      new Promise<void>((done) => {
        if (!current()) return done()
        this.#release = done
        this.#lead()
      })
    // Who steals doesn't wait, so there is nothing to abort.
    const all = options.steal ? options : { ...options, signal: waiting.signal }
    this.#locks?.request(this.#name, all, hold).catch((error: unknown) => {
      if (!current()) return
      const stolen = error instanceof DOMException && error.name === 'AbortError'
      if (stolen && this.#mine !== undefined) this.#stepDown()
      else if (!stolen) this.#withoutLocks()
    })
  }

  #withoutLocks(): void {
    this.#locks = undefined
    this.#patience = LEASE
    this.check()
  }

  #lead(): void {
    clearTimeout(this.#timer)
    const before = this.#leader
    const term = (before?.term ?? 0) + 1
    this.#mine = this.#leader = { term, since: Date.now(), id: this.#id }
    this.#candidate.lead(before)
  }

  #stepDown(): void {
    this.#mine = undefined
    this.#heard = Date.now()
    this.#letGo()
    this.#candidate.follow()
    if (this.#locks !== undefined) this.#request({})
    this.#tick()
  }
}

function outranks(a: Rank, b: Rank): boolean {
  if (a.term !== b.term) return a.term > b.term
  if (a.since !== b.since) return a.since < b.since
  return a.id < b.id
}
