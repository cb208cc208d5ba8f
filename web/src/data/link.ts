/** Schemes that do nothing but lead somewhere. */
const PAGES: readonly string[] = ['http:', 'https:']
const PAGES_AND_MAIL: readonly string[] = [...PAGES, 'mailto:']

/** The address if it is one that may be followed: http, https, or relative to the
 * page; with `mail`, mailto as well. */
export function safeLink(address: unknown, { mail = false } = {}): string | undefined {
  if (typeof address !== 'string' || address.trim() === '') return undefined
  try {
    // What the browser will make of it counts, not how it is written.
    const { protocol } = new URL(address, 'https://page.invalid/')
    return (mail ? PAGES_AND_MAIL : PAGES).includes(protocol) ? address.trim() : undefined
  } catch {
    return undefined
  }
}
