import type { KeyboardEvent, MouseEvent } from 'react'
import type { Line } from './lines'

/** Props of {@link Legend}. */
export interface LegendProps {
  readonly lines: readonly Line[]
  readonly slots: readonly number[]
  /** The names of the lines that are not drawn. */
  readonly hidden: ReadonlySet<string>
  onHide(hidden: ReadonlySet<string>): void
  /** How many lines there was no room for. */
  readonly more: number
}

/** The names of a chart's lines with their values. A click shows one line alone, or
 * all again; with Shift or Ctrl it hides or shows one. */
export function Legend({ lines, slots, hidden, onHide, more }: LegendProps) {
  const names = lines.map((line) => line.name)
  const onClick = (name: string) => (event: MouseEvent | KeyboardEvent) => {
    const several = event.shiftKey || event.ctrlKey || event.metaKey
    onHide(several ? toggled(hidden, name, names) : isolated(hidden, name, names))
  }
  return (
    <ul className="legend">
      {lines.map(({ name }, i) => (
        <li key={name} data-hidden={hidden.has(name) || undefined}>
          <button
            type="button"
            aria-pressed={!hidden.has(name)}
            title={`${name}: click to see it alone, Shift-click to hide it`}
            onClick={onClick(name)}
          >
            <svg viewBox="0 0 14 8" aria-hidden="true" data-slot={(slots[i] ?? 0) % 8}>
              <path d="M1 4h12" strokeDasharray={(slots[i] ?? 0) < 8 ? undefined : '3 2'} />
            </svg>
            <span className="label">{name}</span>
          </button>
          <span className="number">
            <span className="value" data-value="" />
            <span className="unit" />
          </span>
        </li>
      ))}
      {more > 0 ? <li>and {more} more</li> : null}
    </ul>
  )
}

/** Only that line is shown; all are if it already is the only one. */
export function isolated(
  hidden: ReadonlySet<string>,
  name: string,
  all: readonly string[],
): ReadonlySet<string> {
  const others = all.filter((other) => other !== name)
  const alone = !hidden.has(name) && others.every((other) => hidden.has(other))
  return new Set(alone ? [] : others)
}

/** That line is hidden, or shown again; the last one that is shown stays. */
export function toggled(
  hidden: ReadonlySet<string>,
  name: string,
  all: readonly string[],
): ReadonlySet<string> {
  const next = new Set(hidden)
  if (!next.delete(name)) next.add(name)
  return all.every((other) => next.has(other)) ? hidden : next
}
