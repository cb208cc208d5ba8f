import type { StreamError } from 'streamgauge'
import { takeFragment } from './address'
import type { API } from './api'
import { recall, remember } from './stored'
import { Value } from './value'

/** Who the reader is to the server, and what that is good for. */
export interface Who {
  /** Whether one has to sign in to see more than anyone may. */
  readonly required: boolean
  readonly signed_in: boolean
  readonly name?: string
  readonly admin: boolean
  /** Whether they may read, or publish to, some streams. */
  readonly reads: boolean
  readonly writes: boolean
  /** The dashboard of the share link that they have. */
  readonly share?: string
  /** With whom they can sign in. */
  readonly provider?: string
  /** When the session ends; absent is never. */
  readonly expires?: string
}

/** What a reader shows: a token, or the code of a link that signs in once. */
export type Proof = { readonly token: string } | { readonly code: string }

/** What {@link Access} has its owner do. */
export interface AccessSink {
  /** What is connected is to connect again, as whoever the reader is now. */
  reconnect(): void
  /** The reader has to sign in, or sign in again, to go on. */
  ask(): void
  /** Nothing stands against going on any more; `anew` if the reader is somebody else now. */
  goOn(anew: boolean): void
  say(text: string): void
}

/** Where it is remembered how the last visit ended, so that what is right is seen first. */
const STORED = 'access'

/** Who the reader is, as far as the server wants to know. */
export class Access {
  /** What the server says; undefined until it has. */
  readonly who = new Value<Who | undefined>(undefined)
  /** Whether there is a page to be seen: `shut` until somebody signs in, `waiting` while
   * that may be known in a moment, and `over` when a share link is not valid any more. */
  readonly gate: Value<'open' | 'waiting' | 'shut' | 'over'>
  /** Whether the session has ended while the page was open. */
  readonly ended = new Value(false)
  /** Why the last proof was refused. */
  readonly wrong = new Value('')
  /** Whether the last visit was one of somebody whom the server knew. */
  readonly wasKnown: boolean
  /** The dashboard that is all there is to a share link's reader. */
  readonly shared: string | undefined
  readonly #api: API
  readonly #sink: AccessSink
  #dismissed = false // the server has ended the connection, as its reader's access ended
  #asking: Promise<void> | undefined
  #proofs = 0 // that were accepted

  /** @param shared the dashboard that is open, if it is so by a share link */
  constructor(api: API, sink: AccessSink, shared?: string) {
    this.#api = api
    this.#sink = sink
    this.shared = shared
    const before = recall(STORED)
    this.wasKnown = before === 'in'
    if (shared !== undefined) {
      this.gate = new Value('waiting')
      api.onUnknown = () => this.gate.set('over')
      void this.check()
      return
    }
    const brought = takeBrought()
    this.gate = new Value(brought !== undefined || before === 'out' ? 'waiting' : 'open')
    // Who has put it off asks for something that can't be had without it.
    api.onUnknown = () => void this.check().then(() => this.ended.get() && sink.ask())
    addEventListener('hashchange', () => this.#enter(takeBrought()))
    if (brought === undefined) void this.check()
    else this.#enter(brought)
  }

  /** Whether the reader may change dashboards, as far as anybody knows. */
  get mayEdit(): boolean {
    return this.shared === undefined && (this.who.get()?.admin ?? true)
  }

  /** Asks the server who the reader is now. */
  check(): Promise<void> {
    const before = this.#proofs
    this.#asking ??= this.#api
      .send('v1/session')
      .then((who) => {
        if (before === this.#proofs) this.#learn(who as Who) // else it is of somebody else
      })
      // Whatever is wrong shows itself where the page asks for what it is for.
      .catch(() => this.gate.get() === 'waiting' && this.#open())
      .then(() => {
        this.#asking = undefined
      })
    return this.#asking
  }

  /** The server ends the connection, as what its reader may see has ended or is other now. */
  dismiss(): void {
    this.#dismissed = true
  }

  /** Whether it makes no sense to connect again before somebody has signed in. */
  ends({ status }: StreamError): boolean {
    const locked = this.shared !== undefined || this.who.get()?.required === true
    return this.#dismissed || (status === 401 && locked)
  }

  /** Signs in. What was wrong about it is in `wrong`. */
  async signIn(proof: Proof): Promise<void> {
    this.wrong.set('')
    try {
      const who = (await this.#api.send('v1/session', 'POST', proof)) as Who
      this.#proofs++
      const more = this.gate.get() === 'open' && !this.ended.get()
      if (!more) this.#learn(who, true)
      else {
        // Who did not have to sign in is shown more of everything, from its beginning on.
        this.#sink.reconnect()
        location.reload()
      }
    } catch (error) {
      this.wrong.set((error as Error).message)
    }
  }

  /** Signs out. The page begins anew, with what anyone may see. */
  async signOut(): Promise<void> {
    try {
      await this.#api.send('v1/session', 'DELETE')
      remember(STORED, 'out')
      this.gate.set('waiting')
      this.#sink.reconnect() // for the other tabs
      location.reload()
    } catch (error) {
      this.#sink.say((error as Error).message)
    }
  }

  /** Signs in by a link's code, or says why a provider has not signed the reader in. */
  async #enter(brought: Brought | undefined): Promise<void> {
    if (brought === undefined) return
    if (brought.code !== undefined) await this.signIn({ code: brought.code })
    else this.wrong.set(brought.failed)
    const wrong = this.wrong.get()
    if (wrong === '') return
    await this.check()
    const who = this.who.get()
    if (who?.signed_in) this.#sink.say(wrong)
    else if (who?.required && this.gate.get() === 'open') this.#sink.ask()
  }

  #learn(who: Who, anew = false): void {
    const before = this.who.get()
    this.who.set(who)
    const { required, signed_in: known, reads } = who
    const stopped = this.ended.get() || this.#dismissed
    this.#dismissed &&= required && !known
    if (this.shared !== undefined) {
      if (required && who.share !== this.shared) this.gate.set('over')
      else this.#open(anew, stopped)
      return
    }
    if (!required || known) {
      this.ended.set(false)
      this.#open(anew, stopped)
    } else if (before?.signed_in || (before?.reads && !reads)) {
      this.ended.set(true)
      this.#sink.ask()
    } else if (reads) this.#open()
    else if (!this.ended.get()) this.gate.set('shut')
    const now = required ? (this.gate.get() === 'shut' ? 'out' : 'in') : 'open'
    // Where nobody has to sign in there is nothing to remember, but that it was otherwise.
    if ((recall(STORED) ?? 'open') !== now) remember(STORED, now)
  }

  /** Lets the page be seen, which goes on if it was not, or had `stopped`. */
  #open(anew = false, stopped = false): void {
    const wasOpen = this.gate.get() === 'open'
    this.gate.set('open')
    if (stopped || !wasOpen) this.#sink.goOn(anew)
  }
}

/** What an address brings to sign in with, or why that has failed. */
type Brought = { readonly code: string } | { readonly code?: undefined; readonly failed: string }

function takeBrought(): Brought | undefined {
  const code = takeFragment('signin')
  if (code !== undefined) return { code }
  const failed = takeFragment('signin-failed')
  return failed === undefined ? undefined : { failed: decoded(failed) }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
