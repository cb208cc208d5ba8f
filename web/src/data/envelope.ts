import { isObject } from './shape'

/** An event as `GET /v1/events` sends it. */
export interface Envelope {
  readonly stream: string
  /** Its position; a row of a view has none. */
  readonly id: string | undefined
  readonly type: string | undefined
  readonly key: string | undefined
  /** When it happened, in epoch ms. */
  readonly at: number
  readonly data: unknown
  /** Of the selections with a condition that were asked for, those that it meets. */
  readonly match: readonly string[]
}

const NONE: readonly string[] = []

/** The type of a view's rows. A row replaces the one of the same time and key. */
export const VIEW_ROW = 'hub.view'

/** Reads an envelope from its JSON value; undefined if it is none. */
export function parseEnvelope(value: unknown, now: number): Envelope | undefined {
  if (!isObject(value) || typeof value.stream !== 'string' || !('data' in value)) return undefined
  const at = typeof value.time === 'string' ? Date.parse(value.time) : now
  return {
    stream: value.stream,
    id: typeof value.id === 'string' ? value.id : undefined,
    type: typeof value.type === 'string' ? value.type : undefined,
    key: typeof value.key === 'string' ? value.key : undefined,
    at: Number.isNaN(at) ? now : at,
    data: value.data,
    match: Array.isArray(value.match) ? value.match : NONE,
  }
}

/** What `hub.gap` says: events that can't be had any more. */
export interface Gap {
  /** Undefined if all streams are concerned. */
  readonly stream: string | undefined
  /** Undefined if it is not known. */
  readonly lost: number | undefined
  readonly reason: string
}

/** Reads a `hub.gap` from its JSON value. */
export function parseGap(value: unknown): Gap {
  const gap = isObject(value) ? value : {}
  return {
    stream: typeof gap.stream === 'string' ? gap.stream : undefined,
    lost: typeof gap.lost === 'number' ? gap.lost : undefined,
    reason: typeof gap.reason === 'string' ? gap.reason : 'unknown',
  }
}
