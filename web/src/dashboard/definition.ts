/** The kinds of panels there are. */
export type PanelKind =
  | 'stat'
  | 'timeseries'
  | 'gauge'
  | 'bars'
  | 'table'
  | 'status'
  | 'heatmap'
  | 'log'
  | 'feed'
  | 'text'

/** What a value is worth knowing for. */
export type State = 'good' | 'warn' | 'bad' | 'idle'

/** A state that begins at a value. */
export interface Threshold {
  readonly at: number
  readonly state: State
  /** Whether it holds downward from there. */
  readonly below?: boolean
}

/** A column of a table. */
export interface ColumnDefinition {
  readonly field: string
  readonly label?: string
  readonly unit?: string
  readonly spark?: boolean
}

/** A panel as a dashboard's file has it; docs/dashboards.md says what the members mean. */
export interface PanelDefinition {
  readonly type: PanelKind
  readonly title?: string
  readonly description?: string
  readonly width?: number
  readonly height?: number
  /** In ms, as the server resolved it. */
  readonly window?: number
  readonly stream?: string | readonly string[]
  readonly view?: string | readonly string[]
  readonly filter?: string
  readonly field?: string | readonly string[]
  readonly keys?: readonly string[]
  readonly unit?: string
  readonly decimals?: number
  readonly min?: number
  readonly max?: number
  readonly thresholds?: readonly Threshold[]
  readonly labels?: Readonly<Record<string, string>>
  readonly style?: 'line' | 'area' | 'bar'
  readonly stack?: boolean
  readonly limit?: number
  readonly columns?: readonly ColumnDefinition[]
  readonly states?: Readonly<Record<string, State>>
  readonly level?: string
  readonly search?: string
  readonly wrap?: boolean
  readonly fields?: Readonly<Record<string, string>>
  readonly text?: string
}

/** Panels side by side. */
export interface RowDefinition {
  readonly title?: string
  readonly panels: readonly PanelDefinition[]
}

/** A choice that a dashboard leaves to its reader. */
export interface VariableDefinition {
  readonly label?: string
  readonly stream?: string
  readonly field?: string
  readonly streams?: string
  readonly default?: string
}

/** Events that mark an instant on every chart. */
export interface AnnotationDefinition {
  readonly stream: string
  readonly text?: string
  readonly filter?: string
}

/** A dashboard as the server has it. */
export interface DashboardDefinition {
  readonly title: string
  readonly description?: string
  /** In ms. */
  readonly window?: number
  readonly variables?: Readonly<Record<string, VariableDefinition>>
  readonly annotations?: readonly AnnotationDefinition[]
  /** Named views and what they are. */
  readonly views?: Readonly<Record<string, string>>
  readonly rows: readonly RowDefinition[]
}

/** A list of what may stand alone. */
export function listOf<T>(value: T | readonly T[] | undefined): readonly T[] {
  if (value === undefined) return []
  return Array.isArray(value) ? value : [value as T]
}
