const SI = ['', 'k', 'M', 'G', 'T', 'P', 'E'] as const
const IEC = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const

/** Units that take no prefix: nobody reads a kilopercent. */
const UNSCALED = /^(%|‰|°.?|[µmn]?s|min|h|d)$/

/** What is measured happens to be whole now and then; what is counted always is. */
const MEASURED = /^(%|‰|°.?|[µmn]?s|min|h|d|.*\/s|.*Hz)$/

/** A number in the text that stands for it. */
export interface NumberText {
  readonly value: string
  /** Its unit with the prefix that the value was scaled by; may be empty. */
  readonly unit: string
}

/**
 * Writes a number with three significant digits, or a count as it is. It is the same text
 * in every locale, so what a server has rendered is what the browser renders.
 *
 * @param unit `bytes` is scaled by 1024; `%`, times and degrees are not scaled; anything
 *   else, such as `B/s`, takes a prefix from 10,000 on
 * @example
 * formatNumber(123_456, 'B/s') // { value: '123', unit: 'kB/s' }
 */
export function formatNumber(n: number, unit = ''): NumberText {
  if (!Number.isFinite(n)) return { value: '–', unit }
  const isBytes = unit === 'bytes'
  const base = isBytes ? 1024 : 1000
  let size = Math.abs(n)
  let step = 0
  // 999.5 would round up to a fourth digit, so it already is the next step's.
  const scales = isBytes ? size >= 1000 : size >= 9999.5 && !UNSCALED.test(unit)
  while (scales && size >= (isBytes ? 1000 : 999.5) && step < SI.length - 1) {
    size /= base
    step++
  }
  const value = `${n < 0 ? '−' : ''}${digits(size, step > 0 || MEASURED.test(unit))}`
  return { value, unit: isBytes ? `${IEC[step]}` : `${SI[step]}${unit}` }
}

function digits(size: number, isMeasured: boolean): string {
  if (size === 0 || (Number.isInteger(size) && !isMeasured)) return group(String(size))
  if (size >= 99.95) return group(size.toFixed(0))
  if (size >= 9.995) return size.toFixed(1)
  return size >= 0.1 ? size.toFixed(2) : Number(size.toPrecision(2)).toString()
}

function group(whole: string): string {
  return whole.length < 5 ? whole : whole.replace(/\B(?=(\d{3})+$)/g, '\u2009')
}

/** A number and its unit as one text, such as "1.50 GiB". */
export function formatText(n: number, unit?: string): string {
  const text = formatNumber(n, unit)
  return text.unit === '' ? text.value : `${text.value}\u00a0${text.unit}`
}

/**
 * The age of something in words: "now", "12 s ago", "3 min ago", "2 h ago", "5 d ago".
 *
 * @param ms how old it is; what lies ahead by a clock that is wrong is "now"
 * @example
 * formatAge(90_000) // '1 min ago'
 */
export function formatAge(ms: number): string {
  const s = Math.floor(ms / 1000)
  if (s < 5) return 'now'
  if (s < 60) return `${s} s ago`
  if (s < 3600) return `${Math.floor(s / 60)} min ago`
  if (s < 172_800) return `${Math.floor(s / 3600)} h ago`
  return `${Math.floor(s / 86_400)} d ago`
}

/** "1 new line", "1,234 new lines": a count that many readers know how to read. */
export function formatCount(n: number, one: string, many: string): string {
  return `${String(n).replace(/\B(?=(\d{3})+$)/g, ',')} ${n === 1 ? one : many}`
}
