import type { Mistake } from '../page/api'

/** Where a mistake is, as people write it: `rows[0].panels[2].width`. */
export function dotted(path: string): string {
  return path
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((whole, token) => {
      if (/^\d+$/.test(token)) return `${whole}[${token}]`
      return whole === '' ? token : `${whole}.${token}`
    }, '')
}

/** A mistake in words, from the key on. */
export function wordsOf({ path = '', message }: Mistake): string {
  return path === '' ? message : `${dotted(path)} ${message}`
}

/** The mistakes that lie within a panel, by the panel's path. */
export function byPanel(mistakes: readonly Mistake[] = []): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const mistake of mistakes) {
    const panel = /^\/rows\/\d+\/panels\/\d+/.exec(mistake.path ?? '')?.[0]
    if (panel === undefined || found.has(panel)) continue
    const within = (mistake.path as string).slice(panel.length)
    found.set(panel, wordsOf({ ...mistake, path: within }))
  }
  return found
}
