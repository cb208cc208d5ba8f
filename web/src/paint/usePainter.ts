import { type RefObject, useLayoutEffect } from 'react'
import { useSession } from '../page/session'
import type { Painter } from './loop'

/** A painter that lets go of what it made. */
export interface OwnedPainter extends Painter {
  destroy?(): void
}

/** Draws an element with a painter made once it is in the document, and made
 * again when one of the inputs changes. */
export function usePainter<E extends Element>(
  ref: RefObject<E | null>,
  make: (element: E) => OwnedPainter,
  inputs: readonly unknown[],
): void {
  const { loop } = useSession()
  // biome-ignore lint/correctness/useExhaustiveDependencies: the caller names them
  useLayoutEffect(() => {
    const element = ref.current
    if (element === null) return
    const painter = make(element)
    const remove = loop.add(element, painter)
    return () => {
      remove()
      painter.destroy?.()
    }
  }, [loop, ...inputs])
}
