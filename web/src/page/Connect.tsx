import { useState } from 'react'
import { Examples } from './Examples'
import { useSession } from './session'
import { snippets } from './snippets'

/** How to publish to this very server, and how to subscribe. */
export function Connect() {
  const { api } = useSession()
  const [stream, setStream] = useState('shop.orders')
  const { publish, subscribe, panel } = snippets(api.base.href, stream)
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
      <div className="ways">
        <Examples title="Publish an event" snippets={publish} />
        <Examples title="Follow the stream" snippets={subscribe} />
        <Examples title="Show it" snippets={panel} />
      </div>
    </section>
  )
}
