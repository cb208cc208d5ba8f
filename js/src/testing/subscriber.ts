import type { Ask } from './ask.js'

/** One open answer: what is written to it is read by a client. */
export class Subscriber {
  readonly ask: Ask
  readonly body: ReadableStream<Uint8Array>
  readonly #utf8 = new TextEncoder()
  readonly #signal: AbortSignal | undefined
  readonly #gone: (subscriber: Subscriber) => void
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined
  #held: string[] | undefined

  /** @param gone told once, when nobody can read any more */
  constructor(ask: Ask, signal: AbortSignal | undefined, gone: (subscriber: Subscriber) => void) {
    this.ask = ask
    this.#signal = signal
    this.#gone = gone
    this.body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller
      },
      cancel: () => {
        this.#leave()
      },
    })
    signal?.addEventListener('abort', this.#abort)
  }

  write(text: string): void {
    if (this.#held !== undefined) this.#held.push(text)
    else if (text !== '') this.#controller?.enqueue(this.#utf8.encode(text))
  }

  /** Keeps back what is written, until {@link release}. */
  hold(): void {
    this.#held ??= []
  }

  release(): void {
    const held = this.#held ?? []
    this.#held = undefined
    this.write(held.join(''))
  }

  /** Ends the answer after what was written. */
  end(): void {
    this.#leave()?.close()
  }

  /** Breaks the answer off: what was written and not yet read is lost. */
  fail(reason: unknown): void {
    this.#leave()?.error(reason)
  }

  readonly #abort = (): void => {
    this.fail(this.#signal?.reason)
  }

  #leave(): ReadableStreamDefaultController<Uint8Array> | undefined {
    const controller = this.#controller
    if (controller === undefined) return undefined
    this.#controller = undefined
    this.#held = undefined
    this.#signal?.removeEventListener('abort', this.#abort)
    this.#gone(this)
    return controller
  }
}
