import { createContext } from 'react'

/** What a panel has to know of its place. */
export interface PanelPlace {
  /** By what an address names the panel; undefined where it can't be linked to. */
  readonly id: string | undefined
}

/** Where a panel stands. The page provides it around each panel. */
export const PanelContext = createContext<PanelPlace>({ id: undefined })
