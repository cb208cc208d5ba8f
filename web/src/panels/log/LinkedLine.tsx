import { X } from 'lucide-react'
import { type RefObject, useEffect, useRef, useState } from 'react'
import { matches } from 'streamgauge/live'
import type { Envelope } from '../../data/envelope'
import { logParts } from '../../data/shape'
import type { Source } from '../../data/source'
import { useSession } from '../../page/session'
import { useValue } from '../../page/value'
import { parseANSI } from './ansi'
import type { LogPainter } from './logPainter'
import { fetchLine, type LineAddress, PARAMETER, parseLine } from './permalink'
import { timeText } from './row'

/** For so long, in ms, a line may still come with the page's history. */
const PATIENCE = 2500

type State =
  | { readonly kind: 'none' }
  | { readonly kind: 'elsewhere'; readonly event: Envelope }
  | { readonly kind: 'gone' }

interface LinkedProps {
  readonly source: Source
  readonly selectors: readonly string[]
  readonly painter: RefObject<LogPainter | undefined>
}

/** Goes to the line that the page's address names; where this page doesn't have it,
 * shows it by itself, or says that it is gone. */
export function LinkedLine({ source, selectors, painter }: LinkedProps) {
  const { api, location } = useSession()
  useValue(location.address)
  const named = new URL(window.location.href).searchParams.get(PARAMETER)
  const address = parseLine(named)
  const concerned =
    address !== undefined &&
    (source.name === address.stream || selectors.some((s) => matches(s, address.stream)))
  const [state, setState] = useState<State>({ kind: 'none' })
  const anchor = useRef<HTMLParagraphElement>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: an address is its text
  useEffect(() => {
    setState({ kind: 'none' })
    if (!concerned) return
    return lookFor(source, address, {
      found: (number) => {
        anchor.current?.parentElement?.scrollIntoView({ block: 'center' })
        painter.current?.read(number, false)
      },
      missing: async () => {
        const event = await fetchLine(api, address).catch(() => undefined)
        setState(event === undefined ? { kind: 'gone' } : { kind: 'elsewhere', event })
      },
    })
  }, [source, named, concerned])
  const dismiss = () => location.change({ [PARAMETER]: null })
  return (
    <p className="linked" ref={anchor} hidden={state.kind === 'none'} role="status">
      {state.kind === 'gone' ? (
        <span>The line that the link leads to is not kept any more.</span>
      ) : null}
      {state.kind === 'elsewhere' ? <Elsewhere event={state.event} /> : null}
      {state.kind === 'none' ? null : (
        <button type="button" className="icon" aria-label="Dismiss" onClick={dismiss}>
          <X aria-hidden="true" />
        </button>
      )}
    </p>
  )
}

/** A line that lies before everything that the page shows. */
function Elsewhere({ event }: { event: Envelope }) {
  const { text, rest } = logParts(event.data)
  return (
    <span>
      <span className="time">{timeText(event.at)}</span> {parseANSI(text).text}{' '}
      <span className="rest">{parseANSI(rest).text}</span>
    </span>
  )
}

/** Looks for a line while the past comes in. Returns a function that ends it. */
function lookFor(
  source: Source,
  { stream, id }: LineAddress,
  on: { found(number: number): void; missing(): void },
): () => void {
  const began = performance.now()
  const timer = setInterval(() => {
    const { content } = source
    const line =
      content?.kind === 'log' || content?.kind === 'other' ? content.find(stream, id) : undefined
    if (line !== undefined) on.found(line.number)
    else if (performance.now() - began < PATIENCE) return
    else on.missing()
    clearInterval(timer)
  }, 200)
  return () => clearInterval(timer)
}
