/** Sets an element's text, touching the document only if it changes. */
export function setText(element: Element, text: string): void {
  const first = element.firstChild
  if (first === null) {
    if (text !== '') element.textContent = text
  } else if (first.nodeValue !== text) {
    first.nodeValue = text
  }
}
