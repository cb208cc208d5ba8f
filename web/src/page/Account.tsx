import { UserRound } from 'lucide-react'
import { DropdownMenu } from 'radix-ui'
import { MenuItem } from '../panels/PanelMenu'
import { hasTokens, signOut } from './actions'
import { useSession } from './session'
import { useValue } from './value'

/** Who the reader is, and the way in and out. Where nobody has to sign in it is nothing. */
export function Account() {
  const session = useSession()
  const { access, dialog, location } = session
  const who = useValue(access.who)
  // Its place, until it is known.
  if (who === undefined) return access.wasKnown ? <span className="icon" /> : null
  if (!who.required) return null
  if (!who.signed_in) {
    return (
      <button type="button" onClick={() => dialog.set('signin')}>
        Sign in
      </button>
    )
  }
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className="icon" aria-label={`Account: ${who.name}`} title={who.name}>
        <UserRound aria-hidden="true" />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu account" align="end" sideOffset={4}>
          <DropdownMenu.Label>
            <strong>{who.name}</strong>
            {who.expires === undefined ? null : <small>until {formatDate(who.expires)}</small>}
          </DropdownMenu.Label>
          <DropdownMenu.Separator className="separator" />
          {hasTokens(who) ? (
            <MenuItem onSelect={() => location.go('tokens')}>Tokens</MenuItem>
          ) : null}
          <MenuItem onSelect={() => signOut(session)}>Sign out</MenuItem>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}

/** A day and its time, as they are written where the reader is. */
export function formatDate(time: string): string {
  return new Date(time).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' })
}
