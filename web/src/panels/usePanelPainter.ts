import { type RefObject, useRef } from 'react'
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
 * again when the panel or the theme changes, whose colours it has read.
 * @param also what else it is made again for
 */
export function usePanelPainter(
  Painter: PanelPainter,
  { definition, source }: PanelProps,
  also?: unknown,
): RefObject<HTMLDivElement | null> {
  const session = useSession()
  const scheme = useValue(session.theme.scheme)
  const ref = useRef<HTMLDivElement>(null)
  usePainter(ref, (element) => new Painter(element, session, definition, source), [
    session,
    definition,
    source,
    scheme,
    also,
  ])
  return ref
}
