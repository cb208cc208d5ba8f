/** How many colours there are; see tokens.css. The last two only fill in: a yellow,
 * which looks like a warning, and a grey. */
export const COLOURS = 8
const FIRST = COLOURS - 2

/**
 * Gives every label a colour: the same label the same one on all panels, as far
 * as two labels of one panel don't want the same. A label that is alone has the
 * first: it need not be told apart. Beyond eight labels colours
 * repeat, told apart by their dashes. Returns slots from 0; slot % 8 is the colour.
 */
export function assignColours(labels: readonly string[]): number[] {
  if (labels.length === 1) return [0]
  const taken = new Set<number>()
  return labels.map((label, i) => {
    const round = Math.floor(i / COLOURS) * COLOURS
    let slot = slotOf(label)
    while (taken.has(round + slot)) slot = (slot + 1) % COLOURS
    taken.add(round + slot)
    return round + slot
  })
}

/** The slot that a label has where nothing else wants it. */
export function slotOf(label: string): number {
  return hash(label) % FIRST
}

/** FNV-1a. */
function hash(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193) >>> 0
  return h
}

/** The colour of a slot as the theme has it. */
export function colourOf(slot: number, element: Element): string {
  const name = `--series-${(slot % COLOURS) + 1}`
  return getComputedStyle(element).getPropertyValue(name).trim()
}

/** The same colour, translucent. Theme colours are written `oklch(l c h)`. */
export function translucent(colour: string, alpha: number): string {
  return colour.replace(/\)$/, ` / ${alpha})`)
}
