import { recall, remember } from './stored'
import { Value } from './value'

/** What the user has chosen; `system` follows the system. */
export type Choice = 'system' | 'light' | 'dark'

/** What is shown. */
export type Scheme = 'light' | 'dark'

const STORED = 'theme'
const CHOICES: readonly Choice[] = ['system', 'light', 'dark']

/** Light or dark: by the system's preference or the user's choice, remembered. */
export class Theme {
  readonly choice: Value<Choice>
  readonly scheme: Value<Scheme>
  readonly #light = matchMedia('(prefers-color-scheme: light)')

  /** @param asked what the page's address asks for, which is not remembered */
  constructor(asked?: string) {
    const choice = CHOICES.find((c) => c === (asked ?? recall(STORED))) ?? 'system'
    this.choice = new Value<Choice>(choice)
    this.scheme = new Value<Scheme>(this.#resolve())
    this.#light.addEventListener('change', () => this.#apply())
    this.#apply()
  }

  /** Goes on to the next choice. */
  next(): void {
    const i = CHOICES.indexOf(this.choice.get())
    const choice = CHOICES[(i + 1) % CHOICES.length] ?? 'system'
    this.choice.set(choice)
    remember(STORED, choice)
    this.#apply()
  }

  #resolve(): Scheme {
    const choice = this.choice.get()
    if (choice !== 'system') return choice
    return this.#light.matches ? 'light' : 'dark'
  }

  #apply(): void {
    const scheme = this.#resolve()
    document.documentElement.dataset.theme = scheme
    this.scheme.set(scheme)
  }
}
