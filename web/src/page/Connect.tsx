import { useState } from 'react'
import { Examples } from './Examples'
import { NeedsToken } from './NeedsToken'
import { useSession } from './session'
import { snippets } from './snippets'
import { useValue } from './value'

/** How to publish to this very server, and how to subscribe. */
export function Connect() {
  const { access, api } = useSession()
  const who = useValue(access.who)
  const [stream, setStream] = useState('shop.orders')
  const { publish, subscribe, panel } = snippets(api.base.href, stream, { locked: who?.required })
  return (
    <section className="connect">
      <h2>Connect</h2>
      <p>
        A stream exists from its first event on; there is nothing to declare. Name yours, and copy
        what fits.
      </p>
      <label>
        Stream{' '}
        <input
          value={stream}
          spellCheck={false}
          onChange={(event) => setStream(event.target.value.replace(/[^A-Za-z0-9_.-]/g, ''))}
        />
      </label>
      <NeedsToken />
      <div className="ways">
        {who?.writes === false ? null : <Examples title="Publish an event" snippets={publish} />}
        <Examples title="Follow the stream" snippets={subscribe} />
        <Examples title="Show it" snippets={access.mayEdit ? panel : panel.slice(1)} />
      </div>
    </section>
  )
}
