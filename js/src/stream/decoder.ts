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
  /** An event was longer than {@link MAX_EVENT_LENGTH} and has been left out. */
  tooLong?(): void
}

/** Longest event that a {@link Decoder} takes, in UTF-16 units. */
export const MAX_EVENT_LENGTH = 16 * 1024 * 1024

const LINE_BREAK = /\r\n|\r|\n/
/** A line's field and, without a blank before it, its value. */
const FIELD = /^([^:]*):? ?(.*)$/s

/** What has come of a block. */
interface Block {
  type?: string
  data?: string
  id?: string
  tooLong?: boolean
}

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
  /** The id in force: that of the last block that ended and carried one. */
  lastEventId: string
  readonly #sink: DecoderSink
  readonly #utf8 = new TextDecoder() // strips one leading BOM
  #rest = '' // a line that has not ended
  #afterCR = false // an LF right now ends no second line
  #block: Block = {}

  /** @param lastEventId the id in force before the first block */
  constructor(sink: DecoderSink, lastEventId = '') {
    this.#sink = sink
    this.lastEventId = lastEventId
  }

  /** Takes the next bytes. */
  push(chunk: Uint8Array): void {
    let text = this.#utf8.decode(chunk, { stream: true })
    if (text === '') return
    if (this.#afterCR && text[0] === '\n') text = text.slice(1)
    this.#afterCR = text.endsWith('\r')
    const lines = text.split(LINE_BREAK)
    lines[0] = this.#rest + lines[0]
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#line(line)
    if (this.#rest[0] === ':') this.#rest = ':' // of a comment that is all that matters
    const block = this.#block
    if (this.#rest.length + (block.data ?? '').length > MAX_EVENT_LENGTH) {
      // What is left of the line must neither end the event nor count as a field.
      this.#rest = this.#rest && ':'
      block.data = ''
      block.tooLong = true
    }
  }

  #line(line: string): void {
    const block = this.#block
    const { type, data, id, tooLong } = block
    if (line === '') {
      this.#block = {}
      // A block without data is no event, but its id counts.
      this.lastEventId = id ?? this.lastEventId
      if (tooLong) this.#sink.tooLong?.()
      else if (data !== undefined) {
        this.#sink.event({ type: type || 'message', data, id, lastEventId: this.lastEventId })
      }
      return
    }
    const [, field, value = ''] = FIELD.exec(line) ?? []
    if (field === 'data') {
      if (!tooLong) block.data = data === undefined ? value : `${data}\n${value}`
    } else if (field === 'event') block.type = value
    else if (field === 'id' && !value.includes('\0')) block.id = value
    else if (field === 'retry' && /^[0-9]+$/.test(value)) this.#sink.retry?.(Number(value))
  }
}
