import type { Line } from '../../data/lines'
import { formatAge, formatClock } from '../../data/units'
import { setText } from '../../paint/text'
import type { Style } from './ansi'
import { wordsOf } from './listing'
import type { Look } from './look'
import { occurrences, type Pattern } from './pattern'

const PARTS = ['time', 'level', 'stream', 'tag'] as const

/** The element of a line; one after the other, it shows many. */
export class Row {
  readonly element = document.createElement('div')
  readonly #head = document.createElement('div')
  readonly #twist = document.createElement('button')
  readonly #parts: HTMLElement[]
  readonly #text = span('text')
  readonly #rest = span('rest')
  #line: Line | undefined
  #version = -1
  #top = -1
  #detail: HTMLElement | undefined

  /** @param id that no other row of the page has */
  constructor(id: string) {
    this.element.className = 'line'
    this.element.hidden = true
    this.element.setAttribute('role', 'listitem')
    this.#head.className = 'head'
    this.#twist.className = 'twist'
    this.#twist.type = 'button'
    this.#twist.tabIndex = -1
    this.#parts = PARTS.map(span)
    const words = span('words')
    words.append(this.#text, this.#rest)
    const [time, level] = this.#parts as [HTMLElement, HTMLElement]
    for (const part of [time, level, this.#text]) part.id = `${id}-${part.className}`
    this.#twist.setAttribute('aria-expanded', 'false')
    this.#twist.setAttribute('aria-labelledby', [time.id, level.id, this.#text.id].join(' '))
    this.#head.append(this.#twist, ...this.#parts, words)
    this.element.append(this.#head)
  }

  /** The line that is shown. */
  get line(): Line | undefined {
    return this.#line
  }

  /** Shows a line, with its detail if it is open. Returns whether that changed anything. */
  show(line: Line, look: Look, detail: HTMLElement | undefined): boolean {
    if (detail !== this.#detail) this.#open(detail)
    else if (line === this.#line && look.version === this.#version) return false
    this.#line = line
    this.#version = look.version
    this.element.hidden = false
    this.element.dataset.level = line.level ?? ''
    const { tag, said, rest } = wordsOf(line, look.kind)
    const stream = look.streamTag(line.event.stream)
    const texts = [
      look.relative ? '' : timeText(line.time, look.brief),
      line.level ?? '',
      stream?.name ?? '',
      tag,
    ]
    for (const [i, text] of texts.entries()) setText(this.#parts[i] as HTMLElement, text)
    if (stream !== undefined) (this.#parts[2] as HTMLElement).dataset.slot = String(stream.slot)
    fill(this.#text, look.wrap ? said.text : flat(said.text), said.styles, look.pattern)
    fill(this.#rest, look.wrap ? rest : flat(rest), [], look.pattern)
    return true
  }

  #open(detail: HTMLElement | undefined): void {
    // It may be another row's by now.
    if (this.#detail?.parentElement === this.element) this.#detail.remove()
    this.#detail = detail
    if (detail !== undefined) this.element.append(detail)
    this.element.toggleAttribute('data-open', detail !== undefined)
    this.#twist.setAttribute('aria-expanded', String(detail !== undefined))
  }

  /** Moves it there, in px from the top of the first line. */
  place(top: number): void {
    if (top === this.#top) return
    this.#top = top
    this.element.style.transform = `translateY(${top}px)`
  }

  /** Brings the age up to date. */
  tick(now: number): void {
    if (this.#line !== undefined)
      setText(this.#parts[0] as HTMLElement, formatAge(now - this.#line.time))
  }

  /** Marks it as one of the instant that is pointed at, or as the one that is read. */
  mark(moment: boolean, current: boolean): void {
    const { dataset } = this.element
    const mark = current ? 'current' : moment ? 'moment' : ''
    if ((dataset.mark ?? '') !== mark) dataset.mark = mark
  }

  focus(): void {
    this.#twist.focus({ preventScroll: true })
  }

  hide(): void {
    this.#line = undefined
    this.#open(undefined)
    this.element.hidden = true
  }
}

function span(name: string): HTMLElement {
  const element = document.createElement('span')
  element.className = name
  return element
}

/** On a line of its own height, what follows stands behind a mark. It is as long as
 * what it replaces, so that styles stay where they are. */
function flat(text: string): string {
  return text.replaceAll('\n', '↵')
}

/** Sets a text, with parts of it in styles and what is searched for marked. */
function fill(
  element: HTMLElement,
  text: string,
  styles: readonly Style[],
  pattern: Pattern,
): void {
  const marks = pattern.kind === 'pattern' ? occurrences(pattern.regexp, text) : []
  if (styles.length === 0 && marks.length === 0) {
    if (element.childElementCount > 0) element.textContent = text
    else setText(element, text)
    return
  }
  const cuts = new Set([0, text.length, ...styles.flatMap((s) => [s.from, s.to]), ...marks.flat()])
  const bounds = [...cuts].sort((a, b) => a - b)
  const nodes = bounds.slice(1).map((to, i) => {
    const from = bounds[i] as number
    const marked = marks.some(([a, b]) => a <= from && to <= b)
    const style = styles.find((s) => s.from <= from && to <= s.to)
    if (!marked && style === undefined) return text.slice(from, to)
    const part = document.createElement(marked ? 'mark' : 'span')
    if (style !== undefined) part.className = style.classes
    part.textContent = text.slice(from, to)
    return part
  })
  element.replaceChildren(...nodes)
}

/** The time of day, to the second if it is to be brief, and the day if it isn't `today`. */
export function timeText(at: number, brief = false, today = Date.now()): string {
  if (Number.isNaN(at)) return '?'
  const clock = formatClock(at, today)
  return brief ? clock : `${clock}.${String(new Date(at).getMilliseconds()).padStart(3, '0')}`
}
