import { setText } from '../paint/text'

/** A short text beside the pointer, within a panel. */
export class Tip {
  readonly #element: HTMLElement

  /** @param element lies in a positioned element, whose left edge is x = 0 */
  constructor(element: HTMLElement) {
    this.#element = element
  }

  /** Shows the text at a place of an area so many px wide. */
  show(text: string, x: number, y: number, width: number): void {
    const { style } = this.#element
    setText(this.#element, text)
    // On the side where there is room, without measuring it.
    const right = x > width / 2
    style.left = right ? 'auto' : `${Math.round(x + 12)}px`
    style.right = right ? `${Math.round(width - x + 12)}px` : 'auto'
    style.top = `${Math.max(0, Math.round(y - 30))}px`
    this.#element.hidden = false
  }

  hide(): void {
    if (!this.#element.hidden) this.#element.hidden = true
  }
}
