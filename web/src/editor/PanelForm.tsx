import { X } from 'lucide-react'
import { useId, useState } from 'react'
import type { PanelDefinition, PanelKind } from '../dashboard/definition'
import { useValue } from '../page/value'
import type { Draft, Operation } from './draft'
import { type Field, fieldsOf, formatInput, parseInput, TYPES } from './fields'

/** Props of {@link PanelForm}. */
export interface PanelFormProps {
  readonly draft: Draft
  /** Where the panel stands, as a JSON pointer. */
  readonly path: string
  readonly panel: PanelDefinition
  close(): void
}

/** All that a panel's definition says, each change shown at once. */
export function PanelForm({ draft, path, panel, close }: PanelFormProps) {
  const mistakes = useValue(draft.mistakes)
  const title = useId()
  const change = (key: string, value: unknown) =>
    void draft.apply(...changeOf(path, panel, key, value))
  return (
    <aside className="form" aria-labelledby={title}>
      <header>
        <h2 id={title}>{panel.title ?? panel.type}</h2>
        <button type="button" className="icon" aria-label="Close" onClick={close}>
          <X aria-hidden="true" />
        </button>
      </header>
      <label className="field">
        Type
        <select value={panel.type} onChange={(event) => change('type', event.target.value)}>
          {(Object.keys(TYPES) as PanelKind[]).map((type) => (
            <option key={type} value={type}>
              {TYPES[type]}
            </option>
          ))}
        </select>
      </label>
      {fieldsOf(panel.type).map((field) => (
        <Input
          key={`${path} ${field.key}`}
          field={field}
          value={panel[field.key]}
          change={(value) => change(field.key, value)}
        />
      ))}
      <div className="sizes">
        <Input
          field={{ key: 'width', label: 'Width, of 12', input: 'number' }}
          value={panel.width}
          change={(value) => change('width', value)}
        />
        <Input
          field={{ key: 'height', label: 'Height', input: 'number' }}
          value={panel.height}
          change={(value) => change('height', value)}
        />
      </div>
      {mistakes.length > 0 ? (
        <ul className="wrong" role="alert">
          {mistakes.map(({ message, path: where }) => (
            <li key={message}>
              {where === undefined ? null : <code>{where.slice(path.length + 1) || where}</code>}{' '}
              {message}
            </li>
          ))}
        </ul>
      ) : null}
    </aside>
  )
}

/** The patch that sets a member. A panel of another type keeps what that type may
 * have. */
export function changeOf(
  path: string,
  panel: PanelDefinition,
  key: string,
  value: unknown,
): Operation[] {
  const at = `${path}/${key}`
  const has = panel[key as keyof PanelDefinition] !== undefined
  if (value === undefined) return has ? [{ op: 'remove', path: at }] : []
  const set: Operation = { op: 'add', path: at, value } // of a member there is, it replaces
  if (key === 'type') {
    const known = new Set(fieldsOf(value as PanelKind).map((field) => field.key))
    const gone = fieldsOf(panel.type).filter((f) => !known.has(f.key) && panel[f.key] !== undefined)
    const has = (f: 'text' | 'stream' | 'view') => panel[f] !== undefined
    // Every panel shows something: what it is, is the next thing to choose.
    const needed: Operation[] =
      value === 'text'
        ? [{ op: 'add', path: `${path}/text`, value: 'What this is about.' }]
        : has('stream') || (has('view') && known.has('view'))
          ? []
          : [{ op: 'add', path: `${path}/stream`, value: 'hub.stats' }]
    return [
      ...gone.map((f): Operation => ({ op: 'remove', path: `${path}/${f.key}` })),
      ...needed,
      set,
    ]
  }
  // A panel shows streams or views.
  const other = key === 'view' ? 'stream' : key === 'stream' ? 'view' : undefined
  if (other !== undefined && panel[other] !== undefined) {
    return [{ op: 'remove', path: `${path}/${other}` }, set]
  }
  return [set]
}

interface InputProps {
  readonly field: Field
  readonly value: unknown
  change(value: unknown): void
}

/** An input that says what it holds when it is left, or on Enter. */
function Input({ field, value, change }: InputProps) {
  const shown = formatInput(field, value)
  const [typed, setTyped] = useState<string>()
  const [wrong, setWrong] = useState('')
  const commit = (text: string) => {
    setTyped(undefined)
    if (text === shown) return
    try {
      change(parseInput(field, text))
      setWrong('')
    } catch (error) {
      setTyped(text)
      setWrong((error as Error).message)
    }
  }
  const common = {
    value: typed ?? shown,
    placeholder: field.hint,
    'aria-invalid': wrong !== '',
    onBlur: (event: { target: { value: string } }) => commit(event.target.value),
  }
  const id = useId()
  return (
    <div className={field.input === 'switch' ? 'field switch' : 'field'}>
      <label htmlFor={id}>{field.label}</label>
      {field.input === 'switch' ? (
        <input
          id={id}
          type="checkbox"
          checked={value === true}
          onChange={(event) => change(event.target.checked || undefined)}
        />
      ) : field.input === 'choice' ? (
        <select id={id} value={shown} onChange={(event) => commit(event.target.value)}>
          <option value="">default</option>
          {field.choices?.map((choice) => (
            <option key={choice}>{choice}</option>
          ))}
        </select>
      ) : field.input === 'text' || field.input === 'number' ? (
        <input
          {...common}
          id={id}
          inputMode={field.input === 'number' ? 'decimal' : undefined}
          onChange={(event) => setTyped(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter') commit(event.currentTarget.value)
          }}
        />
      ) : (
        <textarea
          {...common}
          id={id}
          rows={field.input === 'long' ? 8 : Math.min(6, shown.split('\n').length + 1)}
          spellCheck={field.input === 'long'}
          onChange={(event) => setTyped(event.target.value)}
        />
      )}
      {wrong === '' ? null : <small className="wrong">{wrong}</small>}
    </div>
  )
}
