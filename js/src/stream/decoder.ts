/** One event as it came over the wire. */
export interface WireEvent {
  /** The event's type; `message` where the block names none. */
  readonly type: string
  readonly data: string
  /** The id that this very block carried; undefined if it carried none. */
  readonly id: string | undefined
  /** The id in force after this block: what a reconnect should send. */
  readonly lastEventId: string
}

/** What a {@link Decoder} finds. */
export interface DecoderSink {
  event(event: WireEvent): void
  /** A `retry:` field: the server's wish for the delay before a reconnect, in ms. */
  retry?(ms: number): void
}

/** Longest line or event that a {@link Decoder} takes, in UTF-16 units. */
export const MAX_EVENT_LENGTH = 16 * 1024 * 1024

const LINE_BREAK = /[\r\n]/g
const DIGITS = /^[0-9]+$/

/**
 * Incremental decoder of text/event-stream, to the letter of the WHATWG HTML
 * standard: chunks may be cut anywhere, also within a character or between CR
 * and LF. What follows the last blank line when a stream ends is no event. A
 * decoder serves one connection.
 *
 * @example
 * const decoder = new Decoder({ event: (e) => console.log(e.data) })
 * decoder.push(chunk)
 */
export class Decoder {
  readonly #sink: DecoderSink
  readonly #utf8 = new TextDecoder() // strips one leading BOM
  #rest = '' // a line that has not ended
  #afterCR = false // an LF right now ends no second line
  #type = ''
  #data = ''
  #hasData = false
  #id: string | undefined
  #lastEventId: string

  /** @param lastEventId the id in force before the first block */
  constructor(sink: DecoderSink, lastEventId = '') {
    this.#sink = sink
    this.#lastEventId = lastEventId
  }

  /** The id in force: that of the last block that ended and carried one. */
  get lastEventId(): string {
    return this.#lastEventId
  }

  /** Takes the next bytes. Throws a RangeError past {@link MAX_EVENT_LENGTH}. */
  push(chunk: Uint8Array): void {
    const text = this.#utf8.decode(chunk, { stream: true })
    if (text === '') return
    let start = this.#afterCR && text.charCodeAt(0) === 10 ? 1 : 0
    this.#afterCR = false
    LINE_BREAK.lastIndex = start
    for (let m = LINE_BREAK.exec(text); m !== null; m = LINE_BREAK.exec(text)) {
      const line = this.#rest + text.slice(start, m.index)
      this.#rest = ''
      start = m.index + 1
      if (m[0] === '\r') {
        if (start === text.length) this.#afterCR = true
        else if (text.charCodeAt(start) === 10) start++
      }
      this.#line(line)
      LINE_BREAK.lastIndex = start
    }
    this.#rest += text.slice(start)
    if (this.#rest.length + this.#data.length > MAX_EVENT_LENGTH) {
      throw new RangeError(`event is longer than ${MAX_EVENT_LENGTH} characters`)
    }
  }

  #line(line: string): void {
    if (line === '') {
      this.#dispatch()
      return
    }
    const colon = line.indexOf(':')
    if (colon === 0) return // a comment
    const field = colon < 0 ? line : line.slice(0, colon)
    let value = colon < 0 ? '' : line.slice(colon + 1)
    if (value.charCodeAt(0) === 32) value = value.slice(1)
    switch (field) {
      case 'data':
        this.#data = this.#hasData ? `${this.#data}\n${value}` : value
        this.#hasData = true
        break
      case 'event':
        this.#type = value
        break
      case 'id':
        if (!value.includes('\0')) this.#id = value
        break
      case 'retry':
        if (DIGITS.test(value)) this.#sink.retry?.(Number(value))
        break
    }
  }

  #dispatch(): void {
    const { type, data, hasData, id } = {
      type: this.#type,
      data: this.#data,
      hasData: this.#hasData,
      id: this.#id,
    }
    this.#type = ''
    this.#data = ''
    this.#hasData = false
    this.#id = undefined
    // A block without data is no event, but its id counts.
    if (id !== undefined) this.#lastEventId = id
    if (!hasData) return
    this.#sink.event({ type: type || 'message', data, id, lastEventId: this.#lastEventId })
  }
}
