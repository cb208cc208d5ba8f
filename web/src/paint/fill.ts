/** Gives an element exactly n children of a kind, keeping those that it has. */
export function fill(element: Element, n: number, tag: string): void {
  while (element.childElementCount > n) element.lastElementChild?.remove()
  while (element.childElementCount < n) element.append(document.createElement(tag))
}
