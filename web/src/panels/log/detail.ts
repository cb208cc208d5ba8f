import type { Line } from '../../data/lines'
import { brief, isObject } from '../../data/shape'
import { visible } from '../../data/visible'

/** What an open line lets its reader do. */
export interface Deeds {
  copy(text: string, what: string): void
  /** Copies a link that leads to the line. */
  link(line: Line): void
}

/** More members of one object, and more of one text, are counted, not shown. */
const MAX_MEMBERS = 200
const MAX_TEXT = 20_000

/** Objects with more members than this are closed at first, and so is what lies deeper. */
const OPEN_MEMBERS = 12
const OPEN_DEPTH = 2

/** Everything that is known of a line: its event's data as a tree. */
export function detailOf(line: Line, deeds: Deeds): HTMLElement {
  const { stream, id, type, key, data } = line.event
  const detail = element('div', 'detail')
  const facts = element('p', 'facts')
  const known = [new Date(line.time).toISOString(), stream, type, key, id]
  facts.textContent = visible(known.filter(Boolean).join('  ·  '))
  const actions = element('p', 'actions')
  actions.append(
    button('Copy JSON', () => deeds.copy(json(data, 2), 'Copied as JSON')),
    button('Copy text', () => deeds.copy(typeof data === 'string' ? data : json(data), 'Copied')),
  )
  if (id !== undefined) actions.append(button('Copy link', () => deeds.link(line)))
  detail.append(facts, ...members({ data }, deeds, 0, isObject(data) ? data : undefined), actions)
  return detail
}

/** JSON of any value; of one that is nested too deep for that, what can be said. */
export function json(value: unknown, indent?: number): string {
  try {
    return JSON.stringify(value, undefined, indent)
  } catch {
    return brief(value, Number.POSITIVE_INFINITY)
  }
}

function members(whole: object, deeds: Deeds, depth: number, inner?: object): HTMLElement[] {
  const entries = Object.entries(inner ?? whole)
  const shown = entries.slice(0, MAX_MEMBERS).map(([name, v]) => member(name, v, deeds, depth))
  if (entries.length > MAX_MEMBERS) {
    const more = element('div', 'leaf')
    more.textContent = `and ${entries.length - MAX_MEMBERS} more`
    shown.push(more)
  }
  return shown
}

function member(name: string, value: unknown, deeds: Deeds, depth: number): HTMLElement {
  if (typeof value !== 'object' || value === null) return leaf(name, value, deeds)
  const size = Object.keys(value).length
  if (size === 0) return leaf(name, value, deeds)
  const branch = document.createElement('details')
  const summary = document.createElement('summary')
  const many = element('span', 'rest')
  many.textContent = Array.isArray(value) ? `[${size}]` : `{${size}}`
  summary.append(nameOf(name), many)
  branch.append(summary)
  // What nobody opens is not built: an event may have ten thousand members.
  const build = () => {
    if (branch.childElementCount === 1) branch.append(...members(value, deeds, depth + 1))
  }
  branch.addEventListener('toggle', build)
  if (depth + 1 < OPEN_DEPTH && size <= OPEN_MEMBERS) {
    build()
    branch.open = true
  }
  return branch
}

/** A value that can be copied by pressing it. */
function leaf(name: string, value: unknown, deeds: Deeds): HTMLElement {
  const row = element('div', 'leaf')
  const whole = typeof value === 'string' ? value : json(value)
  const shown = button('', () => deeds.copy(whole, `Copied ${visible(name)}`))
  shown.className = 'value'
  shown.dataset.type = value === null ? 'null' : typeof value
  shown.title = 'Copy'
  const more = whole.length - MAX_TEXT
  shown.textContent = visible(whole.slice(0, MAX_TEXT)) + (more > 0 ? ` … and ${more} more` : '')
  row.append(nameOf(name), shown)
  return row
}

function nameOf(name: string): HTMLElement {
  const label = element('span', 'name')
  label.textContent = visible(name.slice(0, 200))
  return label
}

function button(text: string, run: () => void): HTMLButtonElement {
  const made = document.createElement('button')
  made.type = 'button'
  made.textContent = text
  made.addEventListener('click', run)
  return made
}

function element(tag: string, name: string): HTMLElement {
  const made = document.createElement(tag)
  made.className = name
  return made
}
