import { Window } from 'happy-dom'

// Only what React needs is the page's. What talks to the server is Node's own: that of
// happy-dom is none that could be cut or held back.
const window = new Window({ url: 'http://page.test/' })
const names = [
  'window',
  'document',
  'location',
  'navigator',
  'HTMLElement',
  'HTMLIFrameElement',
  'Node',
  'Element',
  'MutationObserver',
  'requestAnimationFrame',
  'cancelAnimationFrame',
  'sessionStorage',
  'getComputedStyle',
]
for (const name of names) {
  const value = name === 'window' ? window : Reflect.get(window, name)
  const bound = /^[a-z].*(?:Frame|Style)$/.test(name) ? value.bind(window) : value
  Object.defineProperty(globalThis, name, { value: bound, configurable: true, writable: true })
}

/** What happens to the page. */
export function happens(type: string): void {
  window.dispatchEvent(new window.Event(type))
}
