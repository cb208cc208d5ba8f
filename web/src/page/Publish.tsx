import { isSelector } from 'streamgauge/live'
import { Examples } from './Examples'
import { NeedsToken } from './NeedsToken'
import { useSession } from './session'
import { snippets } from './snippets'
import { useValue } from './value'

/** What to do when nobody has published anything: the exact command, to copy. */
export function Publish() {
  const { access, api, page } = useSession()
  const who = useValue(access.who)
  const { everything } = useValue(page).plan
  const stream = everything.find((selector) => isSelector(selector) && !/[*>]/.test(selector))
  const { publish } = snippets(api.base.href, stream ?? 'site.visitors', {
    sample: { visitors: 523 },
    locked: who?.required,
  })
  return (
    <div className="publish">
      <p>Nothing here yet. Any JSON shows itself at once, in a panel that fits it.</p>
      {who?.writes === false ? null : (
        <>
          <NeedsToken />
          <Examples title="Publish an event" snippets={publish} />
        </>
      )}
      <p className="hint">
        Waiting for a first event on{' '}
        {everything.includes('>') ? 'any stream' : everything.join(', ')}
      </p>
    </div>
  )
}
