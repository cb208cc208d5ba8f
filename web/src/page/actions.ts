import { useEffect } from 'react'
import { Draft } from '../editor/draft'
import { SPEEDS, WINDOWS } from '../time/timeline'
import type { Who } from './access'
import { formatDuration } from './address'
import type { Session } from './session'

/** Something that a reader can do, from the palette or by a key. */
export interface Action {
  readonly name: string
  /** The key that does it, if any; `?` lists them. */
  readonly key?: string
  /** Whether it changes a dashboard, which not everybody may. */
  readonly edits?: true
  /** Whether it makes sense at the moment; default: always. */
  when?(session: Session): boolean
  run(session: Session): void
}

/** A step back or on, in ms. */
const STEP = 1000
const LEAP = 10_000

/** What there is to do anywhere on the page. */
export const ACTIONS: readonly Action[] = [
  { name: 'Find and do anything', key: 'mod+k', run: (s) => s.dialog.set('palette') },
  { name: 'Pause, or back to live', key: 'Space', run: ({ timeline }) => timeline.toggle() },
  { name: 'Step back 1 second', key: '[', run: ({ timeline }) => timeline.step(-STEP) },
  { name: 'Step on 1 second', key: ']', run: ({ timeline }) => timeline.step(STEP) },
  { name: 'Step back 10 seconds', key: '{', run: ({ timeline }) => timeline.step(-LEAP) },
  { name: 'Step on 10 seconds', key: '}', run: ({ timeline }) => timeline.step(LEAP) },
  { name: 'Replay the window; again: faster', key: 'r', run: replay },
  {
    name: 'Back to live',
    key: 'l',
    when: ({ timeline }) => timeline.mode.get().kind !== 'live',
    run: ({ timeline }) => timeline.live(),
  },
  { name: 'Copy a link to what is shown now', key: 'c', run: share },
  { name: 'Streams: rates, ages, losses', key: 's', run: (s) => s.dialog.set('streams') },
  {
    name: 'Edit this dashboard',
    key: 'e',
    edits: true,
    when: isEditable,
    run: edit,
  },
  { name: 'Share this dashboard…', when: isShareable, run: (s) => s.dialog.set('share') },
  { name: 'New dashboard', key: 'n', edits: true, run: (s) => s.dialog.set('new') },
  { name: 'Kiosk: nothing but the panels', key: 'k', run: kiosk },
  {
    name: 'Leave the kiosk',
    key: 'Escape',
    when: ({ location }) => location.address.get().kiosk,
    run: kiosk,
  },
  { name: 'Next theme: system, light, dark', key: 'd', run: ({ theme }) => theme.next() },
  { name: 'Keys', key: '?', run: (s) => s.dialog.set('help') },
  {
    name: 'Tokens: who may read and publish',
    when: ({ access }) => hasTokens(access.who.get()),
    run: ({ location }) => location.go('tokens'),
  },
  {
    name: 'Sign in',
    when: ({ access }) => access.who.get()?.required === true && !access.who.get()?.signed_in,
    run: (s) => s.dialog.set('signin'),
  },
  {
    name: 'Sign out',
    when: ({ access }) => access.shared === undefined && access.who.get()?.signed_in === true,
    run: signOut,
  },
  ...WINDOWS.map((ms) => ({
    name: `Show the last ${formatDuration(ms)}`,
    run: (s: Session) => s.choose(ms),
  })),
]

/** Whether the action is there for the reader to take. */
export function isOffered(session: Session, { edits, when }: Action): boolean {
  return (!edits || session.access.mayEdit) && (when?.(session) ?? true)
}

/** Whether they can see to tokens, where there are any. */
export function hasTokens(who: Who | undefined): boolean {
  return who?.required === true && who.admin
}

/** Signs out, if there is nothing left to save. */
export function signOut({ access, location }: Session): void {
  if (location.mayLeave()) void access.signOut()
}

function replay({ timeline }: Session): void {
  const mode = timeline.mode.get()
  if (mode.kind === 'live') timeline.step(-timeline.window.get())
  const faster = mode.kind === 'replay' ? SPEEDS.find((speed) => speed > mode.speed) : undefined
  timeline.replay(faster ?? SPEEDS[0])
}

/** Whether a dashboard is open that the reader can edit. */
export function isEditable({ access, dashboards, location }: Session): boolean {
  const opened = dashboards.opened.get()
  const { page, panel } = location.address.get()
  return (
    access.mayEdit &&
    opened.status === 'open' &&
    opened.dashboard.name === page &&
    opened.dashboard.dashboard !== null &&
    panel === undefined
  )
}

/** Whether a dashboard is open that the reader can let others see. */
export function isShareable(session: Session): boolean {
  return hasTokens(session.access.who.get()) && isEditable(session)
}

/** Begins to change the open dashboard. */
export function edit(session: Session): void {
  const opened = session.dashboards.opened.get()
  if (opened.status !== 'open' || session.draft.get() !== undefined) return
  const { dashboard } = opened
  if (dashboard.dashboard === null) return
  const draft = new Draft(session.api, dashboard, dashboard.dashboard)
  session.draft.set(draft)
  void draft.check()
}

function kiosk({ location, say }: Session): void {
  const { kiosk } = location.address.get()
  location.change({ kiosk: kiosk ? null : '' })
  if (!kiosk) say('Escape leaves the kiosk')
}

/** Copies the address of exactly the span that is on the page. */
function share(session: Session): void {
  const { from, to } = session.timeline.span
  const time = (at: number) => new Date(at).toISOString()
  const link = session.link({ from: time(from), to: time(to), window: null })
  void session.copy(link, 'Link to these minutes copied')
}

/** What a frame in somebody's page may do: nothing beyond its own picture. */
const IN_FRAMES = new Set(['Space', '[', ']', '{', '}', 'r', 'l'])

/** Runs what a key stands for, unless something that uses it has the focus. */
export function useKeys(session: Session): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented) return
      const key = nameOf(event)
      const action = ACTIONS.find((a) => a.key === key)
      if (action === undefined || isTaken(session, event, key) || !isOffered(session, action))
        return
      if (session.location.address.get().embed && !IN_FRAMES.has(key)) return
      event.preventDefault()
      action.run(session)
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [session])
}

function nameOf({ key, ctrlKey, metaKey, altKey }: KeyboardEvent): string {
  if (altKey) return ''
  const name = key === ' ' ? 'Space' : key
  return ctrlKey || metaKey ? `mod+${name.toLowerCase()}` : name
}

/** Whether the key belongs to what has the focus. */
function isTaken(session: Session, event: KeyboardEvent, key: string): boolean {
  if (key.startsWith('mod+')) return false
  const target = event.target as Element
  if (key.length === 1 && key !== '?' && !session.keys.get()) return true
  if (
    target.closest(
      'input:not([type=range]), textarea, select, [contenteditable], dialog, [role=menu]',
    )
  ) {
    return true
  }
  return key === 'Space' && (event.repeat || target.closest('button, a, [tabindex]') !== null)
}
