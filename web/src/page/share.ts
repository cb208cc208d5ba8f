import { takeFragment } from './address'

/** The token of the share link by which this tab was opened; undefined if by none. It is
 * taken out of the address, and kept for when the tab loads the page again. */
export function takeShare(): string | undefined {
  const item = `streamgauge.share ${location.pathname}`
  const token = takeFragment('share')
  try {
    if (token === undefined) return sessionStorage.getItem(item) ?? undefined
    sessionStorage.setItem(item, token)
  } catch {} // as in some frames; they are loaded again by their link
  return token
}
