import type { PanelDefinition } from '../../dashboard/definition'
import { LEVELS, type Level } from '../../data/shape'
import { Value } from '../../page/value'
import { type Pattern, parsePattern } from './pattern'

/** What a reader may choose of a log. */
export interface Settings {
  /** The least level that is listed. */
  readonly level: Level | undefined
  /** What is searched for, as it is written. */
  readonly search: string
  /** Whether lines without it are left out. */
  readonly only: boolean
  /** Whether long lines are wrapped; undefined: where there is little room. */
  readonly wrap: boolean | undefined
  /** Whether times are ages. */
  readonly relative: boolean
  /** Whether the search is to be seen. */
  readonly searching: boolean
}

/** How a reader looks at a log, outside React so that drawing a line costs no render. */
export class LogView {
  readonly settings: Value<Settings>
  #pattern: { readonly of: string; readonly pattern: Pattern } = {
    of: '',
    pattern: { kind: 'none' },
  }

  constructor({ level, search = '', wrap }: PanelDefinition) {
    this.settings = new Value<Settings>({
      level: LEVELS.find((known) => known === level?.toUpperCase()),
      search,
      only: true,
      wrap,
      relative: false,
      searching: search !== '',
    })
  }

  /** Changes some of the settings. */
  change(change: Partial<Settings>): void {
    this.settings.set({ ...this.settings.get(), ...change })
  }

  /** What is searched for. The same object until that changes. */
  get pattern(): Pattern {
    const { search } = this.settings.get()
    if (search !== this.#pattern.of) this.#pattern = { of: search, pattern: parsePattern(search) }
    return this.#pattern.pattern
  }
}
