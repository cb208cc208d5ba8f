import { useSession } from '../page/session'

interface MadeProps {
  readonly title: string
  /** What can be seen this once. */
  readonly secret: string
  /** What is said when it has been copied. */
  readonly copied: string
  done(): void
}

/** Something secret that has just been made: shown once. */
export function Made({ title, secret, copied, done }: MadeProps) {
  const session = useSession()
  return (
    <div className="card made">
      <h3>{title}</h3>
      <p role="status">This is shown once, now. The server keeps no copy of it.</p>
      <code>{secret}</code>
      <div>
        <button
          type="button"
          className="primary"
          ref={focus}
          onClick={() => void session.copy(secret, copied)}
        >
          Copy
        </button>{' '}
        <button type="button" onClick={done}>
          Done
        </button>
      </div>
    </div>
  )
}

const focus = (element: HTMLElement | null) => element?.focus()
