import uPlot from 'uplot'
import type { PanelDefinition } from '../../dashboard/definition'
import type { Source } from '../../data/source'
import { formatClock, formatSpan, type Unit } from '../../data/units'
import { Pace } from '../../paint/pace'
import { setText } from '../../paint/text'
import type { OwnedPainter } from '../../paint/usePainter'
import { knownUntil, type Page, shownValue, spanOf } from '../moment'
import { formatFor, numbersOf, textFor } from '../numbers'
import { makePointable } from '../pointing'
import type { Line } from './lines'
import { PlotData } from './plotData'
import { plotOptions } from './plotOptions'

/** What a {@link ChartPainter} draws. */
export interface ChartInput {
  readonly definition: PanelDefinition
  readonly page: Page
  readonly source: Source
  /** The lines of the legend. */
  readonly all: readonly Line[]
  /** Those of them that are drawn. */
  readonly lines: readonly Line[]
  /** The colour slot of each line that is drawn. */
  readonly slots: readonly number[]
  /** The order in which lines are drawn: what is in front comes last. */
  readonly order: readonly number[]
  readonly unit: Unit
  /** The instants that are marked, by rising time. */
  marks(): readonly { readonly at: number; readonly text: string }[]
}

const SUMMARY_EVERY = 5000

/** Paints a chart and the values of its legend. */
export class ChartPainter implements OwnedPainter {
  readonly every = 100
  readonly ages = true
  readonly #input: ChartInput
  readonly #host: HTMLElement
  readonly #outputs: { value: Element; unit: Element }[]
  readonly #data = new PlotData()
  readonly #plot: uPlot
  readonly #when = document.createElement('span')
  readonly #observer: ResizeObserver
  readonly #pace = new Pace()
  readonly #stop = new AbortController()
  #resized = 0
  #waiting = false
  #summarised = Number.NEGATIVE_INFINITY

  constructor(element: Element, input: ChartInput) {
    this.#input = input
    const host = element.querySelector<HTMLElement>('.plot')
    if (host === null) throw new Error('a chart needs a .plot')
    this.#host = host
    this.#outputs = [...element.querySelectorAll('.legend .number')].flatMap((output) => {
      const [value, unit] = output.children
      return value && unit ? [{ value, unit }] : []
    })
    this.#plot = new uPlot(plotOptions(host, input, this.#data), this.#aligned(), host)
    this.#when.className = 'when'
    this.#when.ariaHidden = 'true' // it is read out with the values
    host.append(this.#when)
    this.#observer = new ResizeObserver(() => {
      this.#plot.setSize({ width: host.clientWidth, height: host.clientHeight })
      this.#resized++
    })
    this.#observer.observe(host)
    this.#makePointable()
    this.paint()
  }

  /** Another one each time while a picture is due that came too soon. */
  version(): unknown {
    return this.#waiting ? Number.NaN : this.#input.source.version + this.#resized * 1e-3
  }

  paint(): void {
    const { page, definition, source, lines } = this.#input
    const numbers = numbersOf(source)
    if (numbers === undefined) return
    const { from, to } = spanOf(definition, page.timeline)
    this.#waiting = !this.#pace.due(this.#plot.width, to - from)
    if (!this.#waiting) {
      const live = page.timeline.mode.get().kind === 'live'
      const range = { from, to, live, known: knownUntil(page) }
      this.#data.fill(numbers, lines, range, definition.stack)
      this.#plot.setData(this.#aligned())
    }
    this.#paintCursor()
    this.#paintLegend()
    this.#summarise()
  }

  #aligned(): uPlot.AlignedData {
    const { times, columns } = this.#data
    return [times, ...this.#input.order.map((i) => columns[i] ?? [])] as uPlot.AlignedData
  }

  /** The crosshair stands at the instant that is pointed at, on whatever panel. */
  #paintCursor(): void {
    const hover = this.#input.page.timeline.hover.get()
    const { min, max } = this.#plot.scales.x ?? {}
    const inside = hover !== undefined && min != null && max != null && hover >= min && hover <= max
    const left = inside ? this.#plot.valToPos(hover, 'x') : -10
    if (left !== this.#plot.cursor.left)
      this.#plot.setCursor({ left, top: inside ? 0 : -10 }, false)
    this.#when.hidden = !inside
    if (!inside) return
    setText(this.#when, formatClock(hover))
    this.#when.style.left = `${Math.round(this.#plot.over.offsetLeft + left)}px`
  }

  #paintLegend(): void {
    const { page, source, all, unit, definition } = this.#input
    const numbers = numbersOf(source)
    if (numbers === undefined) return
    for (let i = 0; i < all.length; i++) {
      const output = this.#outputs[i]
      const line = all[i]
      if (output === undefined || line === undefined) continue
      const text = formatFor(definition, shownValue(numbers, line.series, page), unit)
      setText(output.value, text.value)
      setText(output.unit, text.unit)
    }
  }

  /** The crosshair follows the pointer frame by frame, whatever else is due. */
  #makePointable(): void {
    const { over } = this.#plot
    const { timeline } = this.#input.page
    let asked = 0
    const follow = () => {
      asked ||= requestAnimationFrame(() => {
        asked = 0
        this.#paintCursor()
        this.#paintLegend()
      })
    }
    const forget = timeline.hover.subscribe(follow)
    this.#stop.signal.addEventListener('abort', () => {
      forget()
      cancelAnimationFrame(asked)
    })
    const target = {
      element: this.#host,
      timeAt: (x: number) => this.#plot.posToVal(x - over.offsetLeft, 'x'),
      step: (from: number | undefined, n: number) => this.#step(from, n),
      describe: () => this.#values(),
    }
    makePointable(target, timeline, this.#stop.signal)
  }

  /** So many values on from an instant, or from the newest. */
  #step(from: number | undefined, n: number): number {
    const { times } = this.#data
    let i = times.length - 1
    if (from !== undefined) while (i > 0 && (times[i] as number) > from) i--
    return times[Math.min(Math.max(i + n, 0), times.length - 1)] ?? this.#input.page.timeline.now
  }

  #values(): string {
    const { page, source, lines, unit, definition } = this.#input
    const numbers = numbersOf(source)
    if (numbers === undefined) return ''
    return lines
      .slice(0, 8)
      .map((l) => `${l.name} ${textFor(definition, shownValue(numbers, l.series, page), unit)}`)
      .join(', ')
  }

  /** What the picture says, in words, for those who don't see it. */
  #summarise(): void {
    const now = performance.now()
    if (now - this.#summarised < SUMMARY_EVERY || this.#data.times.length === 0) return
    this.#summarised = now
    const { page, source, definition } = this.#input
    const name = definition.title ?? source.name
    const window = formatSpan(definition.window ?? page.timeline.window.get())
    const text = `${name}, ${window} as a chart. Now: ${this.#values()}.`
    this.#host.setAttribute('aria-label', text)
  }

  destroy(): void {
    this.#stop.abort()
    this.#observer.disconnect()
    this.#plot.destroy()
    this.#when.remove()
  }
}
