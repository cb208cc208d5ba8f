import { useState } from 'react'
import type { PanelDefinition } from '../dashboard/definition'
import type { Source } from '../data/source'
import { type Session, useSession } from '../page/session'
import { useValue } from '../page/value'
import { type OwnedPainter, usePainter } from '../paint/usePainter'
import type { PanelProps } from './registry'

/** Paints a panel. */
export type PanelPainter = new (
  element: HTMLElement,
  session: Session,
  definition: PanelDefinition,
  source: Source,
) => OwnedPainter

/**
 * Paints the element that is given the returned ref, with a painter that is made
 * again when the panel or the theme changes, whose colours it has read. An element
 * that comes back, as after the panel was shown as a table, gets a painter of its own.
 * @param also what else it is made again for
 */
export function usePanelPainter(
  Painter: PanelPainter,
  { definition, source }: PanelProps,
  also?: unknown,
): (element: HTMLElement | null) => void {
  const session = useSession()
  const scheme = useValue(session.theme.scheme)
  const [shown, setShown] = useState<HTMLElement | null>(null)
  usePainter({ current: shown }, (element) => new Painter(element, session, definition, source), [
    shown,
    session,
    definition,
    source,
    scheme,
    also,
  ])
  return setShown
}
