import { createElement, type ReactNode } from 'react'
import { visible } from '../../data/visible'
import { inline } from './inline'

/** Longest text that is read, in UTF-16 units. */
const MAX_TEXT = 100_000

/** Lists and quotes within each other go so deep. */
const MAX_DEPTH = 8

const FENCE = /^ {0,3}(`{3,}|~{3,})[^`]*$/
const HEADING = /^ {0,3}(#{1,6})(?:\s+(.*?))?\s*$/
const RULE = /^ {0,3}(?:(?:-\s*){3,}|(?:\*\s*){3,}|(?:_\s*){3,})$/
const QUOTE = /^ {0,3}>/
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])(?: +|$)/
const TASK = /^\[([ xX])\] +/
const DELIMITERS = /^ *\|?(?: *:?-+:? *\|)*(?: *:?-+:? *)?$/

const LINE = createElement('hr')

/** What some lines are, and the line after them. */
type Block = readonly [node: ReactNode, next: number]

/**
 * Markdown as React elements: headings, paragraphs, lists, tasks, quotes, code, tables
 * and rules; emphasis, code and links within. It is a part of CommonMark and GitHub's
 * additions, read in one pass, for the libraries weigh as much as all other panels. No
 * text can become markup: HTML is shown as it is written, and links lead to http,
 * https, mailto or relative addresses, or are none.
 */
export function markdown(text: string): ReactNode[] {
  const lines = text
    .slice(0, MAX_TEXT)
    .replaceAll('\r\n', '\n')
    .replaceAll('\t', '    ')
    .split('\n')
  const depths = lines.flatMap((line) => HEADING.exec(line)?.[1]?.length ?? [])
  return new Blocks(lines, 0, Math.min(...depths)).read(false)
}

class Blocks {
  readonly #lines: readonly string[]
  readonly #depth: number
  /** The depth of the headings that stand highest. */
  readonly #top: number

  constructor(lines: readonly string[], depth: number, top: number) {
    this.#lines = lines
    this.#depth = depth
    this.#top = top
  }

  /** Reads all lines. In a tight list a paragraph has no element of its own. */
  read(tight: boolean): ReactNode[] {
    const nodes: ReactNode[] = []
    for (let i = 0; i < this.#lines.length; ) {
      if (this.#line(i).trim() === '') {
        i++
        continue
      }
      const [node, next] = this.#block(i) ?? this.#paragraph(i, tight)
      nodes.push(node)
      i = next
    }
    return nodes
  }

  #line(i: number): string {
    return this.#lines[i] ?? ''
  }

  #block(at: number): Block | undefined {
    const line = this.#line(at)
    if (FENCE.test(line)) return this.#code(at)
    const heading = HEADING.exec(line)
    if (heading !== null) return [this.#heading(heading), at + 1]
    if (RULE.test(line)) return [LINE, at + 1]
    if (this.#depth < MAX_DEPTH && QUOTE.test(line)) return this.#quote(at)
    if (this.#depth < MAX_DEPTH && ITEM.test(line)) return this.#list(at)
    const next = this.#line(at + 1)
    return line.includes('|') && next.includes('-') && DELIMITERS.test(next)
      ? this.#table(at)
      : undefined
  }

  /** A panel's own headings stand below its title, which is of the third level. */
  #heading([, marks = '', text = '']: RegExpExecArray): ReactNode {
    const level = Math.min(6, 4 + marks.length - this.#top)
    return createElement(`h${level}`, null, ...inline(text.replace(/(?:^|\s+)#+$/, '')))
  }

  #code(at: number): Block {
    const fence = FENCE.exec(this.#line(at))?.[1] ?? '```'
    let end = at + 1
    const closes = (line: string) => line.trim().startsWith(fence) && FENCE.test(line)
    while (end < this.#lines.length && !closes(this.#line(end))) end++
    const text = this.#lines.slice(at + 1, end).join('\n')
    return [createElement('pre', null, createElement('code', null, visible(text))), end + 1]
  }

  #quote(at: number): Block {
    let end = at
    while (QUOTE.test(this.#line(end))) end++
    const lines = this.#lines.slice(at, end).map((line) => line.replace(/^ {0,3}> ?/, ''))
    return [createElement('blockquote', null, ...this.#within(lines, false)), end]
  }

  #within(lines: readonly string[], tight: boolean): ReactNode[] {
    return new Blocks(lines, this.#depth + 1, this.#top).read(tight)
  }

  #list(at: number): Block {
    const marker = ITEM.exec(this.#line(at))?.[2] ?? '-'
    const kind = marker.at(-1)
    const items: string[][] = []
    let end = at
    while (ITEM.exec(this.#line(end))?.[2]?.at(-1) === kind && !RULE.test(this.#line(end))) {
      const next = this.#itemEnd(end)
      items.push(this.#itemLines(end, next))
      end = next
    }
    const tight = !items.some((lines) => lines.slice(0, -1).includes(''))
    const nodes = items.map((lines) => this.#item(lines, tight))
    if (!/\d/.test(marker)) return [createElement('ul', null, ...nodes), end]
    return [createElement('ol', { start: Number.parseInt(marker, 10) }, ...nodes), end]
  }

  /** The line after an item: what is indented belongs to it, and so does what merely
   * goes on with its text. */
  #itemEnd(at: number): number {
    const indent = ITEM.exec(this.#line(at))?.[0].length ?? 2
    let end = at + 1
    for (; end < this.#lines.length; end++) {
      const line = this.#line(end)
      if (line.trim() === '' || line.search(/\S/) >= Math.min(indent, 4)) continue
      if (ITEM.test(line) || this.#line(end - 1).trim() === '' || this.#begins(line)) break
    }
    return end
  }

  #itemLines(from: number, to: number): string[] {
    const indent = ITEM.exec(this.#line(from))?.[0].length ?? 2
    const [first = '', ...rest] = this.#lines.slice(from, to)
    const cut = (line: string) => line.slice(Math.min(indent, Math.max(0, line.search(/\S/))))
    const lines = [
      first.slice(indent),
      ...rest.map((line) => (line.trim() === '' ? '' : cut(line))),
    ]
    // Blank lines at its end separate it from the next item.
    const blank = lines.length > 1 && lines.at(-1) === ''
    while (lines.length > 1 && lines.at(-1) === '') lines.pop()
    return blank && ITEM.test(this.#line(to)) ? [...lines, '', ''] : lines
  }

  #item([first = '', ...rest]: readonly string[], tight: boolean): ReactNode {
    const task = TASK.exec(first)
    if (task === null) return createElement('li', null, ...this.#within([first, ...rest], tight))
    const done = task[1] !== ' '
    const label = done ? 'done' : 'to do'
    const box = { type: 'checkbox', checked: done, disabled: true, 'aria-label': label }
    const text = this.#within([first.slice(task[0].length), ...rest], tight)
    return createElement('li', { 'data-task': true }, createElement('input', box), ...text)
  }

  #table(at: number): Block {
    const right = cellsOf(this.#line(at + 1)).map((cell) => /[^:].*:$/.test(cell))
    let end = at + 2
    while (this.#line(end).includes('|')) end++
    const row = (line: string, tag: string) => {
      const cells = cellsOf(line).slice(0, right.length)
      const nodes = cells.map((cell, i) =>
        createElement(tag, right[i] ? { className: 'number' } : null, ...inline(cell)),
      )
      return createElement('tr', null, ...nodes)
    }
    const head = createElement('thead', null, row(this.#line(at), 'th'))
    const rows = this.#lines.slice(at + 2, end).map((line) => row(line, 'td'))
    return [createElement('table', null, head, createElement('tbody', null, ...rows)), end]
  }

  #paragraph(at: number, tight: boolean): Block {
    let end = at + 1
    while (this.#line(end).trim() !== '' && !this.#begins(this.#line(end))) end++
    const text = this.#lines
      .slice(at, end)
      .map((line) => line.trimStart())
      .join('\n')
      .trimEnd()
    return [createElement(tight ? Plain : 'p', null, ...inline(text)), end]
  }

  /** Whether the line ends a paragraph. */
  #begins(line: string): boolean {
    return (
      FENCE.test(line) ||
      HEADING.test(line) ||
      RULE.test(line) ||
      QUOTE.test(line) ||
      ITEM.test(line)
    )
  }
}

function Plain({ children }: { children?: ReactNode }): ReactNode {
  return children
}

function cellsOf(line: string): string[] {
  const cells = line
    .trim()
    .replace(/^\|/, '')
    .replace(/(?<!\\)\|$/, '')
  return cells.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'))
}
