import { pageTitle } from './articles'

/** What a tab says to the site. */
export type Report =
  | { readonly kind: 'view'; readonly tab: string; readonly page: string }
  | { readonly kind: 'here' | 'leave'; readonly tab: string }
  | {
      readonly kind: 'vital'
      readonly name: 'lcp' | 'inp' | 'cls'
      readonly value: number
      readonly page: string
    }

/** Reads a report. Anybody can send anything: undefined is for what makes no sense. */
export function parseReport(text: string): Report | undefined {
  let said: Record<string, unknown>
  try {
    said = JSON.parse(text)
  } catch {
    return undefined
  }
  const { kind, tab, page, name, value } = said ?? {}
  const isTab = typeof tab === 'string' && /^[0-9a-f]{32}$/.test(tab)
  const isPage = typeof page === 'string' && pageTitle(page) !== undefined
  if (kind === 'here' || kind === 'leave') return isTab ? { kind, tab } : undefined
  if (kind === 'view') return isTab && isPage ? { kind, tab, page } : undefined
  if (kind !== 'vital' || !isPage) return undefined
  if (name !== 'lcp' && name !== 'inp' && name !== 'cls') return undefined
  const isValue = typeof value === 'number' && value >= 0 && value <= 120_000
  return isValue ? { kind, name, value, page } : undefined
}
