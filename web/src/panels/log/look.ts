import type { Lines } from '../../data/lines'
import { assignColours } from '../../paint/palette'
import type { Pattern } from './pattern'

/** What decides how lines look, all alike. */
export interface Style {
  readonly kind: Lines['kind']
  readonly pattern: Pattern
  readonly wrap: boolean
  /** Whether there is no room for thousandths of a second. */
  readonly brief: boolean
  /** Whether times are ages. */
  readonly relative: boolean
}

/** The name and the colour by which a stream is told from the others. */
export interface StreamTag {
  readonly name: string
  readonly slot: number
}

/** How lines look. */
export interface Look extends Style {
  /** Changes whenever a line may look different. */
  readonly version: number
  /** Undefined where there is but one stream. */
  readonly streamTag: (stream: string) => StreamTag | undefined
}

/** Keeps how lines look, and the colours of their streams. */
export class Looks {
  readonly #several: boolean
  readonly #prefix: string
  readonly #slots = new Map<string, number>()
  #look: Look | undefined

  /** @param selectors of the streams whose lines they are */
  constructor(selectors: readonly string[]) {
    this.#several = selectors.length > 1 || selectors.some((selector) => /[*>]/.test(selector))
    this.#prefix = prefixOf(selectors)
  }

  /** The look as it was last updated. */
  get look(): Look | undefined {
    return this.#look
  }

  /** The look by a style and the streams that there are; the same object as before if
   * nothing of that has changed. */
  update(style: Style, streams: ReadonlySet<string>): Look {
    const before = this.#look
    const same = before !== undefined && streams.size === this.#slots.size && alike(before, style)
    if (same) return before
    const names = [...streams]
    for (const [i, slot] of assignColours(names).entries())
      this.#slots.set(names[i] as string, slot)
    const version = (before?.version ?? 0) + 1
    this.#look = { ...style, version, streamTag: (stream) => this.#tagOf(stream) }
    return this.#look
  }

  /** Has every line drawn anew. */
  outdate(): void {
    if (this.#look !== undefined) this.#look = { ...this.#look, version: this.#look.version + 1 }
  }

  #tagOf(stream: string): StreamTag | undefined {
    if (!this.#several && this.#slots.size < 2) return undefined
    const name = stream.startsWith(this.#prefix) ? stream.slice(this.#prefix.length) : stream
    return { name, slot: this.#slots.get(stream) ?? 7 }
  }
}

function alike(a: Style, b: Style): boolean {
  return (Object.keys(b) as (keyof Style)[]).every((name) => a[name] === b[name])
}

/** What the names of all selected streams begin with, so that it need not be said. */
export function prefixOf(selectors: readonly string[]): string {
  const literal = selectors.map((s) => s.replace(/[*>].*$/, '').replace(/[^.]*$/, ''))
  const [first = ''] = literal
  return literal.every((prefix) => prefix === first) ? first : ''
}
