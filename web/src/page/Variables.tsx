import { useEffect, useState } from 'react'
import { matches } from 'streamgauge/live'
import type { DashboardDefinition, VariableDefinition } from '../dashboard/definition'
import { valueAt } from '../data/pointer'
import { useSession } from './session'
import { useValue } from './value'

/** Values beyond this many nobody finds in a list. */
const MAX_VALUES = 200

/** The choices that a dashboard leaves to its reader, each a list of what there is. */
export function Variables({ definition: { variables } }: { definition: DashboardDefinition }) {
  if (variables === undefined) return null
  return (
    <div className="variables">
      {Object.entries(variables).map(([name, variable]) => (
        <Variable key={name} name={name} variable={variable} />
      ))}
    </div>
  )
}

function Variable({ name, variable }: { name: string; variable: VariableDefinition }) {
  const { location } = useSession()
  const { choices } = useValue(location.address)
  const chosen = choices[name] ?? variable.default ?? ''
  const values = useValues(variable)
  const all = chosen === '' || values.includes(chosen) ? values : [chosen, ...values]
  return (
    <label>
      {variable.label ?? name}
      <select
        value={chosen}
        onChange={({ target: { value } }) =>
          location.change({ [`var.${name}`]: value === (variable.default ?? '') ? null : value })
        }
      >
        <option value="">All</option>
        {all.map((value) => (
          <option key={value}>{value}</option>
        ))}
      </select>
    </label>
  )
}

/** The values that exist: of a field in the newest events, or of streams' names. */
function useValues({ stream, field, streams }: VariableDefinition): readonly string[] {
  const { api } = useSession()
  const [values, setValues] = useState<readonly string[]>([])
  useEffect(() => {
    let current = true
    const read = async () => {
      const found =
        streams === undefined
          ? (await api.newest(stream ?? '', 1000)).map((e) =>
              field === 'key' ? e.key : valueAt(e.data, field ?? ''),
            )
          : (await api.streams())
              .filter((s) => matches(streams, s.name))
              .map((s) => s.name.slice(s.name.lastIndexOf('.') + 1))
      const words = found.filter((v) => v !== undefined && v !== null && typeof v !== 'object')
      if (current) setValues([...new Set(words.map(String))].sort().slice(0, MAX_VALUES))
    }
    read().catch(() => {}) // the list is a help; a value can still be in the address
    return () => {
      current = false
    }
  }, [api, stream, field, streams])
  return values
}
