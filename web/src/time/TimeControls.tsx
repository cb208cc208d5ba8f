import { ChevronLeft, ChevronRight, Pause, Play } from 'lucide-react'
import { useRef } from 'react'
import { formatDuration } from '../page/address'
import { useSession } from '../page/session'
import { useValue } from '../page/value'
import { setText } from '../paint/text'
import { usePainter } from '../paint/usePainter'
import { SPEEDS, WINDOWS } from './timeline'

/** The scrubber reaches so many times as far back as the page stands: who has come to
 * its end can go on. */
const SCRUB = 1.5

/** How far back charts reach; and stop, back, on, replay, live. */
export function TimeControls() {
  const session = useSession()
  const { timeline } = session
  const window = useValue(timeline.window)
  const mode = useValue(timeline.mode)
  const windows = WINDOWS.includes(window) ? WINDOWS : [window, ...WINDOWS]
  return (
    <>
      {mode.kind === 'live' ? null : <Scrubber />}
      <select
        aria-label="Time window"
        value={window}
        onChange={(event) => session.choose(Number(event.target.value))}
      >
        {windows.map((ms) => (
          <option key={ms} value={ms}>
            last {formatDuration(ms)}
          </option>
        ))}
      </select>
      <button
        type="button"
        className="icon"
        aria-label={mode.kind === 'paused' ? 'Back to live' : 'Pause'}
        title="Space"
        onClick={() => timeline.toggle()}
      >
        {mode.kind === 'paused' ? <Play aria-hidden="true" /> : <Pause aria-hidden="true" />}
      </button>
    </>
  )
}

/** Where in the past the page stands, and the way from there. */
function Scrubber() {
  const { timeline } = useSession()
  const mode = useValue(timeline.mode)
  const slider = useRef<HTMLInputElement>(null)
  const label = useRef<HTMLSpanElement>(null)
  usePainter(
    slider,
    (element) => ({
      every: 100,
      ages: true,
      version: () => timeline.now,
      paint() {
        // While it is dragged its length stays, or the instant would run away.
        if (!element.matches(':active')) {
          const reach = Math.max(2 * timeline.window.get(), SCRUB * timeline.behind)
          element.min = String(-reach)
        }
        element.value = String(-timeline.behind)
        const time = new Date(timeline.now).toTimeString().slice(0, 8)
        if (label.current !== null) setText(label.current, time)
        element.setAttribute('aria-valuetext', time)
      },
    }),
    [timeline],
  )
  const speed = mode.kind === 'replay' ? mode.speed : 0
  return (
    <fieldset className="scrubber" aria-label="Past">
      <button
        type="button"
        className="icon"
        aria-label="Step back"
        onClick={() => timeline.step(-1000)}
      >
        <ChevronLeft aria-hidden="true" />
      </button>
      <input
        ref={slider}
        type="range"
        min={-2 * timeline.window.get()}
        max="0"
        step="100"
        aria-label="Instant shown"
        onInput={(event) =>
          timeline.pause(timeline.now + timeline.behind + Number(event.currentTarget.value))
        }
      />
      <button
        type="button"
        className="icon"
        aria-label="Step on"
        onClick={() => timeline.step(1000)}
      >
        <ChevronRight aria-hidden="true" />
      </button>
      <span className="instant" ref={label} />
      <select
        aria-label="Replay speed"
        value={speed}
        onChange={(event) => {
          const chosen = Number(event.target.value)
          if (chosen === 0) timeline.pause()
          else timeline.replay(chosen)
        }}
      >
        <option value={0}>paused</option>
        {SPEEDS.map((s) => (
          <option key={s} value={s}>
            {s}×
          </option>
        ))}
      </select>
      <button type="button" title="L" onClick={() => timeline.live()}>
        Live
      </button>
    </fieldset>
  )
}
