import { useRef } from 'react'
import { formatText } from '../data/units'
import { setText } from '../paint/text'
import { usePainter } from '../paint/usePainter'
import { ConnectionPill } from './ConnectionPill'
import { useSession } from './session'
import { useValue } from './value'

/** The bar at the top: where the connection stands, what comes in, controls. */
export function Header() {
  const session = useSession()
  const { lost, gaps } = useValue(session.outline)
  const paused = useValue(session.paused)
  const theme = useValue(session.theme.choice)
  return (
    <header className="bar">
      <h1>
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <path d="M4 18h6l3.5-10L18 24l3.5-9H28" />
        </svg>
        Streamgauge
      </h1>
      <ConnectionPill />
      <Rate />
      {gaps > 0 ? (
        <span className="losses">
          <span aria-hidden="true">▲ </span>
          {lost > 0 ? `${lost} events lost` : `${gaps} gaps`}
        </span>
      ) : null}
      <span className="spring" />
      <button
        type="button"
        aria-label={paused ? 'Resume' : 'Pause'}
        title="Space"
        onClick={() => session.togglePause()}
      >
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path d={paused ? 'M5 3.5v9l7-4.5z' : 'M5.5 3.5v9M10.5 3.5v9'} />
        </svg>
        <span className="word">{paused ? 'Resume' : 'Pause'}</span>
      </button>
      <button
        type="button"
        onClick={() => session.theme.next()}
        aria-label={`Theme: ${theme}. Change`}
      >
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <circle cx="8" cy="8" r="5.5" />
          <path d={THEME_SHAPES[theme]} className="filled" />
        </svg>
        <span className="word">{theme}</span>
      </button>
    </header>
  )
}

const THEME_SHAPES = {
  system: 'M8 2.5a5.5 5.5 0 0 1 0 11z',
  light: '',
  dark: 'M8 2.5a5.5 5.5 0 0 1 0 11a5.5 5.5 0 0 1 0-11z',
}

/** Events that arrive, per second, over the last few seconds. */
function Rate() {
  const { board } = useSession()
  const ref = useRef<HTMLSpanElement>(null)
  usePainter(
    ref,
    (element) => {
      const samples: { at: number; received: number }[] = []
      return {
        every: 900,
        ages: true,
        version: () => 0,
        paint() {
          samples.push({ at: performance.now(), received: board.received })
          if (samples.length > 6) samples.shift()
          const [first, last] = [samples[0], samples.at(-1)]
          if (first === undefined || last === undefined || last.at === first.at) return
          const rate = ((last.received - first.received) / (last.at - first.at)) * 1000
          setText(element, `${formatText(Math.round(rate), 'count')} events/s`)
        },
      }
    },
    [],
  )
  return <span className="rate" ref={ref} />
}
