import { X } from 'lucide-react'
import { useId, useRef, useState } from 'react'
import type { PanelDefinition, PanelKind } from '../dashboard/definition'
import { sentence } from '../page/mistakes'
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
  const title = useId()
  const [wrongType, setWrongType] = useState('')
  const forget = () => draft.mistakes.set([])
  const change = async (key: string, value: unknown): Promise<string> => {
    if (await draft.apply(...changeOf(path, panel, key, value))) return ''
    return draft.mistakes
      .get()
      .map((mistake) => sentence(mistake, mistake.path === `${path}/${key}` ? mistake.path : path))
      .join('; ')
  }
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
        <select
          value={panel.type}
          onChange={(event) => void change('type', event.target.value).then(setWrongType)}
        >
          {(Object.keys(TYPES) as PanelKind[]).map((type) => (
            <option key={type} value={type}>
              {TYPES[type]}
            </option>
          ))}
        </select>
        <Wrong text={wrongType} />
      </label>
      {fieldsOf(panel.type).map((field) => (
        <Input
          key={`${path} ${field.key}`}
          field={field}
          value={panel[field.key]}
          change={(value) => change(field.key, value)}
          forget={forget}
        />
      ))}
      <div className="sizes">
        <Input
          field={{ key: 'width', label: 'Width, of 12', input: 'number' }}
          value={panel.width}
          change={(value) => change('width', value)}
          forget={forget}
        />
        <Input
          field={{ key: 'height', label: 'Height', input: 'number' }}
          value={panel.height}
          change={(value) => change('height', value)}
          forget={forget}
        />
      </div>
    </aside>
  )
}

/** What is wrong with what was chosen or typed. */
function Wrong({ text, id }: { text: string; id?: string }) {
  return text === '' ? null : (
    <small className="wrong" id={id}>
      {text}
    </small>
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
  /** Resolves to what is wrong with the value, or to nothing. */
  change(value: unknown): Promise<string>
  /** What was wrong is no longer there. */
  forget(): void
}

/** An input that says what it holds when it is left, or on Enter. What is wrong stays to
 * be mended. */
function Input({ field, value, change, forget }: InputProps) {
  const shown = formatInput(field, value)
  const [typed, setTyped] = useState<string>()
  const [wrong, setWrong] = useState('')
  const asked = useRef<string>(undefined)
  const commit = async (text: string) => {
    if (text === asked.current) return
    if (text === shown) {
      setTyped(undefined)
      setWrong('')
      if (wrong !== '') forget()
      return
    }
    setTyped(text)
    asked.current = text
    try {
      const why = await change(parseInput(field, text))
      setWrong(why)
      // Meanwhile more may have been typed.
      if (why === '') setTyped((now) => (now === text ? undefined : now))
    } catch (error) {
      setWrong((error as Error).message)
    } finally {
      asked.current = undefined
    }
  }
  const id = useId()
  const common = {
    value: typed ?? shown,
    placeholder: field.hint,
    'aria-invalid': wrong !== '',
    'aria-describedby': wrong === '' ? undefined : `${id}-wrong`,
    onBlur: (event: { target: { value: string } }) => void commit(event.target.value),
  }
  return (
    <div className={field.input === 'switch' ? 'field switch' : 'field'}>
      <label htmlFor={id}>{field.label}</label>
      {field.input === 'switch' ? (
        <input
          id={id}
          type="checkbox"
          checked={value === true}
          onChange={(event) => void change(event.target.checked || undefined).then(setWrong)}
        />
      ) : field.input === 'choice' ? (
        <select
          id={id}
          value={typed ?? shown}
          onChange={(event) => void commit(event.target.value)}
        >
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
            if (event.key === 'Enter') void commit(event.currentTarget.value)
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
      <Wrong text={wrong} id={`${id}-wrong`} />
    </div>
  )
}
