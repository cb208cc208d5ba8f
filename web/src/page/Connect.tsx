import { Tabs } from 'radix-ui'
import { useState } from 'react'
import { useSession } from './session'
import { type Snippet, snippets } from './snippets'

/** How to publish to this very server, and how to subscribe. */
export function Connect() {
  const { api } = useSession()
  const [stream, setStream] = useState('shop.orders')
  const all = snippets(api.base.href, stream)
  return (
    <section className="connect">
      <h2>Connect</h2>
      <label>
        Stream{' '}
        <input
          value={stream}
          spellCheck={false}
          onChange={(event) => setStream(event.target.value.replace(/[^A-Za-z0-9_.-]/g, ''))}
        />
      </label>
      <Examples title="Publish an event" snippets={all.publish} />
      <Examples title="Follow the stream" snippets={all.subscribe} />
    </section>
  )
}

/** The same in several languages, each to copy. */
function Examples({ title, snippets }: { title: string; snippets: readonly Snippet[] }) {
  const session = useSession()
  return (
    <Tabs.Root className="examples" defaultValue={snippets[0]?.language ?? ''}>
      <header>
        <h3>{title}</h3>
        <Tabs.List aria-label={title}>
          {snippets.map(({ language }) => (
            <Tabs.Trigger key={language} value={language}>
              {language}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
      </header>
      {snippets.map(({ language, code }) => (
        <Tabs.Content key={language} value={language}>
          <pre>
            <code>{code}</code>
          </pre>
          <button type="button" onClick={() => void session.copy(code, 'Copied')}>
            Copy
          </button>
        </Tabs.Content>
      ))}
    </Tabs.Root>
  )
}
