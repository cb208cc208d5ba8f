// What a browser remembers for this page. Storage may be forbidden, as in some frames;
// what is chosen then lasts as long as the page.

/** What was remembered under a name, or null. */
export function recall(name: string): string | null {
  try {
    return localStorage.getItem(`streamgauge.${name}`)
  } catch {
    return null
  }
}

/** Remembers a text under a name. */
export function remember(name: string, text: string): void {
  try {
    localStorage.setItem(`streamgauge.${name}`, text)
  } catch {}
}
