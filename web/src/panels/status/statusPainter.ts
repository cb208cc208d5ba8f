import type { PanelDefinition, State } from '../../dashboard/definition'
import type { Numbers, Series } from '../../data/numbers'
import type { Source } from '../../data/source'
import { formatClock } from '../../data/units'
import { fill } from '../../paint/fill'
import { Pace } from '../../paint/pace'
import { translucent } from '../../paint/palette'
import { setText } from '../../paint/text'
import type { OwnedPainter } from '../../paint/usePainter'
import type { Span } from '../../time/timeline'
import { instantAt, placeCross } from '../crosshair'
import { type Page, spanOf } from '../moment'
import { fieldLabel, labelFor, numbersOf, textFor, unitOf } from '../numbers'
import { makePointable } from '../pointing'
import { STATES, stateOf } from '../state'
import { Tip } from '../tip'
import { type Beats, beatLength, beatsOf, stateOfWord } from './beats'

/** A beat and the space after it, in px; Uptime Kuma's are about as wide. */
const BEAT = 7
const SPACE = 2

/** A regular state that is not said again for so many intervals is not known. */
const PATIENCE = 3

const DEFAULT_LIMIT = 30

const byNumber = new Intl.Collator('en', { numeric: true })

/** Paints states over time: a row of beats for each key. */
export class StatusPainter implements OwnedPainter {
  readonly every = 250
  readonly ages = true
  readonly #page: Page
  readonly #definition: PanelDefinition
  readonly #source: Source
  readonly #element: HTMLElement
  readonly #list: HTMLElement
  readonly #cross: HTMLElement | null
  readonly #tip: Tip | undefined
  readonly #colours: Readonly<Record<State | 'none', string>>
  readonly #observer: ResizeObserver
  readonly #pace = new Pace()
  readonly #stop = new AbortController()
  #area = { left: 0, width: 0, height: 0, whole: 0 }
  #resized = 0
  #waiting = false

  constructor(element: HTMLElement, page: Page, definition: PanelDefinition, source: Source) {
    this.#page = page
    this.#definition = definition
    this.#source = source
    this.#element = element
    this.#list = element.querySelector('ul') ?? element
    this.#cross = element.querySelector('.cross')
    const tip = element.querySelector<HTMLElement>('.tip')
    if (tip !== null) this.#tip = new Tip(tip)
    const style = getComputedStyle(element)
    const ink = (name: string) => style.getPropertyValue(name).trim()
    this.#colours = {
      good: ink('--good'),
      warn: ink('--warn'),
      bad: ink('--bad'),
      idle: ink('--ink-3'),
      none: ink('--ink-3'),
    }
    this.#observer = new ResizeObserver(() => this.#measure())
    this.#observer.observe(element)
    this.#makePointable()
  }

  version(): unknown {
    return this.#waiting ? Number.NaN : this.#source.version + this.#resized * 1e-3
  }

  #measure(): void {
    const canvas = this.#list.querySelector('canvas')
    const whole = this.#element.clientWidth
    if (canvas === null) this.#area = { left: 0, width: 0, height: 0, whole }
    else {
      const { offsetLeft: left, clientWidth: width, clientHeight: height } = canvas
      this.#area = { left, width, height, whole }
    }
    this.#resized++
  }

  paint(): void {
    const numbers = numbersOf(this.#source)
    if (numbers === undefined || numbers.series.length === 0) return
    const rows = rowsOf(numbers, this.#definition)
    const before = this.#list.childElementCount
    fill(this.#list, Math.min(rows.length, this.#definition.limit ?? DEFAULT_LIMIT), 'li')
    for (const row of this.#list.children) if (row.childElementCount === 0) build(row)
    if (this.#list.childElementCount !== before) this.#measure()
    const span = spanOf(this.#definition, this.#page.timeline)
    this.#waiting = !this.#pace.due(this.#area.width, span.to - span.from)
    for (let i = 0; i < this.#list.childElementCount; i++) {
      const row = rows[i]
      if (row) this.#paintRow(this.#list.children[i] as HTMLElement, numbers, row, span)
    }
    this.#paintCross(span)
  }

  #paintRow(element: HTMLElement, numbers: Numbers, series: Series, span: Span): void {
    const [label, canvas, state, uptime] = element.children
    if (!label || !(canvas instanceof HTMLCanvasElement) || !state || !uptime) return
    setText(
      label,
      labelFor(
        this.#definition,
        series.key ?? this.#definition.title ?? fieldLabel({ type: 'status' }, series),
      ),
    )
    const now = this.#stateAt(numbers, series, this.#page.timeline.moment)
    if (element.dataset.is !== (now ?? '')) element.dataset.is = now ?? ''
    setText(
      state,
      now === undefined
        ? '? unknown'
        : `${STATES[now].shape} ${this.#wordAt(numbers, series, now)}`,
    )
    if (this.#waiting) return
    const beats = this.#beats(numbers, series, span)
    setText(uptime, Number.isNaN(beats.uptime) ? '–' : percent(beats.uptime))
    this.#draw(canvas, beats, span)
  }

  #beats(numbers: Numbers, series: Series, { from, to }: Span): Beats {
    const length = beatLength(to - from, this.#area.width / BEAT)
    const hold = this.#hold(series)
    const { columns } = numbers
    const input = { columns, column: series.column, from, to, hold }
    return beatsOf({ ...input, stateOf: (n) => this.#state(numbers, n) }, Math.max(length, 1000))
  }

  #hold({ grid }: Series): number {
    if (grid !== undefined && grid.every > 0) return PATIENCE * grid.every
    const { interval } = this.#source.cadence
    return interval === undefined ? Number.POSITIVE_INFINITY : PATIENCE * interval + 1000
  }

  #state(numbers: Numbers, value: number): State | undefined {
    const { thresholds, states } = this.#definition
    if (thresholds !== undefined && states === undefined)
      return stateOf(value, thresholds) ?? 'good'
    const word = numbers.stateOf(value)
    return word === undefined ? undefined : stateOfWord(word, states)
  }

  #stateAt(numbers: Numbers, series: Series, at: number): State | undefined {
    const row = numbers.columns.numberUntil(series.column, at)
    if (row < 0 || at - numbers.columns.timeAt(row) > this.#hold(series)) return undefined
    return this.#state(numbers, numbers.columns.valueAt(series.column, row))
  }

  /** The state in the publisher's word, or the value that makes it. */
  #wordAt(numbers: Numbers, series: Series, state: State): string {
    const value = numbers.columns.lastUntil(series.column, this.#page.timeline.moment)
    if (this.#definition.thresholds !== undefined && this.#definition.states === undefined) {
      return textFor(this.#definition, value, unitOf(this.#definition, series))
    }
    const word = numbers.stateOf(value) ?? ''
    return /^(true|false|\d+)$/.test(word)
      ? state === 'good'
        ? 'up'
        : state === 'bad'
          ? 'down'
          : STATES[state].word
      : word
  }

  #draw(canvas: HTMLCanvasElement, { start, length, states }: Beats, { from, to }: Span): void {
    const { width, height } = this.#area
    const context = canvas.getContext('2d')
    if (context === null || width === 0) return
    canvas.width = Math.round(width * devicePixelRatio)
    canvas.height = Math.round(height * devicePixelRatio)
    context.scale(devicePixelRatio, devicePixelRatio)
    const beat = (length / (to - from)) * width
    const space = Math.min(SPACE, beat / 3)
    for (const [i, state] of states.entries()) {
      const left = ((start + i * length - from) / (to - from)) * width
      const right = Math.min(left + beat - space, width)
      const x = Math.max(left, 0)
      if (right <= x) continue
      context.beginPath()
      // Bad stands out by its height too, not by its colour alone.
      const inset = state === 'bad' ? 0 : height * (state === undefined ? 0.25 : 0.12)
      context.roundRect(x, inset, right - x, height - 2 * inset, Math.min(2, (right - x) / 2))
      if (state === undefined) {
        // Hatched from beat to beat: it is not known.
        context.fillStyle = translucent(this.#colours.none, 0.16)
        context.fill()
        context.beginPath()
        context.moveTo(x, height - inset)
        context.lineTo(right, inset)
        context.strokeStyle = translucent(this.#colours.none, 0.7)
        context.stroke()
      } else {
        context.fillStyle =
          state === 'idle' ? translucent(this.#colours.idle, 0.4) : this.#colours[state]
        context.fill()
      }
    }
  }

  #paintCross(span: Span): void {
    placeCross(this.#cross, this.#page.timeline.hover.get(), span, this.#area)
  }

  #makePointable(): void {
    const { timeline } = this.#page
    const { signal } = this.#stop
    const span = () => spanOf(this.#definition, timeline)
    const target = {
      element: this.#element,
      timeAt: (x: number) => instantAt(x, span(), this.#area),
      step: (at = span().to, n: number) => {
        const { from, to } = span()
        return at + n * beatLength(to - from, this.#area.width / BEAT)
      },
      describe: (at: number) => this.#describe(at),
      pointed: (x: number, y: number) => {
        const at = timeline.hover.get()
        if (Number.isNaN(x) || at === undefined) this.#tip?.hide()
        else this.#tip?.show(formatClock(at), x, y, this.#area.whole)
      },
    }
    makePointable(target, timeline, signal)
    const forget = timeline.hover.subscribe(() => this.#paintCross(span()))
    signal.addEventListener('abort', forget)
  }

  #describe(at: number): string {
    const numbers = numbersOf(this.#source)
    if (numbers === undefined) return ''
    return rowsOf(numbers, this.#definition)
      .slice(0, 8)
      .map((s) => `${s.key ?? ''} ${STATES[this.#stateAt(numbers, s, at) ?? 'idle'].word}`)
      .join(', ')
  }

  destroy(): void {
    this.#stop.abort()
    this.#observer.disconnect()
  }
}

/** The series with a state, as a reader looks for them: one for each key, unless the
 * definition names several fields. */
export function rowsOf(numbers: Numbers, { field, view }: PanelDefinition): Series[] {
  const asked = field !== undefined || view !== undefined
  const first = new Map<string | undefined, Series>()
  for (const series of numbers.series) if (!first.has(series.key)) first.set(series.key, series)
  const rows = asked ? [...numbers.series] : [...first.values()]
  return rows.sort((a, b) => byNumber.compare(a.key ?? '', b.key ?? ''))
}

/** Uptime never rounds up to what it was not. */
export function percent(share: number): string {
  if (share >= 1) return '100 %'
  const text = (Math.floor(share * 10_000) / 100).toFixed(share >= 0.9 ? 2 : 1)
  return `${text} %`
}

function build(row: Element): void {
  for (const [tag, name] of [
    ['span', 'label'],
    ['canvas', 'beats'],
    ['span', 'state'],
    ['span', 'uptime'],
  ] as const) {
    const part = document.createElement(tag)
    part.className = name
    row.append(part)
  }
}
