import type { Connection, StreamState } from './connection.js'
import type { WireEvent } from './decoder.js'
import { followPage, thisPage } from './page.js'
import type { Share, Shared, SharingOptions } from './shared.js'
import { type TabSink, Tabs } from './tabs.js'

/** What few ask of a connection: that all tabs share it, that it ends when nobody looks,
 * that a page that is loaded again continues where it was. */
export class Extras {
  readonly #name: string | undefined
  readonly #connection: Connection
  readonly #sink: TabSink
  #tabs: Tabs | undefined

  /**
   * @param item where the session keeps the last id
   * @param signal is aborted when it ends
   */
  constructor(
    shared: Shared,
    { pauseWhenHidden, persist, share }: SharingOptions & { readonly share?: Share },
    item: string,
    signal: AbortSignal,
  ) {
    const { connection, key } = shared
    this.#name = share === 'browser' ? key : undefined
    this.#connection = connection
    this.#sink = {
      event: (event) => shared.receive(event),
      state: () => shared.changed(),
    }
    const page = thisPage()
    let timer: ReturnType<typeof setTimeout> | undefined
    const isHidden = () => page?.document.visibilityState === 'hidden'
    const pause = () => {
      if (!isHidden()) return
      this.#leave()
      connection.pause()
    }
    const life = {
      // A network that is back wakes nobody: who sleeps must not lead the others.
      wake: () => this.#tabs?.check(),
      hide() {
        clearTimeout(timer)
        if (pauseWhenHidden !== undefined) timer = setTimeout(pause, pauseWhenHidden)
      },
      rest: () => {
        try {
          if (persist) sessionStorage.setItem(item, connection.lastEventId)
        } catch {} // where nothing may be kept, a page begins anew
        this.#leave()
      },
      arrive: () => this.#join(),
    }
    followPage(page, life, signal)
    if (isHidden()) life.hide()
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      this.#leave()
    })
    this.#join()
  }

  /** The state of who has the connection, if that is another tab. */
  get state(): StreamState | undefined {
    return this.#tabs?.state
  }

  received(event: WireEvent): void {
    this.#tabs?.received(event)
  }

  changed(): void {
    this.#tabs?.changed()
  }

  reconnect(): void {
    const connected = this.#tabs ?? this.#connection
    connected.reconnect()
  }

  #join(): void {
    if (this.#name !== undefined) {
      this.#tabs ??= new Tabs(this.#name, this.#connection, this.#sink)
    }
  }

  #leave(): void {
    this.#tabs?.close()
    this.#tabs = undefined
  }
}
