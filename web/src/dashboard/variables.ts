import { listOf, type PanelDefinition } from './definition'

/** What a reader chose, by the variables' names; empty is everything. */
export type Choices = Readonly<Record<string, string>>

const REFERENCE = /\$([a-z][a-z0-9_]*)/g

/** The panel with its variables replaced by what was chosen. */
export function resolve(panel: PanelDefinition, choices: Choices): PanelDefinition {
  const raw = (text: string) => replace(text, choices, (value) => value)
  const token = (text: string) => replace(text, choices, (value) => value || '*')
  const quoted = (text: string) => replace(text, choices, (value) => JSON.stringify(value))
  const view = (text: string) => {
    const at = text.search(/\swhere\s/)
    return at < 0 ? token(text) : token(text.slice(0, at)) + quoted(text.slice(at))
  }
  return {
    ...panel,
    ...(panel.title === undefined ? {} : { title: raw(panel.title) }),
    ...(panel.text === undefined ? {} : { text: raw(panel.text) }),
    ...(panel.stream === undefined ? {} : { stream: listOf(panel.stream).map(token) }),
    ...(panel.view === undefined ? {} : { view: listOf(panel.view).map(view) }),
    ...(panel.filter === undefined ? {} : { filter: quoted(panel.filter) }),
  }
}

function replace(text: string, choices: Choices, write: (value: string) => string): string {
  return text.replace(REFERENCE, (whole, name: string) => {
    const value = choices[name]
    return value === undefined ? whole : write(value)
  })
}
