/**
 * Why there is no connection: `connect` the network failed, `http` the answer's
 * status is not 200, `content-type` the answer is no event stream, `stalled` no
 * byte came for too long, `closed` the server ended the stream, `parse` the
 * stream can't be decoded.
 */
export type StreamErrorKind = 'connect' | 'http' | 'content-type' | 'stalled' | 'closed' | 'parse'

/** Details of a {@link StreamError}. */
export interface StreamErrorOptions {
  readonly status?: number
  readonly retryAfter?: number | undefined
  readonly cause?: unknown
}

/** Says why an event stream is not connected. It never invalidates earlier events. */
export class StreamError extends Error {
  override readonly name = 'StreamError'
  readonly kind: StreamErrorKind
  /** The HTTP status, where there was an answer. */
  readonly status: number | undefined
  /** How long the server asked to wait, in ms. */
  readonly retryAfter: number | undefined

  constructor(kind: StreamErrorKind, message: string, options: StreamErrorOptions = {}) {
    super(message, { cause: options.cause })
    this.kind = kind
    this.status = options.status
    this.retryAfter = options.retryAfter
  }

  /** Whether another attempt may help: not after a 204 or most 4xx. */
  get temporary(): boolean {
    switch (this.kind) {
      case 'http':
        return (
          this.status === 408 ||
          this.status === 425 ||
          this.status === 429 ||
          (this.status !== undefined && this.status >= 500)
        )
      case 'content-type':
      case 'parse':
        return false
      default:
        return true
    }
  }
}

/** Throws a {@link StreamError} unless the response is an event stream. The error says
 * what the server does, as far as that is a problem (RFC 9457). */
export async function checkResponse(response: Response): Promise<ReadableStream<Uint8Array>> {
  if (response.status !== 200) {
    const detail = await detailOf(response)
    const why = detail === undefined ? '' : `: ${detail}`
    throw new StreamError('http', `the server answered ${response.status}${why}`, {
      status: response.status,
      retryAfter: parseRetryAfter(response.headers.get('retry-after'), Date.now()),
    })
  }
  const type = response.headers.get('content-type') ?? ''
  if (!/^text\/event-stream\s*(;|$)/i.test(type) || response.body === null) {
    throw new StreamError(
      'content-type',
      `the server answered ${type || 'nothing'}, no event stream`,
    )
  }
  return response.body
}

async function detailOf(response: Response): Promise<string | undefined> {
  const type = response.headers.get('content-type') ?? ''
  if (!/^application\/problem\+json\b/i.test(type)) return undefined
  try {
    const { detail } = (await response.json()) as { detail?: unknown }
    return typeof detail === 'string' ? detail : undefined
  } catch {
    return undefined // its status says enough
  }
}

/** Parses a Retry-After header, seconds or an HTTP date, into ms from now. */
export function parseRetryAfter(value: string | null, now: number): number | undefined {
  if (value === null) return undefined
  if (/^\d+$/.test(value)) return Number(value) * 1000
  const at = Date.parse(value)
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}
