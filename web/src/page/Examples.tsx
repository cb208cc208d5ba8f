import { Tabs } from 'radix-ui'
import { useSession } from './session'
import type { Snippet } from './snippets'

/** The same in several languages, each to copy. */
export function Examples({ title, snippets }: { title: string; snippets: readonly Snippet[] }) {
  const session = useSession()
  return (
    <Tabs.Root className="examples" defaultValue="0">
      <header>
        <h3>{title}</h3>
        <Tabs.List aria-label={title}>
          {snippets.map(({ language }, i) => (
            <Tabs.Trigger key={language} value={String(i)}>
              {language}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
      </header>
      {snippets.map(({ language, code }, i) => (
        <Tabs.Content key={language} value={String(i)}>
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
