import { memo, useId, useState } from 'react'
import type { Activity } from '../../data/activities'
import { slotOf } from '../../paint/palette'
import { type Group, initials } from './groups'
import { ICONS } from './icons'

/** Members of an open group that are shown. */
const MAX_MEMBERS = 100

/** What somebody did, once or several times in a row. */
export const Item = memo(
  function Item({ group }: { group: Group }) {
    const [open, setOpen] = useState(false)
    const id = useId()
    const { members, first } = group
    const many = members.length > 1
    return (
      <article className="activity" tabIndex={-1} aria-labelledby={id}>
        <Badge activity={first} />
        <div className="what">
          <p id={id}>
            <strong>{first.actor || 'Somebody'}</strong> {first.verb} <Objects members={members} />
            {many ? ' ' : null}
            {many ? (
              <button
                type="button"
                className="times"
                aria-expanded={open}
                onClick={() => setOpen(!open)}
              >
                × {members.length}
              </button>
            ) : null}
          </p>
          {open ? (
            <ul>
              {members.slice(0, MAX_MEMBERS).map((activity) => (
                <li key={activity.number}>
                  <span>
                    <Thing activity={activity} />
                  </span>
                  <Time at={activity.at} />
                </li>
              ))}
              {members.length > MAX_MEMBERS ? (
                <li>and {members.length - MAX_MEMBERS} more</li>
              ) : null}
            </ul>
          ) : null}
        </div>
        <Time at={first.at} />
      </article>
    )
  },
  (before, after) =>
    before.group.first === after.group.first &&
    before.group.members.length === after.group.members.length,
)

/** The object of one activity; of several, the newest, and whether there are others. */
function Objects({ members }: { members: readonly Activity[] }) {
  const [first] = members
  if (first === undefined) return null
  const others = new Set(members.map((m) => m.object)).size - 1
  return (
    <>
      <Thing activity={first} />
      {others > 0 ? (
        <span className="others"> and {others === 1 ? 'another' : `${others} others`}</span>
      ) : null}
    </>
  )
}

function Thing({ activity: { object, target, link } }: { activity: Activity }) {
  const what = object || (target === '' ? '' : 'something')
  return (
    <>
      {link === undefined ? (
        <span className="object">{what}</span>
      ) : (
        <a href={link} target="_blank" rel="noopener noreferrer">
          {what || link}
        </a>
      )}
      {target === '' ? null : (
        <>
          {' '}
          <span className="to">→</span> <span className="object">{target}</span>
        </>
      )}
    </>
  )
}

function Badge({ activity: { actor, icon } }: { activity: Activity }) {
  const Named = ICONS.get(icon ?? '')
  const emoji = icon === undefined || /^[a-z]{2}/.test(icon) ? undefined : icon
  return (
    <span
      className="badge"
      data-slot={slotOf(actor)}
      data-icon={emoji !== undefined || undefined}
      aria-hidden="true"
    >
      {Named === undefined ? (emoji ?? initials(actor)) : <Named />}
    </span>
  )
}

/** The painter keeps its text up to date. */
function Time({ at }: { at: number }) {
  const date = new Date(at)
  const valid = !Number.isNaN(date.getTime())
  return (
    <time
      data-at={at}
      dateTime={valid ? date.toISOString() : undefined}
      title={valid ? date.toLocaleString() : undefined}
    />
  )
}
