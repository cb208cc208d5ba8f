import type { AriaAttributes, CSSProperties } from 'react'

/** What every component takes beside its own: how its outermost element looks and what it
 * is called. `data-*` and `aria-*` attributes are passed on to that element. */
export interface PartProps extends AriaAttributes {
  readonly id?: string | undefined
  readonly className?: string | undefined
  readonly style?: CSSProperties | undefined
}

/** What of a component's props belongs to its outermost element. All else stays out of
 * the document, so that the whole result of a hook can be spread. */
export function rootProps(props: object): object {
  return Object.fromEntries(
    Object.entries(props).filter(([name]) => /^(id|className|style|data-.*|aria-.*)$/.test(name)),
  )
}

/** For what is only read out. It has to work without a stylesheet. */
export const UNSEEN: CSSProperties = {
  position: 'absolute',
  width: 1,
  height: 1,
  margin: -1,
  padding: 0,
  overflow: 'hidden',
  clipPath: 'inset(50%)',
  whiteSpace: 'nowrap',
}
