import type { Line, Lines } from '../../data/lines'
import type { Stream } from '../../data/stream'
import { setText } from '../../paint/text'
import type { OwnedPainter } from '../../paint/usePainter'

/** Height of a line in px; tokens.css has it as --line. */
const ROW = 20

/** Scrolled up by more than this, in px, the tail no longer follows. */
const FOLLOW_WITHIN = 2 * ROW

/** Paints a tail: only the lines in view are in the document. It follows the newest
 * line until the reader scrolls up, and then holds still. */
export class TailPainter implements OwnedPainter {
  readonly every = 100
  readonly ages = false
  readonly #stream: Stream
  readonly #viewport: HTMLElement
  readonly #lines: HTMLElement
  readonly #unseen: HTMLButtonElement
  readonly #stop = new AbortController()
  readonly #observer: ResizeObserver
  readonly #rows: HTMLElement[] = []
  #following = true
  #seen = 0 // number of the line after the last that was shown
  #start = 0 // number of the first line, as last painted
  #height = 0

  constructor(element: Element, stream: Stream) {
    this.#stream = stream
    this.#viewport = one(element, '.viewport')
    this.#lines = one(element, '.lines')
    this.#unseen = one(element, '.unseen')
    const { signal } = this.#stop
    this.#viewport.addEventListener('scroll', () => this.#scrolled(), { signal, passive: true })
    this.#unseen.addEventListener('click', () => this.#follow(), { signal })
    this.#observer = new ResizeObserver(() => {
      this.#height = this.#viewport.clientHeight
      this.paint()
    })
    this.#observer.observe(this.#viewport)
  }

  version(): unknown {
    return this.#stream.version
  }

  paint(): void {
    const lines = this.#content
    if (lines === undefined || this.#height === 0) return
    const { start, end } = lines
    this.#lines.style.height = `${(end - start) * ROW}px`
    if (this.#following) {
      this.#viewport.scrollTop = (end - start) * ROW
      this.#seen = end
    } else if (start > this.#start) {
      // Lines have left at the top: what is being read stays where it is.
      this.#viewport.scrollTop -= (start - this.#start) * ROW
    }
    this.#start = start
    this.#paintRows(lines)
    this.#paintUnseen(end - this.#seen)
  }

  get #content(): Lines | undefined {
    const { content } = this.#stream
    return content?.kind === 'log' || content?.kind === 'other' ? content : undefined
  }

  #scrolled(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.#viewport
    this.#following = scrollHeight - scrollTop - clientHeight <= FOLLOW_WITHIN
    this.paint()
  }

  #follow(): void {
    this.#following = true
    this.paint()
    this.#viewport.focus()
  }

  #paintRows(lines: Lines): void {
    const first = Math.max(0, Math.floor(this.#viewport.scrollTop / ROW) - 1)
    const count = Math.ceil(this.#height / ROW) + 3
    while (this.#rows.length < count) this.#rows.push(this.#newRow())
    for (const [i, row] of this.#rows.entries()) {
      const line = i < count ? lines.at(lines.start + first + i) : undefined
      row.hidden = line === undefined
      if (line === undefined) continue
      row.style.transform = `translateY(${(first + i) * ROW}px)`
      paintLine(row, line)
    }
  }

  #newRow(): HTMLElement {
    const row = document.createElement('div')
    row.className = 'line'
    for (const part of ['time', 'level', 'tag', 'text', 'rest']) {
      const span = document.createElement('span')
      span.className = part
      row.append(span)
    }
    this.#lines.append(row)
    return row
  }

  #paintUnseen(count: number): void {
    this.#unseen.hidden = count === 0 || this.#following
    setText(this.#unseen, `↓ ${count} new`)
  }

  destroy(): void {
    this.#stop.abort()
    this.#observer.disconnect()
    this.#lines.replaceChildren()
  }
}

function paintLine(row: HTMLElement, line: Line): void {
  const number = String(line.number)
  if (row.dataset.number === number) return
  row.dataset.number = number
  row.dataset.level = line.level ?? ''
  const parts = [timeOfDay(line.time), line.level ?? '', line.tag, line.text, line.rest]
  for (const [i, text] of parts.entries()) {
    const span = row.children[i]
    if (span !== undefined) setText(span, text)
  }
}

function timeOfDay(at: number): string {
  const d = new Date(at)
  const pad = (n: number, digits: number) => String(n).padStart(digits, '0')
  const seconds = `${pad(d.getHours(), 2)}:${pad(d.getMinutes(), 2)}:${pad(d.getSeconds(), 2)}`
  return `${seconds}.${pad(d.getMilliseconds(), 3)}`
}

function one<E extends HTMLElement>(element: Element, selector: string): E {
  const found = element.querySelector<E>(selector)
  if (found === null) throw new Error(`a tail needs a ${selector}`)
  return found
}
