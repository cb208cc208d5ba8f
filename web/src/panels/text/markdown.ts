import { Lexer, type Token, type Tokens } from 'marked'
import { createElement, Fragment, type ReactNode } from 'react'
import { safeLink } from '../../data/link'
import { visible } from '../../data/visible'

/** Longest text that is read, in UTF-16 units: there are texts for which the lexer
 * takes the square of their length. */
const MAX_TEXT = 20_000

/** The headings that stand highest are below the panel's own. */
const TOP = 4
const DEEPEST = 6

/**
 * Markdown as React elements: CommonMark with GitHub's tables, tasks and strikethrough.
 * No text can become markup: HTML is shown as it is written, and links lead to http,
 * https, mailto or relative addresses, or are none. Of a longer text than 20,000
 * characters the beginning is shown, and that it is one.
 */
export function markdown(text: string): ReactNode[] {
  if (text.length > MAX_TEXT) {
    const note = createElement('p', { className: 'hint' }, 'The text is longer than is shown.')
    return [...markdown(text.slice(0, MAX_TEXT)), note]
  }
  try {
    const tokens = new Lexer({ gfm: true }).lex(text)
    const depths = tokens.flatMap((t) => (t.type === 'heading' ? (t as Tokens.Heading).depth : []))
    return new Writer(Math.min(...depths)).all(tokens)
  } catch {
    return [visible(text)] // thousands of quotes within each other
  }
}

/** Makes elements of what the lexer has read. */
class Writer {
  readonly #top: number

  /** @param top the depth of the headings that stand highest */
  constructor(top: number) {
    this.#top = top
  }

  all(tokens: readonly Token[] = []): ReactNode[] {
    return tokens.map((token) => this.one(token))
  }

  one(token: Token): ReactNode {
    const inner = () => this.all('tokens' in token ? token.tokens : undefined)
    switch (token.type) {
      case 'space':
      case 'def':
        return null
      case 'heading': {
        const depth = TOP + (token as Tokens.Heading).depth - this.#top
        return createElement(`h${Math.min(depth, DEEPEST)}`, null, ...inner())
      }
      case 'paragraph':
        return createElement('p', null, ...inner())
      case 'blockquote':
        return createElement('blockquote', null, ...inner())
      case 'hr':
        return createElement('hr')
      case 'br':
        return createElement('br')
      case 'code':
        return createElement('pre', null, createElement('code', null, visible(token.text)))
      case 'codespan':
        return createElement('code', null, visible(token.text))
      case 'strong':
      case 'em':
      case 'del':
        return createElement(token.type, null, ...inner())
      case 'link':
        return link(token as Tokens.Link, inner())
      case 'image':
        return link(token as Tokens.Image, [plain(token.text)])
      case 'list':
        return list(token as Tokens.List, this)
      case 'table':
        return table(token as Tokens.Table, this)
      case 'checkbox':
        return box((token as Tokens.Checkbox).checked)
      case 'escape':
        return visible(token.text)
      case 'text':
        return token.tokens === undefined ? plain(token.text) : this.#line(token)
      default:
        return visible(token.raw) // HTML, as it is written
    }
  }

  #line({ tokens }: Tokens.Text | Tokens.Generic): ReactNode {
    return createElement(Fragment, null, ...this.all(tokens))
  }
}

/** A text in which characters may stand by their names. */
function plain(text: string): string {
  return visible(text.replace(/&(?:#\d{1,7}|#x[\da-f]{1,6}|[a-z\d]{2,31});/gi, decoded))
}

const NAMED: Readonly<Record<string, string>> = {
  amp: '&',
  apos: "'",
  bull: '•',
  copy: '©',
  deg: '°',
  euro: '€',
  gt: '>',
  hellip: '…',
  laquo: '«',
  larr: '←',
  lt: '<',
  mdash: '—',
  micro: 'µ',
  middot: '·',
  nbsp: '\u00a0',
  ndash: '–',
  quot: '"',
  raquo: '»',
  rarr: '→',
  reg: '®',
  times: '×',
  trade: '™',
}

function decoded(reference: string): string {
  const name = reference.slice(1, -1)
  if (Object.hasOwn(NAMED, name)) return NAMED[name] as string
  if (!name.startsWith('#')) return reference
  const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1))
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd'
}

function link({ href }: Tokens.Link | Tokens.Image, inner: ReactNode[]): ReactNode {
  const safe = safeLink(href, { mail: true })
  if (safe === undefined) return createElement('span', null, ...inner)
  const away = /^https?:/i.test(safe) ? { target: '_blank', rel: 'noopener noreferrer' } : {}
  return createElement('a', { href: safe, ...away }, ...inner)
}

function list({ ordered, start, items }: Tokens.List, writer: Writer): ReactNode {
  const first = ordered && start !== 1 && start !== '' ? { start } : null
  return createElement(
    ordered ? 'ol' : 'ul',
    first,
    ...items.map(({ task, tokens }) =>
      createElement('li', task ? { 'data-task': true } : null, ...writer.all(tokens)),
    ),
  )
}

function box(checked: boolean): ReactNode {
  const label = checked ? 'done' : 'to do'
  return createElement('input', { type: 'checkbox', checked, disabled: true, 'aria-label': label })
}

function table({ header, rows }: Tokens.Table, writer: Writer): ReactNode {
  const row = (cells: readonly Tokens.TableCell[], tag: 'th' | 'td') =>
    createElement(
      'tr',
      null,
      ...cells.map(({ align, tokens }) =>
        createElement(
          tag,
          align === 'right' ? { className: 'number' } : null,
          ...writer.all(tokens),
        ),
      ),
    )
  return createElement(
    'table',
    null,
    createElement('thead', null, row(header, 'th')),
    createElement('tbody', null, ...rows.map((cells) => row(cells, 'td'))),
  )
}
