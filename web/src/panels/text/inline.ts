import { createElement, type ReactNode } from 'react'
import { safeLink } from '../../data/link'
import { visible } from '../../data/visible'

/** Emphasis within emphasis goes so deep. */
const MAX_DEPTH = 8

/** Longest address, in UTF-16 units. */
const MAX_ADDRESS = 2000

const EMPHASIS: readonly (readonly [mark: string, tag: string])[] = [
  ['**', 'strong'],
  ['__', 'strong'],
  ['~~', 'del'],
  ['*', 'em'],
  ['_', 'em'],
]

const BREAK = createElement('br')

/** What of a text is one piece, and where the next begins. */
type Piece = readonly [node: ReactNode, next: number]

/** The parts of a line of Markdown as React elements: emphasis, code, links. */
export function inline(text: string): ReactNode[] {
  return new Inline(text, 0, false).read()
}

/** Reads a text once from left to right; what leads nowhere is looked for only once. */
class Inline {
  readonly #text: string
  readonly #depth: number
  readonly #linked: boolean
  readonly #brackets: ReadonlyMap<number, number>
  readonly #missing = new Set<string>()

  constructor(text: string, depth: number, linked: boolean) {
    this.#text = text
    this.#depth = depth
    this.#linked = linked
    this.#brackets = bracketsOf(text)
  }

  read(): ReactNode[] {
    const nodes: ReactNode[] = []
    let plain = 0
    for (let i = 0; i < this.#text.length; ) {
      const piece = this.#piece(i)
      if (piece === undefined) {
        i++
        continue
      }
      if (plain < i) nodes.push(decode(this.#text.slice(plain, i)))
      nodes.push(piece[0])
      i = plain = piece[1]
    }
    if (plain < this.#text.length) nodes.push(decode(this.#text.slice(plain)))
    return nodes
  }

  #piece(at: number): Piece | undefined {
    switch (this.#text[at]) {
      case '\\':
        return this.#escape(at)
      case ' ':
        return this.#text.startsWith('  \n', at) ? [BREAK, at + 3] : undefined
      case '`':
        return this.#code(at)
      case '!':
        return this.#text[at + 1] === '[' ? this.#link(at + 1, true) : undefined
      case '[':
        return this.#link(at, false)
      case '<':
      case 'h':
        return this.#address(at)
      case '*':
      case '_':
      case '~':
        return this.#emphasis(at)
      default:
        return undefined
    }
  }

  #escape(at: number): Piece | undefined {
    const next = this.#text[at + 1] ?? ''
    if (next === '\n') return [BREAK, at + 2]
    return /[!-/:-@[-`{-~]/.test(next) ? [next, at + 2] : undefined
  }

  #code(at: number): Piece | undefined {
    const fence = /^`+/.exec(this.#text.slice(at, at + 64))?.[0] ?? '`'
    const from = at + fence.length
    const to = this.#find(
      fence,
      from,
      (i) => this.#text[i - 1] !== '`' && this.#text[i + fence.length] !== '`',
    )
    if (to === undefined) return [fence, from]
    return [
      createElement('code', null, visible(this.#text.slice(from, to).trim())),
      to + fence.length,
    ]
  }

  /** `[text](address "title")`; a picture is a link too, as the page loads nothing
   * from elsewhere. */
  #link(at: number, picture: boolean): Piece | undefined {
    const to = this.#brackets.get(at)
    if (to === undefined || this.#text[to + 1] !== '(' || this.#linked) return undefined
    const rest = this.#text.slice(to + 1, to + 2 + MAX_ADDRESS)
    const found =
      /^\(\s*(?:<([^<>\n]*)>|([^\s<>()]*(?:\([^\s()]*\)[^\s<>()]*)*))(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)/.exec(
        rest,
      )
    if (found === null) return undefined
    const address = decode(found[1] ?? found[2] ?? '')
    const said = this.#inner(at + 1, to, true)
    const text = picture && said.length === 0 ? [address] : said
    return [linkTo(address, text), to + 1 + found[0].length]
  }

  /** An address as it is: `<https://…>`, or without brackets. */
  #address(at: number): Piece | undefined {
    if (this.#linked || /\w/.test(this.#text[at - 1] ?? '')) return undefined
    const rest = this.#text.slice(at, at + MAX_ADDRESS)
    const bare = /^https?:\/\/[^\s<>[\]`]*[^\s<>[\]`.,;:!?'")*_~]/.exec(rest)
    if (bare !== null) return [linkTo(bare[0], [bare[0]]), at + bare[0].length]
    const held = /^<((?:https?:\/\/|mailto:)[^\s<>]+)>/.exec(rest)
    if (held?.[1] === undefined) return undefined
    return [linkTo(held[1], [held[1].replace(/^mailto:/, '')]), at + held[0].length]
  }

  #emphasis(at: number): Piece | undefined {
    const found = EMPHASIS.find(([mark]) => this.#text.startsWith(mark, at))
    if (found === undefined || this.#depth >= MAX_DEPTH) return undefined
    const [mark, tag] = found
    const from = at + mark.length
    const word = (i: number) => /[\p{L}\p{N}]/u.test(this.#text[i] ?? '')
    if (/\s/.test(this.#text[from] ?? ' ') || (mark[0] === '_' && word(at - 1))) return undefined
    const to = this.#find(mark, from + 1, (i) => {
      if (/\s/.test(this.#text[i - 1] ?? ' ')) return false
      if (mark[0] === '_') return !word(i + mark.length)
      // A single star that is half of a double one belongs to that.
      return mark !== '*' || (this.#text[i + 1] !== '*' && this.#text[i - 1] !== '*')
    })
    if (to === undefined) return undefined
    return [createElement(tag, null, ...this.#inner(from, to, this.#linked)), to + mark.length]
  }

  #inner(from: number, to: number, linked: boolean): ReactNode[] {
    return new Inline(this.#text.slice(from, to), this.#depth + 1, linked).read()
  }

  /** Where a mark ends what it began; what is missing from here is missing later, too. */
  #find(mark: string, from: number, closes: (at: number) => boolean): number | undefined {
    if (this.#missing.has(mark)) return undefined
    for (let i = this.#text.indexOf(mark, from); i >= 0; i = this.#text.indexOf(mark, i + 1)) {
      if (closes(i)) return i
    }
    this.#missing.add(mark)
    return undefined
  }
}

/** Where the bracket that is opened there is closed. */
function bracketsOf(text: string): ReadonlyMap<number, number> {
  const pairs = new Map<number, number>()
  const open: number[] = []
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === '[') open.push(i)
    else if (text[i] === ']') {
      const from = open.pop()
      if (from !== undefined) pairs.set(from, i)
    }
  }
  return pairs
}

/** A link if it may be followed, or else just what it says. */
function linkTo(address: string, said: readonly ReactNode[]): ReactNode {
  const href = safeLink(address, { mail: true })
  if (href === undefined) return createElement('span', null, ...said)
  // What lies on another page opens beside this one, which goes on living.
  const away = /^(?:https?:|\/\/)/i.test(href)
  const beside = away ? { target: '_blank', rel: 'noopener noreferrer' } : {}
  return createElement('a', { href, ...beside }, ...said)
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
  ndash: '–',
  mdash: '—',
  hellip: '…',
  copy: '©',
  times: '×',
  rarr: '→',
  larr: '←',
  deg: '°',
}

/** Reads the entities that people write; others stay as they are. */
function decode(text: string): string {
  const entity = /&(?:#(\d{1,7})|#x([\da-f]{1,6})|([a-z]{2,8}));/gi
  const read = text.replace(entity, (whole, decimal, hex, name: string | undefined) => {
    if (name !== undefined) return ENTITIES[name] ?? whole
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal)
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole
  })
  return visible(read)
}
