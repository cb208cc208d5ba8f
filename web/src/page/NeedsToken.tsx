import { hasTokens } from './actions'
import { follow } from './Header'
import { useSession } from './session'
import { useValue } from './value'

/** What code to copy needs, where the server wants to know who asks. */
export function NeedsToken() {
  const { access, location } = useSession()
  const who = useValue(access.who)
  if (!who?.required) return null
  return (
    <p className="note">
      This server wants a token: the code takes it from the variable <code>STREAMGAUGE_TOKEN</code>.{' '}
      {hasTokens(who) ? (
        <a
          href={location.to('tokens')}
          onClick={(event) => follow(event, () => location.go('tokens'))}
        >
          Make one
        </a>
      ) : null}
    </p>
  )
}
