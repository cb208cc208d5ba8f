/** What a number measures. */
export type Unit =
  | 'percent'
  | 'bytes'
  | 'bytes_per_second'
  | 'per_second'
  | 'celsius'
  | 'seconds'
  | 'ms'
  | 'count'

/** A field's name without its unit, in words, and the unit. */
export interface Label {
  readonly text: string
  readonly unit: Unit
}

/** Text of a number; the unit, which may be empty, is shown smaller. */
export interface Formatted {
  readonly value: string
  readonly unit: string
}

// Longest first: "bytes_per_second" is not "per_second".
const SUFFIXES: readonly Unit[] = [
  'bytes_per_second',
  'per_second',
  'percent',
  'celsius',
  'seconds',
  'bytes',
  'ms',
]

/** Splits a field's name into label and unit: `used_bytes` is `used` in bytes. */
export function parseLabel(field: string): Label {
  for (const unit of SUFFIXES) {
    if (field === unit) return { text: unit === 'ms' ? 'time' : words(unit), unit }
    if (field.endsWith(`_${unit}`)) {
      return { text: words(field.slice(0, -unit.length - 1)), unit }
    }
  }
  return { text: words(field), unit: 'count' }
}

function words(name: string): string {
  return name.replaceAll('_', ' ').trim()
}

/** How a group of fields of one unit is called. */
export const UNIT_NAMES: Readonly<Record<Unit, string>> = {
  percent: '%',
  bytes: 'bytes',
  bytes_per_second: 'bytes/s',
  per_second: 'rate',
  celsius: '°C',
  seconds: 'seconds',
  ms: 'time',
  count: 'count',
}

const SI = ['', 'k', 'M', 'G', 'T', 'P', 'E']
const IEC = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB']
const SMALL = ['', 'm', 'µ', 'n']

/** Formats a number in its unit with three significant digits. */
export function formatNumber(n: number, unit: Unit): Formatted {
  if (!Number.isFinite(n)) return { value: '–', unit: '' }
  if (n < 0) {
    const positive = formatNumber(-n, unit)
    return { value: `−${positive.value}`, unit: positive.unit }
  }
  switch (unit) {
    case 'percent':
      return { value: n === 0 ? '0' : digits(n), unit: '%' }
    case 'celsius':
      return { value: n.toFixed(1), unit: '°C' }
    case 'bytes':
      return scaled(n, 1024, IEC, '')
    case 'bytes_per_second':
      return scaled(n, 1000, SI, 'B/s')
    case 'per_second':
      return scaled(n, 1000, SI, '/s')
    case 'ms':
      return duration(n / 1000)
    case 'seconds':
      return duration(n)
    case 'count':
      return Number.isInteger(n) && n < 100_000 ? { value: grouped(n), unit: '' } : count(n)
  }
}

/** Formats a number as plain text, such as "1.50 GiB". */
export function formatText(n: number, unit: Unit): string {
  const f = formatNumber(n, unit)
  return f.unit === '' ? f.value : `${f.value} ${f.unit}`
}

/** Formats a round number, as on an axis, without the zeros that say nothing. */
export function formatRound(n: number, unit: Unit): string {
  if (n === 0) return '0'
  const f = formatNumber(n, unit)
  const value = f.value.includes('.') ? f.value.replace(/\.?0+$/, '') : f.value
  return f.unit === '' ? value : `${value} ${f.unit}`
}

function grouped(n: number): string {
  return n.toString().replace(/\B(?=(\d{3})+$)/g, '\u2009')
}

function count(n: number): Formatted {
  if (n === 0 || n >= 0.01) return scaled(n, 1000, SI, '')
  let step = 0
  while (n < 0.9995 && step < SMALL.length - 1) {
    n *= 1000
    step++
  }
  return { value: digits(n), unit: SMALL[step] ?? '' }
}

function scaled(n: number, base: number, prefixes: readonly string[], suffix: string): Formatted {
  let step = 0
  // 999.5 would round up to a fourth digit, so it already is the next step's.
  while (n >= (base === 1024 ? 1000 : 999.5) && step < prefixes.length - 1) {
    n /= base
    step++
  }
  const whole = step === 0 && Number.isInteger(n)
  return { value: whole ? String(n) : digits(n), unit: `${prefixes[step]}${suffix}` }
}

function duration(s: number): Formatted {
  if (s === 0) return { value: '0', unit: 's' }
  if (s < 0.0009995) return { value: digits(s * 1e6), unit: 'µs' }
  if (s < 0.9995) return { value: digits(s * 1000), unit: 'ms' }
  if (s < 120) return { value: digits(s), unit: 's' }
  if (s < 7200) return { value: digits(s / 60), unit: 'min' }
  if (s < 172_800) return { value: digits(s / 3600), unit: 'h' }
  return { value: digits(s / 86_400), unit: 'd' }
}

function digits(n: number): string {
  if (n >= 99.95) return n.toFixed(0)
  return n.toFixed(n < 9.995 ? 2 : 1)
}

/** The age of something in words: "12 s", "3 min", "2 h", "5 d". */
export function formatAge(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000))
  if (s < 120) return `${s} s`
  if (s < 7200) return `${Math.floor(s / 60)} min`
  if (s < 172_800) return `${Math.floor(s / 3600)} h`
  return `${Math.floor(s / 86_400)} d`
}
