import { type ReactNode, useLayoutEffect, useRef } from 'react'
import { useSession } from './session'
import { useValue } from './value'

/** Props of {@link Modal}. */
export interface ModalProps {
  /** What `session.dialog` is while this is open. */
  readonly name: string
  readonly className: string
  readonly label: string
  readonly children: ReactNode
}

/** A dialog of the page: the browser's own, which keeps the focus, closes on Escape,
 * and needs no style that a strict policy would forbid. */
export function Modal(props: ModalProps) {
  const { dialog } = useSession()
  return useValue(dialog) === props.name ? <Open {...props} /> : null
}

function Open({ name, className, label, children }: ModalProps) {
  const { dialog } = useSession()
  const ref = useRef<HTMLDialogElement>(null)
  // Before the next key is pressed: it is for the dialog.
  useLayoutEffect(() => {
    const before = document.activeElement
    ref.current?.showModal()
    return () => {
      if (before instanceof HTMLElement) before.focus()
    }
  }, [])
  const close = () => {
    if (dialog.get() === name) dialog.set(undefined) // else another is open by now
  }
  return (
    <dialog
      ref={ref}
      className={className}
      aria-label={label}
      // Not only when it has closed, which is said a moment later: the next key is the page's.
      onCancel={close}
      onClose={close}
      onClick={(event) => {
        // On the dialog itself is on what is around its content.
        if (event.target === event.currentTarget) close()
      }}
      onKeyDown={() => {}}
    >
      <div className="content">{children}</div>
    </dialog>
  )
}
