import { isSelector } from 'streamgauge/live'
import { parseLabel, type Unit } from './units'

/** What a view's text says of its rows. */
export interface ViewFacts {
  /** The ms from one row's time to the next one's. */
  readonly every: number
  /** Whether windows overlap, so that the newest is nearly whole at any time. */
  readonly sliding: boolean
  /** What is computed: the members of a row. */
  readonly functions: readonly string[]
  /** What is computed of, in short: `count(shop.orders)`. */
  readonly short: string
  /** What the groups are, or undefined if there is one only. */
  readonly by: string | undefined
  /** What the values of a function measure. */
  unitOf(fn: string): Unit
}

/** Functions whose windows are zero where nothing happened. */
const ADDITIVE = /^(count|rate|sum|histogram)$/

/** Whether a window without events has the value zero, rather than none. */
export function isAdditive(fn: string): boolean {
  return ADDITIVE.test(fn)
}

const DEFAULT_EVERY = 10_000
const VIEW = /^\s*([\w.,\s]+)\(\s*([^\s)"]+)(?:\s+("(?:[^"\\]|\\.)*"|[^\s)]+))?\s*\)(.*)$/s
const SIZES: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** Reads a view's text; undefined if it is a name, or no view at all. The server
 * has checked it, so that only what a page needs is looked at. */
export function readView(text: string): ViewFacts | undefined {
  const [, functions, selector, pointer, rest = ''] = VIEW.exec(text) ?? []
  if (functions === undefined || selector === undefined) return undefined
  const head = rest.split(/\swhere\s/)[0] ?? ''
  const by = /\bby\s+(\S+)/.exec(head)?.[1]
  const measured = pointer === undefined ? 'count' : unitOfPointer(pointer)
  const every = parseEvery(/\bevery\s+(\S+)/.exec(head)?.[1]) ?? DEFAULT_EVERY
  return {
    every,
    sliding: (parseEvery(/\bover\s+(\S+)/.exec(head)?.[1]) ?? every) > every,
    functions: functions.replace(/\s/g, '').split(','),
    short: `${functions.replace(/\s/g, '')}(${selector}${pointer === undefined ? '' : ` ${pointer}`})`,
    by: by?.replaceAll('"', '').split('/').at(-1),
    unitOf: (fn) => (fn === 'rate' ? 'per_second' : fn === 'count' ? 'count' : measured),
  }
}

/** Whether it can be a view, or a view's name: the server has checked what a dashboard
 * says, not what a reader chooses to stand in it. */
export function isView(text: string): boolean {
  if (!text.includes('(')) return true
  const [, , selector, pointer = '/'] = VIEW.exec(text) ?? []
  return selector !== undefined && isSelector(selector) && /^["/]/.test(pointer)
}

function unitOfPointer(pointer: string): Unit {
  return parseLabel(pointer.replaceAll('"', '').split('/').at(-1) ?? '').unit
}

/** A duration as Go writes it: `10s`, `1m30s`, `1h0m`. */
function parseEvery(text = ''): number | undefined {
  let ms = 0
  for (const [, n, unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
    ms += Number(n) * (SIZES[unit] ?? 0)
  }
  return ms > 0 ? ms : undefined
}
