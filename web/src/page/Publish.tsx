import { isSelector } from 'streamgauge/live'
import { Examples } from './Examples'
import { useSession } from './session'
import { snippets } from './snippets'
import { useValue } from './value'

/** What to do when nobody has published anything: the exact command, to copy. */
export function Publish() {
  const { api, page } = useSession()
  const { everything } = useValue(page).plan
  const stream = everything.find((selector) => isSelector(selector) && !/[*>]/.test(selector))
  const { publish } = snippets(api.base.href, stream ?? 'site.visitors', { visitors: 523 })
  return (
    <div className="publish">
      <p>Nothing here yet. Any JSON shows itself at once, in a panel that fits it.</p>
      <Examples title="Publish an event" snippets={publish} />
      <p className="hint">
        Waiting for a first event on{' '}
        {everything.includes('>') ? 'any stream' : everything.join(', ')}
      </p>
    </div>
  )
}
