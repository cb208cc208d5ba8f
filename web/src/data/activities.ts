import type { Envelope } from './envelope'
import { safeLink } from './link'
import { valueAt } from './pointer'
import { isObject } from './shape'
import { visible } from './visible'

/** Something that somebody did. Its texts can be shown as they are. */
export interface Activity {
  /** Counts up from 0 within the panel; never used twice. */
  readonly number: number
  readonly at: number
  readonly actor: string
  readonly verb: string
  readonly object: string
  readonly target: string
  /** Where it leads; only what may be followed. */
  readonly link: string | undefined
  /** An emoji, or up to three letters. */
  readonly icon: string | undefined
  readonly event: Envelope
}

/** What an event says of an activity. */
export type ActivityParts = Omit<Activity, 'number' | 'at' | 'event'>

/** JSON pointers to the parts, by their names; what is missing is at `/name`. */
export type ActivityFields = Readonly<Record<string, string>>

/** Longest part of an activity, in UTF-16 units. */
const MAX_TEXT = 300

/** Most characters of an icon. */
const MAX_ICON = 3

/** What ActivityStreams 2.0 calls its verbs, where the past isn't the type and "ed". */
const PAST: Readonly<Record<string, string>> = {
  Announce: 'shared',
  Arrive: 'arrived at',
  Block: 'blocked',
  Flag: 'flagged',
  Leave: 'left',
  Read: 'read',
  Travel: 'travelled to',
  Undo: 'undid',
}

/** The newest activities, at most `max`, in the order in which they came. */
export class Activities {
  readonly kind = 'activities'
  readonly #max: number
  readonly #fields: ActivityFields
  readonly #ring: Activity[] = []
  #count = 0

  constructor(max = 2000, fields: ActivityFields = {}) {
    this.#max = max
    this.#fields = fields
  }

  /** Number of the activity after the newest. */
  get end(): number {
    return this.#count
  }

  /** Number of the oldest activity kept. */
  get start(): number {
    return Math.max(0, this.#count - this.#max)
  }

  /** The activity with that number, if it is kept. */
  at(number: number): Activity | undefined {
    return number < this.start ? undefined : this.#ring[number % this.#max]
  }

  /** Number of the activity after the last one that is not later than the time. */
  until(time: number): number {
    let number = this.#count
    while (number > this.start && (this.at(number - 1) as Activity).at > time) number--
    return number
  }

  /** Takes an event; false if nobody did anything in it. It is kept all the same. */
  append(event: Envelope): boolean {
    const parts = activityParts(event.data, this.#fields)
    const number = this.#count++
    this.#ring[number % this.#max] = { number, at: event.at, event, ...parts }
    return parts.actor !== '' && parts.verb !== ''
  }
}

/** Takes an activity apart: a record with the fields, or ActivityStreams 2.0. */
export function activityParts(data: unknown, fields: ActivityFields = {}): ActivityParts {
  const at = (name: string) => valueAt(data, fields[name] ?? `/${name}`)
  const object = at('object')
  const link = safeLink(at('link')) ?? (fields.link === undefined ? linkOf(object) : undefined)
  return {
    actor: textOf(at('actor')),
    verb: textOf(at('verb')) || verbOf(data),
    object: textOf(object),
    target: textOf(at('target')),
    link,
    icon: iconOf(at('icon')),
  }
}

/** The verb of ActivityStreams 2.0 is a type in the present tense. */
function verbOf(data: unknown): string {
  const type = isObject(data) ? data.type : undefined
  if (typeof type !== 'string') return ''
  if (Object.hasOwn(PAST, type)) return PAST[type] as string
  const word = visible(type.slice(0, MAX_TEXT)).toLowerCase()
  return word.endsWith('e') ? `${word}d` : `${word}ed`
}

/** What somebody or something is called. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return visible(value.slice(0, MAX_TEXT)).replaceAll('\n', ' ')
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (Array.isArray(value)) return value.slice(0, 5).map(textOf).filter(Boolean).join(', ')
  if (!isObject(value)) return ''
  const { name, displayName, title, summary, preferredUsername, content, id } = value
  const said = [name, displayName, title, summary, preferredUsername, content, id]
  return textOf(said.find((v) => typeof v === 'string' && v !== ''))
}

function linkOf(object: unknown): string | undefined {
  return isObject(object) ? safeLink(object.url ?? object.href) : undefined
}

/** A name, or a few characters such as an emoji. */
function iconOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > 64) return undefined
  const icon = value.trim()
  if (/^[a-z]{2,16}$/.test(icon)) return icon
  const characters = [...new Intl.Segmenter().segment(visible(icon))]
  return characters.length > 0 && characters.length <= MAX_ICON ? icon : undefined
}
