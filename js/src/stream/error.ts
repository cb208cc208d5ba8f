/**
 * What went wrong.
 *
 * - `connect`: the network failed.
 * - `http`: the answer's status is not 200.
 * - `content-type`: the answer is no event stream.
 * - `stalled`: no byte came for too long.
 * - `closed`: the server ended the stream.
 * - `parse`: one event could not be turned into what was wanted. The stream goes on.
 * - `gap`: events were lost that nobody can bring any more. The stream goes on.
 */
export type StreamErrorKind =
  | 'connect'
  | 'http'
  | 'content-type'
  | 'stalled'
  | 'closed'
  | 'parse'
  | 'gap'

/** What was lost, as the hub says it (`hub.gap`). */
export interface Gap {
  /** The stream whose events are missing; null if that is not known, or all. */
  readonly stream: string | null
  /** How many events are missing; null if that is not known. */
  readonly lost: number | null
  /**
   * Why: `evicted` trimmed while away, `overflow` trimmed while connected and too slow,
   * `backend` lost by the server itself. With `epoch` and `unknown` the server has
   * another log than the one that the last events came from: what was built from them
   * is void, and delivery goes on as if the stream had just been opened.
   */
  readonly reason: 'evicted' | 'overflow' | 'epoch' | 'unknown' | 'backend'
  /** The last id before the gap, exclusive; null where there is none. */
  readonly from: string | null
  /** The first id after the gap, exclusive; null where there is none. */
  readonly to: string | null
}

/** Details of a {@link StreamError}. */
export type StreamErrorDetails = Partial<
  Pick<StreamError, 'status' | 'retryAfter' | 'gap' | 'cause' | 'fatal' | 'attempt' | 'retryAt'>
>

/** Says what is wrong with an event stream. It never invalidates earlier events. */
export class StreamError extends Error {
  override readonly name = 'StreamError'
  readonly kind: StreamErrorKind
  /** The HTTP status, where there was an answer. */
  declare readonly status?: number
  /** How long the server asked to wait, in ms. */
  declare readonly retryAfter?: number | undefined
  /** What was lost, if the kind is `gap`. */
  declare readonly gap?: Gap
  /** Whether no further attempt will be made but by `reconnect()`. */
  declare readonly fatal?: boolean
  /** Attempts that have failed in a row, this one included, if it is one. */
  declare readonly attempt?: number
  /** When the next attempt begins, in epoch ms, if one is planned. */
  declare readonly retryAt?: number

  constructor(kind: StreamErrorKind, message: string, details?: StreamErrorDetails) {
    super(message)
    this.kind = kind
    Object.assign(this, details)
  }
}

/** Whether another attempt may help: not after a 204, most 4xx, or what is no event
 * stream. */
export function isTemporary({ kind, status }: StreamError): boolean {
  return kind === 'http' ? /408|425|429|5../.test(String(status)) : kind !== 'content-type'
}

/** Whether it is the credentials that were refused. */
export function isDenied({ status }: StreamError): boolean {
  return status === 401 || status === 403
}

/** Throws a {@link StreamError} unless the response is an event stream. The error says
 * what the server does, as far as that is a problem (RFC 9457). */
export async function checkResponse(response: Response): Promise<ReadableStream<Uint8Array>> {
  const { status, headers, body } = response
  const type = headers.get('content-type') ?? 'nothing'
  if (status !== 200) {
    const { detail } = /json/.test(type) ? parse(await response.text()) : {}
    throw new StreamError('http', `the server answered ${status}${detail ? `: ${detail}` : ''}`, {
      status,
      retryAfter: parseRetryAfter(headers.get('retry-after')),
    })
  }
  if (!/^text\/event-stream\s*(;|$)/i.test(type) || body === null) {
    throw new StreamError('content-type', `the server sent ${type}, no event stream`)
  }
  return body
}

/** Parses a Retry-After header, seconds or an HTTP date, into ms from now. It is not
 * positive, or undefined, if there is nothing to wait for. */
export function parseRetryAfter(value: string | null): number | undefined {
  return Number(value) * 1000 || Date.parse(String(value)) - Date.now() || undefined
}

/** The members of an object in JSON; none if it is not one. */
export function parse(json: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(json)) as Record<string, unknown>
  } catch {
    return {}
  }
}
