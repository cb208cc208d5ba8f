import { useRef } from 'react'
import { formatDuration } from '../page/address'
import { useSession } from '../page/session'
import { useValue } from '../page/value'
import { setText } from '../paint/text'
import { usePainter } from '../paint/usePainter'
import { SPEEDS, WINDOWS } from './timeline'

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
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path d={mode.kind === 'paused' ? 'M5 3.5v9l7-4.5z' : 'M5.5 3.5v9M10.5 3.5v9'} />
        </svg>
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
        const window = timeline.window.get()
        element.min = String(-Math.max(2 * window, timeline.behind))
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
        ‹
      </button>
      <input
        ref={slider}
        type="range"
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
        ›
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
    </fieldset>
  )
}
