import type { PanelDefinition } from '../../dashboard/definition'
import type { Source } from '../../data/source'
import { formatRound, type Unit } from '../../data/units'
import { type Bounds, niceRange } from '../../paint/range'
import { setText } from '../../paint/text'
import type { OwnedPainter } from '../../paint/usePainter'
import { type Page, shownValue } from '../moment'
import { formatFor, numbersOf, seriesOf, textFor, unitOf } from '../numbers'
import { paintState } from '../state'

/** Paints a gauge: how far its arc and bar reach, and the value. */
export class GaugePainter implements OwnedPainter {
  readonly every = 100
  readonly ages = true
  readonly #page: Page
  readonly #definition: PanelDefinition
  readonly #source: Source
  readonly #element: HTMLElement
  readonly #zones: readonly Element[]
  #largest = Number.NEGATIVE_INFINITY
  #smallest = Number.POSITIVE_INFINITY
  #range = ''

  constructor(element: HTMLElement, page: Page, definition: PanelDefinition, source: Source) {
    this.#page = page
    this.#definition = definition
    this.#source = source
    this.#element = element
    this.#zones = [...element.querySelectorAll('.zone')]
  }

  version(): unknown {
    return this.#source.version
  }

  paint(): void {
    const numbers = numbersOf(this.#source)
    const series = seriesOf(this.#definition, this.#source)
    if (numbers === undefined || series === undefined) return
    const unit = unitOf(this.#definition, series)
    const n = shownValue(numbers, series, this.#page)
    this.#largest = Math.max(this.#largest, Number.isNaN(n) ? this.#largest : n)
    this.#smallest = Math.min(this.#smallest, Number.isNaN(n) ? this.#smallest : n)
    const { low, high } = gaugeRange(this.#definition, unit, this.#smallest, this.#largest)
    this.#paintRange(low, high, unit)
    this.#paintValue(n, share(n, low, high), unit)
  }

  #paintValue(n: number, reached: number, unit: Unit): void {
    const text = formatFor(this.#definition, n, unit)
    this.#set('.value', text.value)
    this.#set('.figure .unit', text.unit)
    const chars = String(Math.max(5, Math.ceil(text.value.length + 0.6 * text.unit.length)))
    const { style, dataset } = this.#element
    if (style.getPropertyValue('--chars') !== chars) style.setProperty('--chars', chars)
    const filled = Number.isNaN(reached) ? '0' : reached.toFixed(4)
    if (dataset.filled !== filled) {
      dataset.filled = filled
      style.setProperty('--filled', filled)
    }
    this.#say('aria-valuenow', Number.isNaN(n) ? '0' : String(n))
    this.#say('aria-valuetext', textFor(this.#definition, n, unit))
    const state = this.#element.querySelector('.state')
    paintState(this.#element, state, n, this.#definition.thresholds)
  }

  #say(attribute: string, text: string): void {
    if (this.#element.getAttribute(attribute) !== text) this.#element.setAttribute(attribute, text)
  }

  /** The bounds rarely change, and the zones with them. */
  #paintRange(low: number, high: number, unit: Unit): void {
    const range = `${low} ${high} ${unit}`
    if (range === this.#range) return
    this.#range = range
    this.#set('.low', formatRound(low, unit))
    this.#set('.high', formatRound(high, unit))
    this.#element.setAttribute('aria-valuemin', String(low))
    this.#element.setAttribute('aria-valuemax', String(high))
    const zones = zonesOf(this.#definition, low, high)
    for (const [i, zone] of this.#zones.entries()) {
      const { from = 0, to = 0 } = zones[i % Math.max(zones.length, 1)] ?? {}
      if (zone instanceof SVGElement) {
        zone.setAttribute('stroke-dasharray', `0 ${100 * from} ${100 * (to - from)} 100`)
      } else if (zone instanceof HTMLElement) {
        zone.style.left = `${100 * from}%`
        zone.style.width = `${100 * (to - from)}%`
      }
    }
  }

  #set(part: string, text: string): void {
    const element = this.#element.querySelector(part)
    if (element !== null) setText(element, text)
  }
}

function share(n: number, low: number, high: number): number {
  return Math.min(Math.max((n - low) / (high - low), 0), 1)
}

/** What a gauge reaches from and to: as defined, as its unit has it, or as far as
 * values have been, and their thresholds are. */
export function gaugeRange(
  definition: PanelDefinition,
  unit: Unit,
  smallest: number,
  largest: number,
): { low: number; high: number } {
  const whole = unit === 'percent' ? 100 : unit === 'ratio' ? 1 : undefined
  const max = definition.max ?? whole
  const bounds: Bounds = { min: definition.min ?? 0, ...(max === undefined ? {} : { max }) }
  const edges = max === undefined ? (definition.thresholds ?? []).map(({ at }) => at) : []
  return niceRange(Math.min(smallest, ...edges), Math.max(largest, ...edges), unit, bounds)
}

/** The parts of a gauge in which a threshold's state holds, in shares of it. */
export function zonesOf(
  { thresholds = [] }: PanelDefinition,
  low: number,
  high: number,
): { from: number; to: number }[] {
  return thresholds.map(({ at, below }) => {
    const edges = thresholds.filter((t) => Boolean(t.below) === Boolean(below)).map((t) => t.at)
    const next = below
      ? Math.max(low, ...edges.filter((edge) => edge < at))
      : Math.min(high, ...edges.filter((edge) => edge > at))
    const [from, to] = [share(Math.min(at, next), low, high), share(Math.max(at, next), low, high)]
    return { from, to }
  })
}
