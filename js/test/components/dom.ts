import '../react/dom.js'
import { vi } from 'vitest'

// What pictures and lists need of a page beside what React does.
for (const name of [
  ...['ResizeObserver', 'IntersectionObserver', 'matchMedia', 'devicePixelRatio', 'KeyboardEvent'],
  ...[
    'HTMLCanvasElement',
    'CustomEvent',
    'WheelEvent',
    'Event',
    'MouseEvent',
    'FocusEvent',
    'addEventListener',
  ],
  ...['removeEventListener', 'customElements'],
]) {
  const value = Reflect.get(window, name)
  const bound = /^[a-z]/.test(name) && typeof value === 'function' ? value.bind(window) : value
  Object.defineProperty(globalThis, name, { value: bound, configurable: true, writable: true })
}

/** What was drawn on any canvas, as `name(arguments)`. */
export const drawn: string[] = []

/** A context that draws nothing, and notes it. */
export function fakeContext(): CanvasRenderingContext2D {
  const properties = new Map<PropertyKey, unknown>()
  const target = {} as CanvasRenderingContext2D
  return new Proxy(target, {
    get: (_, name) => {
      if (properties.has(name)) return properties.get(name)
      if (name === 'measureText') return () => ({ width: 10 })
      return (...args: unknown[]) => {
        drawn.push(`${String(name)}(${args.map((n) => Math.round(Number(n) * 10) / 10).join(' ')})`)
      }
    },
    set: (_, name, value) => {
      properties.set(name, value)
      return true
    },
  })
}

class FakePath {
  moveTo() {}
  lineTo() {}
  arc() {}
  rect() {}
  closePath() {}
}

HTMLCanvasElement.prototype.getContext = vi.fn(() => fakeContext()) as never
Object.assign(globalThis, { Path2D: FakePath })

const macrotask = setImmediate

/** Lets React do what it has put off. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((done) => macrotask(done))
}

/** Lets the time of fake timers go on, and React render what has changed. */
export async function advance(ms: number): Promise<void> {
  await settle()
  vi.advanceTimersByTime(ms)
  await settle()
}
