import './dom.js'
import type { ReactNode } from 'react'
import { flushSync } from 'react-dom'
import { createRoot, type Root } from 'react-dom/client'

const roots = new Map<HTMLElement, Root>()

/** Renders at once, without Testing Library, which brings its own React. */
export function render(node: ReactNode) {
  const container = document.createElement('div')
  document.body.append(container)
  const root = createRoot(container)
  roots.set(container, root)
  const rerender = (next: ReactNode) => flushSync(() => root.render(next))
  const unmount = () => {
    if (!roots.delete(container)) return
    flushSync(() => root.unmount())
    container.remove()
  }
  rerender(node)
  return { container, rerender, unmount }
}

/** Unmounts everything. */
export function cleanup(): void {
  for (const [container, root] of roots) {
    flushSync(() => root.unmount())
    container.remove()
  }
  roots.clear()
}
