import type { PanelDefinition, PanelKind } from '../dashboard/definition'

/** How a member of a panel is edited. */
export interface Field {
  readonly key: keyof PanelDefinition
  readonly label: string
  readonly input: 'text' | 'lines' | 'number' | 'choice' | 'switch' | 'json' | 'long'
  readonly choices?: readonly string[]
  readonly hint?: string
}

const EVERY: readonly Field[] = [
  { key: 'title', label: 'Title', input: 'text' },
  { key: 'description', label: 'Description', input: 'text' },
]

const STREAM: readonly Field[] = [
  { key: 'stream', label: 'Streams', input: 'lines', hint: 'one selector a line, such as logs.>' },
  { key: 'filter', label: 'Filter', input: 'text', hint: 'such as data.status >= 500' },
]

const METRIC: readonly Field[] = [
  {
    key: 'view',
    label: 'Views',
    input: 'lines',
    hint: 'in place of streams: p95(web.requests /ms) by /route every 10s',
  },
  ...STREAM,
  { key: 'field', label: 'Fields', input: 'lines', hint: 'JSON pointers, such as /latency/ms' },
  { key: 'keys', label: 'Keys', input: 'lines', hint: 'only these, one a line' },
  { key: 'unit', label: 'Unit', input: 'text', hint: 'percent, ms, bytes/s, usd, or any text' },
  { key: 'decimals', label: 'Decimals', input: 'number' },
  { key: 'min', label: 'Minimum', input: 'number' },
  { key: 'max', label: 'Maximum', input: 'number' },
  { key: 'thresholds', label: 'Thresholds', input: 'json', hint: '[{"at": 80, "state": "warn"}]' },
  { key: 'labels', label: 'Labels', input: 'json', hint: '{"p95": "slowest 5 %"}' },
]

const OWN: Readonly<Record<PanelKind, readonly Field[]>> = {
  stat: METRIC,
  gauge: METRIC,
  heatmap: METRIC,
  timeseries: [
    ...METRIC,
    { key: 'style', label: 'Style', input: 'choice', choices: ['line', 'area', 'bar'] },
    { key: 'stack', label: 'Stacked', input: 'switch' },
  ],
  bars: [...METRIC, { key: 'limit', label: 'At most', input: 'number' }],
  table: [
    ...METRIC,
    { key: 'limit', label: 'At most', input: 'number' },
    { key: 'columns', label: 'Columns', input: 'json', hint: '[{"field": "/cpu", "spark": true}]' },
  ],
  status: [
    ...METRIC,
    { key: 'states', label: 'States', input: 'json', hint: '{"up": "good", "down": "bad"}' },
  ],
  log: [
    ...STREAM,
    {
      key: 'level',
      label: 'Level, at least',
      input: 'choice',
      choices: ['trace', 'debug', 'info', 'warn', 'error', 'fatal'],
    },
    { key: 'search', label: 'Search', input: 'text' },
    { key: 'wrap', label: 'Wrap lines', input: 'switch' },
  ],
  feed: [
    ...STREAM,
    { key: 'limit', label: 'At most', input: 'number' },
    { key: 'fields', label: 'Parts', input: 'json', hint: '{"actor": "/user/name"}' },
  ],
  text: [{ key: 'text', label: 'Text (Markdown)', input: 'long' }],
}

/** The members that panels of a type have. */
export function fieldsOf(type: PanelKind): readonly Field[] {
  return [...EVERY, ...OWN[type]]
}

/** The types that there are, and what a new panel of each begins with. */
export const TYPES: Readonly<Record<PanelKind, string>> = {
  stat: 'Stat: a number with its course',
  timeseries: 'Time series',
  gauge: 'Gauge',
  bars: 'Bars: the largest first',
  table: 'Table',
  status: 'Status over time',
  heatmap: 'Heatmap',
  log: 'Log',
  feed: 'Activity feed',
  text: 'Text',
}

/** The value that a form's text stands for: undefined takes the member away. */
export function parseInput(field: Field, text: string): unknown {
  const trimmed = text.trim()
  if (trimmed === '') return undefined
  switch (field.input) {
    case 'number': {
      const n = Number(trimmed)
      return Number.isNaN(n) ? trimmed : n
    }
    case 'lines': {
      const lines = trimmed.split('\n').map((line) => line.trim())
      const full = lines.filter((line) => line !== '')
      return full.length === 1 ? full[0] : full
    }
    case 'json':
      return JSON.parse(trimmed)
    case 'switch':
      return trimmed === 'true' ? true : undefined
    case 'long':
      return text
    default:
      return trimmed
  }
}

/** A member's value as the form shows it. */
export function formatInput(field: Field, value: unknown): string {
  if (value === undefined || value === null) return ''
  if (field.input === 'json') return JSON.stringify(value, null, 1)
  return Array.isArray(value) ? value.join('\n') : String(value)
}
