/** What a number measures. Any other text is a unit of the reader's own, and stands
 * behind the number as it is. */
export type Unit = KnownUnit | (string & {})

/** The units that have a meaning here. */
export type KnownUnit =
  | 'percent'
  | 'ratio'
  | 'bytes'
  | 'bytes_per_second'
  | 'per_second'
  | 'celsius'
  | 'seconds'
  | 'ms'
  | 'hz'
  | 'usd'
  | 'eur'
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
const SUFFIXES: readonly KnownUnit[] = [
  'bytes_per_second',
  'per_second',
  'percent',
  'celsius',
  'seconds',
  'bytes',
  'ratio',
  'hz',
  'ms',
]

/** How dashboards write units that have another name here. */
const WRITTEN: Readonly<Record<string, KnownUnit>> = {
  'bytes/s': 'bytes_per_second',
  '1/s': 'per_second',
  s: 'seconds',
}

/** The unit that a dashboard's text means. */
export function asUnit(text: string): Unit {
  return WRITTEN[text] ?? text
}

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

const UNIT_NAMES: Readonly<Record<KnownUnit, string>> = {
  percent: '%',
  ratio: 'ratio',
  hz: 'Hz',
  usd: '$',
  eur: '€',
  bytes: 'bytes',
  bytes_per_second: 'bytes/s',
  per_second: 'rate',
  celsius: '°C',
  seconds: 'seconds',
  ms: 'time',
  count: 'count',
}

/** How a group of fields of one unit is called. */
export function unitName(unit: Unit): string {
  return UNIT_NAMES[unit as KnownUnit] ?? unit
}

const SI = ['', 'k', 'M', 'G', 'T', 'P', 'E']
const IEC = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB']
const SMALL = ['', 'm', 'µ', 'n']

/** Writes the digits of a number that has been scaled. */
type Write = (n: number) => string

/** Formats a number in its unit with three significant digits, or with so many
 * decimals. */
export function formatNumber(n: number, unit: Unit, decimals?: number): Formatted {
  if (!Number.isFinite(n)) return { value: '–', unit: '' }
  const write = decimals === undefined ? digits : (x: number) => x.toFixed(decimals)
  const size = Math.abs(n)
  if (size >= HUGE || (size > 0 && size < TINY)) {
    const value = n.toExponential(2).replace('e+', 'e').replaceAll('-', '−')
    return { value, unit: formatPositive(1, unit, write).unit }
  }
  if (n >= 0) return formatPositive(n, unit, write)
  const positive = formatPositive(-n, unit, write)
  return { value: `−${positive.value}`, unit: positive.unit }
}

function formatPositive(n: number, unit: Unit, write: Write): Formatted {
  switch (unit) {
    case 'percent':
      return { value: share(n, write), unit: '%' }
    case 'ratio':
      return { value: share(100 * n, write), unit: '%' }
    case 'celsius':
      return { value: write === digits ? n.toFixed(1) : write(n), unit: '°C' }
    case 'bytes':
      return scaled(n, 1024, IEC, '', write)
    case 'bytes_per_second':
      return scaled(n, 1000, SI, 'B/s', write)
    case 'per_second':
      return scaled(n, 1000, SI, '/s', write)
    case 'ms':
      return duration(n / 1000, write)
    case 'seconds':
      return duration(n, write)
    case 'hz':
      return scaled(n, 1000, SI, 'Hz', write)
    case 'usd':
    case 'eur':
      return money(n, unit === 'usd' ? '$' : '€', write)
    case 'count':
      return plain(n, write)
    default:
      return withUnit(plain(n, write), unit)
  }
}

/** Formats a number as plain text, such as "1.50 GiB". */
export function formatText(n: number, unit: Unit): string {
  const f = formatNumber(n, unit)
  return f.unit === '' ? f.value : `${f.value} ${f.unit}`
}

/** Beyond these there are no prefixes that anybody knows. */
const HUGE = 1e21
const TINY = 1e-12

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

function share(n: number, write: Write): string {
  return n === 0 && write === digits ? '0' : write(n)
}

function plain(n: number, write: Write): Formatted {
  if (Number.isInteger(n) && n < 100_000 && write === digits) return { value: grouped(n), unit: '' }
  return count(n, write)
}

/** A unit of the reader's own, behind what the number is scaled by. */
function withUnit({ value, unit: prefix }: Formatted, unit: string): Formatted {
  return { value, unit: prefix === '' ? unit : `${prefix}\u202f${unit}` }
}

/** Dollars stand in front of the number, euros behind it. */
function money(n: number, sign: string, write: Write): Formatted {
  const { value, unit } = amount(n, write)
  if (sign !== '$') return withUnit({ value, unit }, sign)
  return { value: `$${value}`, unit }
}

function amount(n: number, write: Write): Formatted {
  if (n >= 10_000) return count(n, write)
  if (write !== digits) return { value: write(n), unit: '' }
  if (n < 100 && !Number.isInteger(n)) return { value: n.toFixed(2), unit: '' }
  return { value: grouped(Math.round(n)), unit: '' }
}

function count(n: number, write: Write): Formatted {
  if (n === 0 || n >= 0.01 || write !== digits) return scaled(n, 1000, SI, '', write)
  let step = 0
  while (n < 0.9995 && step < SMALL.length - 1) {
    n *= 1000
    step++
  }
  return { value: digits(n), unit: SMALL[step] ?? '' }
}

function scaled(
  n: number,
  base: number,
  prefixes: readonly string[],
  suffix: string,
  write: Write,
): Formatted {
  let step = 0
  // 999.5 would round up to a fourth digit, so it already is the next step's.
  while (n >= (base === 1024 ? 1000 : 999.5) && step < prefixes.length - 1) {
    n /= base
    step++
  }
  // A rate that happens to be whole is written like those before and after it.
  const whole = n === 0 || (Number.isInteger(n) && write === digits && suffix !== '/s')
  return { value: step === 0 && whole ? String(n) : write(n), unit: `${prefixes[step]}${suffix}` }
}

function duration(s: number, write: Write): Formatted {
  if (s === 0) return { value: '0', unit: 's' }
  if (s < 0.0009995) return { value: write(s * 1e6), unit: 'µs' }
  if (s < 0.9995) return { value: write(s * 1000), unit: 'ms' }
  if (s < 120) return { value: write(s), unit: 's' }
  if (s < 7200) return { value: write(s / 60), unit: 'min' }
  if (s < 172_800) return { value: write(s / 3600), unit: 'h' }
  return { value: write(s / 86_400), unit: 'd' }
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

/** The time of day of an instant, with its seconds; with the date if that is another
 * than `today`'s. */
export function formatClock(at: number, today = Date.now()): string {
  const d = new Date(at)
  const two = (n: number) => String(n).padStart(2, '0')
  const clock = `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`
  if (d.toDateString() === new Date(today).toDateString()) return clock
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${clock}`
}

/** A duration as one says it: "5 minutes", "1 hour", "90 seconds". */
export function formatSpan(ms: number): string {
  for (const [size, word] of SPANS) {
    const n = Math.round(ms) / size
    if (Number.isInteger(n)) return `${n} ${word}${n === 1 ? '' : 's'}`
  }
  return `${Math.round(ms / 1000)} seconds`
}

const SPANS = [
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
] as const
