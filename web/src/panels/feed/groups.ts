import type { Activities, Activity } from '../../data/activities'

/** Alike activities that lie at most so far apart, in ms, are told as one. */
const TOGETHER = 5 * 60_000

/** Activities of one actor and verb, one after the other. */
export interface Group {
  /** The number of its oldest activity: it stays as others join. */
  readonly id: number
  /** Newest first; never empty. */
  readonly members: readonly Activity[]
  readonly first: Activity
}

/** What a feed shows, newest first, day by day. */
export interface Day {
  /** Midnight at its beginning, where the reader is; epoch ms. */
  readonly at: number
  readonly groups: readonly Group[]
}

/**
 * Groups activities, newest first.
 * @param end the number after the newest that is to be shown
 * @param max groups at most
 */
export function groupsOf(activities: Activities, end: number, max: number): Group[] {
  const groups: Group[] = []
  let members: Activity[] = []
  const close = () => {
    const [first] = members
    if (first !== undefined)
      groups.push({ id: (members.at(-1) as Activity).number, members, first })
    members = []
  }
  for (let number = end - 1; number >= activities.start; number--) {
    const activity = activities.at(number)
    if (activity === undefined) continue
    const newer = members.at(-1)
    if (newer !== undefined && !belongTogether(newer, activity)) {
      close()
      if (groups.length >= max) return groups
    }
    members.push(activity)
  }
  close()
  return groups
}

function belongTogether(a: Activity, b: Activity): boolean {
  return (
    a.actor === b.actor &&
    a.verb === b.verb &&
    Math.abs(a.at - b.at) <= TOGETHER &&
    dayOf(a.at) === dayOf(b.at)
  )
}

/** Divides groups by the day of their newest activity. */
export function daysOf(groups: readonly Group[]): Day[] {
  const days: { at: number; groups: Group[] }[] = []
  for (const group of groups) {
    const at = dayOf(group.first.at)
    const day = days.at(-1)
    if (day?.at === at) day.groups.push(group)
    else days.push({ at, groups: [group] })
  }
  return days
}

/** Midnight at the beginning of a time's day. */
function dayOf(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0)
}

/** A day by its name, as seen from a moment. */
export function dayName(day: number, now: number): string {
  const days = Math.round((dayOf(now) - day) / 86_400_000)
  if (days === 0) return 'Today'
  if (days === 1) return 'Yesterday'
  const year =
    new Date(day).getFullYear() === new Date(now).getFullYear() ? {} : { year: 'numeric' as const }
  return new Date(day).toLocaleDateString('en', {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    ...year,
  })
}

/** What stands for somebody without an icon: the first letters of their names. */
export function initials(actor: string): string {
  const words = actor.split(/[\s._@/-]+/).filter(Boolean)
  const letters = words.slice(0, 2).map((word) => [...word][0] ?? '')
  return letters.join('').toUpperCase() || '·'
}
