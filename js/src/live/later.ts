/**
 * Runs a task soon, and once however often it was asked for. In a hidden page, whose
 * timers browsers hold back for up to a minute, soon is at once.
 */
export class Later {
  readonly #run: () => void
  readonly #hidden: () => boolean
  #armed = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(run: () => void, hidden: () => boolean) {
    this.#run = run
    this.#hidden = hidden
  }

  /** Asks for the task to run within so many ms. */
  request(ms: number): void {
    if (this.#armed) return
    this.#armed = true
    if (ms <= 0 || this.#hidden()) queueMicrotask(() => this.hurry())
    else this.#timer = setTimeout(() => this.hurry(), ms)
  }

  /** Runs the task now if it was asked for. */
  hurry(): void {
    if (!this.#armed) return
    this.cancel()
    this.#run()
  }

  /** Forgets that the task was asked for. */
  cancel(): void {
    clearTimeout(this.#timer)
    this.#armed = false
  }
}
