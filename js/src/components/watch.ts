/** What {@link watch} tells. */
export interface Watcher {
  /** The element has another size, in CSS px. Called once at the beginning. */
  resized(width: number, height: number): void
  /** Its colours may be others than before. */
  themed(): void
  /** It came into view, or went out of it. */
  shown(isShown: boolean): void
}

/**
 * Follows what a picture depends on that no event brings. Themes are noticed as they are
 * usually switched: by the system, or by `class`, `style` or `data-theme` on the element or
 * anything around it.
 *
 * @returns what ends it
 */
export function watch(element: Element, { resized, themed, shown }: Watcher): () => void {
  const sizes = new ResizeObserver((entries) => {
    const box = entries.at(-1)?.contentRect
    if (box) resized(box.width, box.height)
  })
  const views = new IntersectionObserver((entries) => {
    const entry = entries.at(-1)
    if (entry) shown(entry.isIntersecting)
  })
  const attributes = new MutationObserver(themed)
  const attributeFilter = ['class', 'style', 'data-theme']
  for (let at: Element | null = element.parentElement; at !== null; at = at.parentElement) {
    attributes.observe(at, { attributeFilter })
  }
  const systems = [
    matchMedia('(prefers-color-scheme: dark)'),
    matchMedia('(forced-colors: active)'),
  ]
  for (const system of systems) system.addEventListener('change', themed)
  sizes.observe(element)
  views.observe(element)
  return () => {
    sizes.disconnect()
    views.disconnect()
    attributes.disconnect()
    for (const system of systems) system.removeEventListener('change', themed)
  }
}
