/** What relative addresses are relative to where there is no page. */
const NOWHERE = 'http://test.invalid'

function base(): string {
  // A page made of text, as about:blank, has nothing to be relative to either.
  return typeof location !== 'undefined' && /^http/.test(location.href) ? location.href : NOWHERE
}

/** Resolves an address as a page's fetch does. */
export function addressOf(url: string): URL {
  return new URL(url, base())
}

/** Tells which addresses are served. */
export function servedBy(url: string | RegExp | ((url: URL) => boolean) | undefined) {
  if (url === undefined) return () => true
  if (typeof url === 'function') return url
  if (url instanceof RegExp) return ({ href }: URL) => href.search(url) >= 0
  const wanted = addressOf(url)
  const absolute = /^\w+:/.test(url)
  return ({ origin, pathname, search }: URL) =>
    pathname === wanted.pathname &&
    (!absolute || origin === wanted.origin) &&
    (wanted.search === '' || search === wanted.search)
}
