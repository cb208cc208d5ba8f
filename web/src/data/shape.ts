/** A flat JSON object. */
export type Row = Readonly<Record<string, unknown>>

/**
 * What an event's data looks like, which decides the panel that shows it.
 * `numbers`: a number, or an object of mainly numbers. `log`: a log record or a
 * line of text. `rows`: an array of flat objects. `other`: anything else.
 */
export type Shape = 'numbers' | 'log' | 'rows' | 'other'

/** The severity of a log record, in OpenTelemetry's words. */
export type Level = 'TRACE' | 'DEBUG' | 'INFO' | 'WARN' | 'ERROR' | 'FATAL'

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
  readonly level: Level | undefined
  readonly text: string
  /** What else the record says, as `name=value` pairs. */
  readonly rest: string
}

/** Takes a log record, a line of text, or any other value apart. */
export function logParts(data: unknown): LogParts {
  if (typeof data === 'string') return { level: undefined, text: data, rest: '' }
  if (!isObject(data) || !isLogRecord(data)) {
    return { level: undefined, text: JSON.stringify(data), rest: '' }
  }
  const { attributes, ...members } = data
  const rest: string[] = []
  let text = ''
  for (const [name, value] of Object.entries(members)) {
    if (text === '' && (BODY as readonly string[]).includes(name)) text = plain(value)
    else if (!LEVEL_MEMBERS.has(name) && !TIME_MEMBERS.has(name))
      rest.push(`${name}=${plain(value)}`)
  }
  if (isObject(attributes)) {
    for (const [name, value] of Object.entries(attributes)) rest.push(`${name}=${plain(value)}`)
  }
  return { level: levelOf(data), text, rest: rest.join(' ') }
}

const LEVEL_MEMBERS = new Set(['severity', 'severity_text', 'severity_number', 'level'])
const TIME_MEMBERS = new Set(['time', 'timestamp', 'ts', '@timestamp', 'observed_time'])

function plain(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function levelOf(data: Record<string, unknown>): Level | undefined {
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

const RANKS: readonly Level[] = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL']

function levelOfRank(rank: number): Level | undefined {
  return RANKS[Math.min(Math.max(Math.floor(rank), 0), RANKS.length - 1)]
}

/** Also takes slog's "INFO+2" and syslog's words. */
function levelOfWord(word: string): Level | undefined {
  const w = word.toUpperCase()
  if (/^(FATAL|CRIT|EMERG|ALERT|PANIC)/.test(w)) return 'FATAL'
  if (w === 'NOTICE') return 'INFO'
  if (w === 'ERR') return 'ERROR'
  return RANKS.find((level) => w.startsWith(level))
}
