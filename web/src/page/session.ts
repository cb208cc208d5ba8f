import { createContext, useContext } from 'react'
import { Live, matches, type StreamState, selectorOf, type WireEvent } from 'streamgauge/live'
import { sectionOf } from '../data/arrange'
import { Clock } from '../data/clock'
import type { Draft } from '../editor/draft'
import { PaintLoop } from '../paint/loop'
import { DEFAULT_WINDOW, Timeline } from '../time/timeline'
import { Access } from './access'
import { type Change, formatDuration, Location } from './address'
import { API } from './api'
import { Dashboards } from './dashboards'
import { Deeper } from './deeper'
import { Page, type Plan } from './page'
import { takeShare } from './share'
import { recall, remember } from './stored'
import { Theme } from './theme'
import { Value } from './value'

/** How many idle streams are shown with their past, and how much of it. */
const IDLE_STREAMS = 50
const IDLE_EVENTS = 200

/** A page that has not been seen for so many ms is sent what happens so many times a
 * second. */
const UNSEEN_AFTER = 10_000
const UNSEEN_RATE = 1

/** Where it is remembered that single letters are no keys. */
const KEYS = 'keys'

const EVERYTHING: Plan = { name: '', choices: {}, everything: ['>'], window: DEFAULT_WINDOW }

/** Everything that lives as long as the tab: one connection, the page that it is
 * for, and the loop that draws it. */
export class Session {
  readonly api: API
  readonly access: Access
  readonly location: Location
  readonly dashboards: Dashboards
  readonly clock = new Clock()
  readonly timeline = new Timeline(() => this.clock.now())
  readonly loop = new PaintLoop()
  readonly theme: Theme
  readonly page: Value<Page>
  /** Rises with every change of what there is to show. */
  readonly outline = new Value(0)
  readonly connection = new Value<StreamState>({ status: 'connecting' })
  /** Whether the server says that it can't reach its own log. */
  readonly degraded = new Value(false)
  /** Changes of the open dashboard that are not saved; undefined while it is only
   * looked at. */
  readonly draft = new Value<Draft | undefined>(undefined)
  /** The dialog that is open. */
  readonly dialog = new Value<string | undefined>(undefined)
  /** What has just been done, to be read for a moment. */
  readonly notice = new Value('')
  /** Whether single letters are keys, which gets in the way of who speaks to the page;
   * remembered. */
  readonly keys = new Value(recall(KEYS) !== 'off')
  /** Whether the server is another build than the one this page came from. */
  readonly outdated = new Value(false)
  /** A dashboard that has just been made: it is opened to be edited. */
  fresh = ''
  /** Whether it is known that there is no stream but the server's own. */
  readonly empty = new Value(false)
  readonly #share: string | undefined // the token of a share link
  readonly #live: Live
  #deeper: Deeper | undefined
  #leaving: ReturnType<typeof setTimeout> | undefined
  #outlinePending = false
  #version: string | undefined

  constructor(window: Window) {
    this.#share = takeShare()
    this.api = new API(window.document.baseURI, this.#share)
    this.location = new Location(window.document.baseURI)
    const { page } = this.location.address.get()
    this.theme = new Theme(this.location.address.get().theme)
    this.dashboards = new Dashboards(this.api)
    this.location.mayLeave = () => {
      const changes = this.draft.get()?.count.get() ?? 0
      return changes === 0 || confirm('Discard the changes of this dashboard?')
    }
    this.access = new Access(
      this.api,
      {
        reconnect: () => this.reconnect(),
        ask: () => this.dialog.set('signin'),
        goOn: (anew) => this.#goOn(anew),
        say: this.say,
      },
      this.#share === undefined ? undefined : page,
    )
    window.addEventListener('hashchange', () => {
      if (window.location.hash.startsWith('#share=')) window.location.reload()
    })
    if (this.#share !== undefined) {
      // The way back in its history may lead to where it was somebody's own.
      this.location.address.subscribe(() => {
        if (this.location.address.get().page !== page) window.location.reload()
      })
    }
    if (this.access.gate.get() === 'open') void this.dashboards.refresh()
    this.page = new Value(this.#newPage(EVERYTHING))
    this.#live = new Live(
      new URL('v1/events', this.api.base),
      {
        onEvent: (event) => this.#receive(event),
        onState: (state) => this.#state(state),
      },
      {
        ...this.api.identity,
        // Tabs that share a connection see the same: those of the browser's session.
        share: this.#share === undefined,
        retry: { when: (error) => error.status !== 400 && !this.access.ends(error) },
      },
    )
    this.keys.subscribe(() => remember(KEYS, this.keys.get() ? 'on' : 'off'))
    this.timeline.mode.subscribe(() => {
      // Who has gone on from what was shared looks at the present.
      const shared = this.location.address.get().from !== undefined
      if (shared && this.timeline.mode.get().kind === 'live') {
        this.location.change({ from: null, to: null })
      }
      this.#reachBack()
    })
    window.document.addEventListener('visibilitychange', () =>
      this.#attend(window.document.visibilityState === 'hidden'),
    )
    for (const value of [this.timeline.hover, this.timeline.mode, this.timeline.window]) {
      value.subscribe(() => this.loop.redraw())
    }
  }

  /** Shows a page: from now on the connection is for it. */
  show(plan: Plan): void {
    const rearranged = this.page.get().rearranged(plan)
    if (rearranged !== undefined) {
      this.page.set(rearranged)
      return
    }
    this.#stay()
    const page = this.#newPage(plan)
    // First of all: what follows from the time is for this page.
    this.page.set(page)
    this.timeline.reset(plan.window, page.reach)
    if (this.location.address.get().window !== undefined) this.timeline.choose(plan.window)
    if (plan.until !== undefined) this.timeline.pause(plan.until)
    this.#want(page)
    void this.#recall(page)
    this.#reachBack()
  }

  #want({ want }: Page): void {
    this.#live.want({ ...want, streams: [...want.streams, 'hub.dashboards'] })
  }

  /** What nobody looks at keeps up, but a little at a time is enough; what somebody
   * looks at again is what happens now. */
  #attend(unseen: boolean): void {
    clearTimeout(this.#leaving)
    if (!unseen) this.#live.pace(undefined)
    else this.#leaving = setTimeout(() => this.#live.pace(UNSEEN_RATE), UNSEEN_AFTER)
  }

  /** Goes no farther back. */
  #stay(): void {
    this.#deeper?.cancel()
    this.#deeper = undefined
  }

  /** Asks for more of the past where the reader has gone beyond what the page has. It
   * stays on the screen until that has come. */
  #reachBack(): void {
    const { timeline } = this
    const { plan, reach } = this.page.get()
    const needed = timeline.behind + timeline.window.get()
    if (timeline.behind === 0 || needed <= Math.max(reach, this.#deeper?.page.reach ?? 0)) return
    this.#stay()
    // Farther than is needed now: who goes back goes on.
    const page = this.#newPage({ ...plan, until: timeline.now - timeline.behind / 2 })
    this.#deeper = new Deeper(page, this.clock, () => {
      this.#deeper = undefined
      timeline.extend(page.reach)
      this.page.set(page)
      this.#outlined()
      this.loop.redraw()
    })
    this.#want(page)
  }

  #newPage(plan: Plan): Page {
    return Page.for(
      plan,
      {
        changed: () => this.loop.invalidate(),
        outlined: () => this.#outlined(),
        noted: (at) => this.timeline.note(at),
      },
      this.clock,
    )
  }

  #receive(event: WireEvent): void {
    if (event.type === 'hub.hello') this.#greeted(event.data)
    else if (event.type === 'hub.heartbeat') this.degraded.set(/"degraded"/.test(event.data))
    else if (event.type === 'message') this.degraded.set(false)
    else if (event.type === 'hub.bye' && /"(expired|revoked)"/.test(event.data)) {
      this.access.dismiss()
    }
    if (event.data.startsWith('{"stream":"hub.dashboards"')) this.#dashboardChanged(event.data)
    this.page.get().board.receive(event)
    this.#deeper?.receive(event)
  }

  /** Another build of the server brings another page: a wall or a tab that nobody
   * looks at takes it at once, a reader is asked. */
  #greeted(text: string): void {
    const { version, views } = JSON.parse(text) as {
      version?: string
      views?: readonly { name: string; view: string }[]
    }
    for (const { name, view } of views ?? []) {
      this.page.get().describe(name, view)
      this.#deeper?.page.describe(name, view)
    }
    if (this.#version !== undefined && version !== this.#version) {
      const { kiosk, embed } = this.location.address.get()
      const editing = this.draft.get() !== undefined
      if (!editing && (kiosk || embed || document.visibilityState === 'hidden')) location.reload()
      else this.outdated.set(true)
    }
    this.#version ??= version
  }

  /** Connects now, rather than when it is due. */
  reconnect(): void {
    this.#live.reconnect()
  }

  /** Goes on where it had to stop until somebody signed in. */
  #goOn(anew: boolean): void {
    if (this.dialog.get() === 'signin') this.dialog.set(undefined)
    void this.dashboards.again()
    if (anew || this.connection.get().status !== 'live') this.reconnect()
  }

  /** A link to this page, changed. Who has the page by a share link passes that on. */
  link(change: Change): string {
    const link = this.location.with(change)
    return this.#share === undefined ? link : `${link}#share=${this.#share}`
  }

  /** Copies a text and says so. */
  async copy(text: string, said: string): Promise<void> {
    if (await copied(text)) this.say(said)
    else this.say(text) // not allowed here; it can be read and selected
  }

  /** Says something for a moment. */
  readonly say = (text: string): void => {
    this.notice.set(text)
    setTimeout(() => {
      if (this.notice.get() === text) this.notice.set('')
    }, 4000)
  }

  /** Chooses how far charts reach back, in ms, and keeps it in the address. */
  choose(window: number): void {
    this.location.change({ window: formatDuration(window), from: null, to: null })
  }

  #dashboardChanged(text: string): void {
    const { key, data } = JSON.parse(text) as { key?: string; data?: { name?: string } }
    void this.dashboards.refresh(data?.name ?? key)
  }

  #state(state: StreamState): void {
    this.connection.set(state)
    const refused = 'error' in state && state.error?.status === 401
    const decided = state.status === 'live' || state.status === 'closed'
    // Another tab may have signed in or out.
    if (refused || (decided && this.access.who.get()?.required)) void this.access.check()
    if (state.status === 'live') void this.#recall(this.page.get())
  }

  /** Brings in the streams that exist but were silent for as long as history is
   * asked for on the connection. */
  async #recall({ plan, board, want }: Page): Promise<void> {
    try {
      const all = await this.api.streams()
      if (all[0] !== undefined) this.clock.note(all[0].now)
      const wanted = all.filter(({ name }) =>
        want.streams.some((s) => matches(selectorOf(s), name)),
      )
      this.empty.set(
        plan.everything.length > 0 && !wanted.some(({ name }) => sectionOf(name) === 'yours'),
      )
      const idle = wanted.filter(({ name, age }) => age > want.since && !board.has(name))
      idle.sort((a, b) => a.age - b.age)
      for (const { name } of idle.slice(0, IDLE_STREAMS)) {
        const events = await this.api.newest(name, IDLE_EVENTS)
        // A live event may have come first; the past does not go after it.
        if (!board.has(name)) for (const event of events) board.append(event)
      }
    } catch {
      // The list only adds what is idle; the next connection asks again.
    }
  }

  /** React hears of it once per frame, however many streams turned up. */
  #outlined(): void {
    if (this.#outlinePending) return
    this.#outlinePending = true
    this.loop.nextFrame(() => {
      this.#outlinePending = false
      this.outline.set(this.outline.get() + 1)
    })
  }
}

/** Copies a text. On plain http there is no clipboard, but an old way to it. */
async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const area = document.createElement('textarea')
    area.value = text
    area.className = 'visually-hidden'
    // What is outside of an open dialog can't have the focus.
    const before = document.activeElement
    const dialog = before?.closest('dialog') ?? document.body
    dialog.append(area)
    area.select()
    const done = document.execCommand('copy')
    area.remove()
    if (before instanceof HTMLElement) before.focus()
    return done
  }
}

export const SessionContext = createContext<Session | undefined>(undefined)

/** The tab's session. */
export function useSession(): Session {
  const session = useContext(SessionContext)
  if (session === undefined) throw new Error('useSession: there is no SessionContext')
  return session
}
