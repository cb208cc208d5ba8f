import { useSyncExternalStore } from 'react'
import type { Source } from '../data/source'
import { useSession } from '../page/session'

/** Renders a panel again when its source has a new series or a loss, and only then. */
export function useOutline(source: Source): string {
  const { outline } = useSession()
  return useSyncExternalStore(outline.subscribe, () => source.outline)
}
