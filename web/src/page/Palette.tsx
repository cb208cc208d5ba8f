import { Command } from 'cmdk'
import { ACTIONS, isOffered } from './actions'
import { Modal } from './Modal'
import { useSession } from './session'
import { useValue } from './value'

/** Find and do anything, by typing a few letters of it. */
export function Palette() {
  const session = useSession()
  const dashboards = useValue(session.dashboards.list)
  useValue(session.dashboards.opened)
  const close = () => session.dialog.set(undefined)
  const run = (what: () => void) => () => {
    close()
    what()
  }
  return (
    <Modal name="palette" className="palette" label="Find and do anything">
      <Command label="Find and do anything" loop>
        <Command.Input placeholder="A dashboard, a time, an action" autoFocus />
        <Command.List>
          <Command.Empty>Nothing of that name.</Command.Empty>
          {session.access.shared !== undefined ? null : (
            <Command.Group heading="Dashboards">
              <Command.Item onSelect={run(() => session.location.go(''))}>Everything</Command.Item>
              {dashboards.map(({ name, title }) => (
                <Command.Item
                  key={name}
                  value={`${title} ${name}`}
                  onSelect={run(() => session.location.go(name))}
                >
                  {title}
                </Command.Item>
              ))}
              <Command.Item onSelect={run(() => session.location.go('connect'))}>
                Connect: how to publish and subscribe
              </Command.Item>
            </Command.Group>
          )}
          <Command.Group heading="Actions">
            {ACTIONS.filter((a) => a.key !== 'mod+k' && isOffered(session, a)).map((action) => (
              <Command.Item key={action.name} onSelect={run(() => action.run(session))}>
                {action.name}
                {action.key === undefined ? null : <Keys of={action.key} />}
              </Command.Item>
            ))}
          </Command.Group>
        </Command.List>
      </Command>
    </Modal>
  )
}

/** A key as it is printed on it. */
export function Keys({ of }: { of: string }) {
  const mac = navigator.platform.startsWith('Mac')
  const parts = of.split('+').map((part) => (part === 'mod' ? (mac ? '⌘' : 'Ctrl') : part))
  return (
    <span className="keys">
      {parts.map((part) => (
        <kbd key={part}>{part.length === 1 ? part.toUpperCase() : part}</kbd>
      ))}
    </span>
  )
}
