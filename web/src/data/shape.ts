/** A flat JSON object. */
export type Row = Readonly<Record<string, unknown>>

/**
 * What an event's data looks like, which decides the panel that shows it.
 * `numbers`: a number, or an object of mainly numbers. `log`: a log record or a
 * line of text. `rows`: an array of flat objects. `activity`: somebody did something.
 * `other`: anything else.
 */
export type Shape = 'numbers' | 'log' | 'rows' | 'activity' | 'other'

/** The severity of a log record, in OpenTelemetry's words. */
export type Level = 'TRACE' | 'DEBUG' | 'INFO' | 'WARN' | 'ERROR' | 'FATAL'

/** All levels, by rising severity. */
export const LEVELS: readonly Level[] = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL']

/** Tells the shape of an event's data. */
export function shapeOf(data: unknown): Shape {
  switch (typeof data) {
    case 'number':
      return 'numbers'
    case 'string':
      return 'log'
  }
  if (Array.isArray(data)) return isRows(data) ? 'rows' : 'other'
  if (!isObject(data)) return 'other'
  if (isActivity(data)) return 'activity'
  if (isLogRecord(data)) return 'log'
  if (rowsIn(data) !== undefined) return 'rows'
  return isRecord(data) ? 'numbers' : 'other'
}

export function isObject(v: unknown): v is Record<string, unknown> {
  return typeof v === 'object' && v !== null && !Array.isArray(v)
}

/** The text of a log record is in one of these members. */
const BODY = ['body', 'msg', 'message'] as const
const LOG_HINTS = ['severity', 'severity_text', 'severity_number', 'level', 'attributes', 'logger']

function isLogRecord(data: Record<string, unknown>): boolean {
  const body = BODY.find((name) => name in data)
  if (body === undefined) return false
  return typeof data[body] === 'string' || LOG_HINTS.some((name) => name in data)
}

/** Somebody and a verb; or, as ActivityStreams 2.0 has it, somebody, a type and an
 * object. */
function isActivity({ actor, verb, type, object }: Record<string, unknown>): boolean {
  if (typeof actor !== 'string' && !isObject(actor)) return false
  return typeof verb === 'string' || (typeof type === 'string' && object !== undefined)
}

/** At least as many numbers as words, and nothing nested: a measurement rather
 * than a record of something that happened. */
function isRecord(data: Record<string, unknown>): boolean {
  let numbers = 0
  let words = 0
  for (const v of Object.values(data)) {
    if (typeof v === 'number') numbers++
    else if (typeof v === 'string') words++
    else if (v !== null) return false
  }
  return numbers > 0 && numbers >= words
}

/** The one member that is an array of flat objects, if all others are numbers, such
 * as a total. With words beside it the array is a detail, as an order's items are. */
export function rowsIn(data: Record<string, unknown>): readonly Row[] | undefined {
  let rows: readonly Row[] | undefined
  for (const v of Object.values(data)) {
    if (Array.isArray(v)) {
      if (rows !== undefined || !isRows(v)) return undefined
      rows = v
    } else if (typeof v !== 'number') return undefined
  }
  return rows
}

function isRows(v: readonly unknown[]): v is readonly Row[] {
  return v.length > 0 && v.every((row) => isObject(row) && Object.values(row).every(isScalar))
}

function isScalar(v: unknown): boolean {
  return typeof v !== 'object' || v === null
}

/** A log record in the few parts that a line shows. */
export interface LogParts {
  readonly text: string
  /** What else the record says, as `name=value` pairs. */
  readonly rest: string
}

/** Longest part of a line, in UTF-16 units; more is cut off with an ellipsis. */
const MAX_TEXT = 4096

/** Deeper than this nobody reads, and nobody's stack has to go. */
const MAX_DEPTH = 24

/** Takes a log record, a line of text, or any other value apart. */
export function logParts(data: unknown): LogParts {
  if (typeof data === 'string') return { text: cut(data, MAX_TEXT), rest: '' }
  if (!isObject(data) || !isLogRecord(data)) return { text: brief(data), rest: '' }
  const body = BODY.find((name) => name in data)
  const rest: string[] = []
  for (const name in data) {
    if (name === body || LEVEL_MEMBERS.has(name) || TIME_MEMBERS.has(name)) continue
    const value = data[name]
    if (name !== 'attributes' || !isObject(value)) rest.push(`${name}=${plain(value)}`)
    else for (const key in value) rest.push(`${key}=${plain(value[key])}`)
  }
  return { text: plain(data[body as string]), rest: cut(rest.join(' '), MAX_TEXT) }
}

const LEVEL_MEMBERS = new Set(['severity', 'severity_text', 'severity_number', 'level'])
const TIME_MEMBERS = new Set(['time', 'timestamp', 'ts', '@timestamp', 'observed_time'])

function plain(value: unknown): string {
  return typeof value === 'string' ? cut(value, MAX_TEXT) : brief(value)
}

function cut(text: string, room: number): string {
  return text.length > room ? `${text.slice(0, room)}…` : text
}

/** A value as compact JSON that is cut off where it gets too long or too deep, so
 * that it costs no more than it shows. */
export function brief(value: unknown, room = MAX_TEXT, depth = MAX_DEPTH): string {
  if (typeof value === 'string') return JSON.stringify(cut(value, room))
  if (typeof value !== 'object' || value === null) return String(value)
  const [open, close] = Array.isArray(value) ? '[]' : '{}'
  const parts: string[] = []
  let left = depth > 0 ? room : 0
  for (const name in value) {
    if (left <= 0) {
      parts.push('…')
      break
    }
    const member = brief((value as Record<string, unknown>)[name], left, depth - 1)
    parts.push(open === '[' ? member : `${JSON.stringify(cut(name, room))}:${member}`)
    left -= (parts.at(-1) as string).length + 1
  }
  return `${open}${parts.join(',')}${close}`
}

/** Roughly the bytes that a JSON value takes in memory. */
export function weightOf(value: unknown, depth = MAX_DEPTH): number {
  if (typeof value === 'string') return 24 + value.length
  if (typeof value !== 'object' || value === null) return 8
  let weight = 48
  if (depth > 0) {
    for (const name in value) {
      weight += 8 + weightOf((value as Record<string, unknown>)[name], depth - 1)
    }
  }
  return weight
}

/** The severity that a log record claims, whichever way it says so. */
export function levelOf(data: unknown): Level | undefined {
  if (!isObject(data) || !isLogRecord(data)) return undefined
  for (const name of ['severity', 'severity_text', 'level', 'severity_number'] as const) {
    const value = data[name]
    if (typeof value === 'string') return levelOfWord(value)
    if (typeof value === 'number') {
      // OpenTelemetry counts severities from 1 to 24; pino and bunyan levels in tens.
      return name === 'level' ? levelOfRank(value / 10 - 1) : levelOfRank((value - 1) / 4)
    }
  }
  return undefined
}

function levelOfRank(rank: number): Level | undefined {
  return LEVELS[Math.min(Math.max(Math.floor(rank), 0), LEVELS.length - 1)]
}

/** Also takes slog's "INFO+2" and syslog's words. */
function levelOfWord(word: string): Level | undefined {
  const w = word.toUpperCase()
  if (/^(FATAL|CRIT|EMERG|ALERT|PANIC)/.test(w)) return 'FATAL'
  if (w === 'NOTICE') return 'INFO'
  if (w === 'ERR') return 'ERROR'
  return LEVELS.find((level) => w.startsWith(level))
}
