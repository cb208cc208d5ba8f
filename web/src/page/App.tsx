import { useEffect } from 'react'
import { arrange } from '../data/arrange'
import { Header } from './Header'
import { Publish } from './Publish'
import { SectionView } from './SectionView'
import { useSession } from './session'
import { useValue } from './value'

/** The page. */
export function App() {
  const session = useSession()
  const outline = useValue(session.outline)
  const empty = useValue(session.empty)
  useSpace(() => session.togglePause())
  const sections = arrange(outline.streams)
  return (
    <>
      <Header />
      <main>
        {sections.map((section) =>
          section.streams.length > 0 || (section.id === 'yours' && empty) ? (
            <SectionView key={section.id} section={section}>
              {section.streams.length === 0 ? <Publish /> : null}
            </SectionView>
          ) : null,
        )}
        {outline.more > 0 ? (
          <p className="note">
            There are {outline.more} more streams. Choose what to see with{' '}
            <code>?stream=name.&gt;</code> in the address.
          </p>
        ) : null}
      </main>
    </>
  )
}

/** Runs the function on the space bar, unless something that uses it has the focus. */
function useSpace(run: () => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as Element
      const plain = !(event.ctrlKey || event.metaKey || event.altKey || event.repeat)
      if (event.key !== ' ' || !plain || target.closest('button, input, [tabindex]')) return
      event.preventDefault()
      run()
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  })
}
