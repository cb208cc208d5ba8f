import { isSelector, type Want } from 'streamgauge/live'
import {
  type DashboardDefinition,
  listOf,
  type PanelDefinition,
  type RowDefinition,
} from '../dashboard/definition'
import { type Choices, resolve } from '../dashboard/variables'
import { Board, type BoardSink, type Selection } from '../data/board'
import type { Clock } from '../data/clock'
import { type Mark, Marks } from '../data/marks'
import { Source } from '../data/source'
import { isView } from '../data/views'
import { panelTypes } from '../panels/registry'

/** What a page is to show. */
export interface Plan {
  /** The dashboard; without one, streams show themselves. */
  readonly dashboard?: DashboardDefinition | undefined
  readonly name: string
  readonly choices: Choices
  /** Selectors of the streams that are to show themselves. */
  readonly everything: readonly string[]
  /** How far charts reach back, in ms. */
  readonly window: number
  /** The instant to stand still at, in epoch ms, where somebody shared one. */
  readonly until?: number | undefined
}

/** A panel of a page. */
export interface PanelItem {
  /** Where it stands in the dashboard, as a JSON pointer. */
  readonly id: string
  readonly definition: PanelDefinition
  readonly source: Source
}

/** Panels side by side. */
export interface PanelRow {
  readonly title: string | undefined
  readonly items: readonly PanelItem[]
}

/** Windows up to this long, in ms, have what a replay of them begins with. */
const REPLAYED = 3_600_000

/** What is on the screen: the panels and all that has come for them. */
export class Page {
  readonly plan: Plan
  readonly rows: readonly PanelRow[]
  readonly board: Board
  /** What it has to ask the hub for. */
  readonly want: Want
  /** How far back it has everything, in ms before it was made. */
  readonly reach: number
  readonly #marks: readonly Marks[]

  private constructor(
    plan: Plan,
    rows: readonly PanelRow[],
    {
      board,
      want,
      reach,
      marks,
    }: Pick<Page, 'board' | 'want' | 'reach'> & { marks: readonly Marks[] },
  ) {
    this.plan = plan
    this.rows = rows
    this.board = board
    this.want = want
    this.reach = reach
    this.#marks = marks
  }

  /** The page for a plan, with nothing on it yet. */
  static for(plan: Plan, sink: BoardSink, clock: Clock): Page {
    const past = plan.until === undefined ? 0 : Math.max(0, clock.now() - plan.until)
    // As much again lies before the picture: a replay begins with a whole one.
    const reach = plan.window * (plan.window <= REPLAYED ? 2 : 1) + past
    const rows = (plan.dashboard?.rows ?? []).map((row, i) => rowOf(row, i, plan, reach))
    const items = rows.flatMap((row) => row.items)
    const marked = (plan.dashboard?.annotations ?? []).map(({ text, ...of }) => ({
      marks: new Marks(of.stream, text),
      selection: selectionOf(resolve({ type: 'feed', ...of }, plan.choices), plan),
    }))
    const wanted = [
      ...items
        .filter(({ definition }) => panelTypes[definition.type].content !== undefined)
        // What the hub would refuse must not take the others with it.
        .filter(({ source }) => source.problem === undefined)
        .map(({ definition, source }) => ({ source, selection: selectionOf(definition, plan) })),
      ...marked.map(({ marks: { source }, selection }) => ({ source, selection })),
    ]
    const everything = plan.everything.filter(isSelector)
    const board = new Board(sink, clock, { wanted, everything, window: reach })
    const windows = items.map(({ definition }) => definition.window ?? 0)
    const want = {
      streams: unique([...everything, ...wanted.flatMap((w) => w.selection.streams)]),
      views: unique(wanted.flatMap((w) => w.selection.views)),
      since: Math.max(reach, ...windows),
    }
    const all = marked.map(({ marks }) => marks)
    return new Page(plan, rows, { board, want, reach, marks: all })
  }

  /** Tells the panels what a view is that they know by name. */
  describe(name: string, view: string): void {
    for (const { definition, source } of this.rows.flatMap((row) => row.items)) {
      const { views } = selectionOf(definition, this.plan)
      if (views.includes(name) && source.content?.kind === 'numbers') {
        source.content.describe(name, view)
      }
    }
  }

  /** The page for a plan that arranges the same data differently, with all that has
   * come so far; undefined if the plan asks for other data. */
  rearranged(plan: Plan): Page | undefined {
    if (plan.dashboard === undefined || this.plan.dashboard === undefined) return undefined
    if (plan === this.plan) return this
    const same = (of: Plan) =>
      JSON.stringify([
        of.name,
        of.choices,
        of.window,
        of.until,
        of.dashboard?.annotations,
        of.dashboard?.views,
      ])
    if (same(plan) !== same(this.plan)) return undefined
    const sources = new Map<string, Source[]>()
    for (const item of this.rows.flatMap((row) => row.items)) {
      const key = dataOf(item.definition)
      sources.set(key, [...(sources.get(key) ?? []), item.source])
    }
    const rows: PanelRow[] = []
    for (const [i, row] of plan.dashboard.rows.entries()) {
      const items: PanelItem[] = []
      for (const [j, panel] of row.panels.entries()) {
        const definition = chosen(panel, plan)
        const source = sources.get(dataOf(definition))?.shift()
        if (source === undefined) return undefined
        items.push({ id: `/rows/${i}/panels/${j}`, definition, source })
      }
      rows.push({ title: row.title, items })
    }
    const { board, want, reach } = this
    return new Page(plan, rows, { board, want, reach, marks: this.#marks })
  }

  /** The instants that are marked on all charts. The same array until there is
   * another. */
  get marks(): readonly Mark[] {
    const [first, ...rest] = this.#marks
    if (first === undefined) return NO_MARKS
    return rest.length === 0 ? first.all : this.#marks.flatMap((marks) => marks.all)
  }
}

const NO_MARKS: readonly Mark[] = []

/** The panel with its choices. A view's name stands for a view without choices, so a
 * view that has some goes by its text. */
function chosen(panel: PanelDefinition, { dashboard, choices }: Plan): PanelDefinition {
  const named = dashboard?.views ?? {}
  const view = listOf(panel.view).map((name) => {
    const text = Object.hasOwn(named, name) ? named[name] : undefined
    return text?.includes('$') ? text : name
  })
  return resolve(panel.view === undefined ? panel : { ...panel, view }, choices)
}

function rowOf(row: RowDefinition, i: number, plan: Plan, reach: number): PanelRow {
  const items = row.panels.map((panel, j): PanelItem => {
    const definition = chosen(panel, plan)
    const name = nameOf(definition)
    const window = Math.max(definition.window ?? 0, reach)
    const content = panelTypes[definition.type].content?.(definition, name, window)
    const source = new Source(name, window, content, problemOf(definition))
    return { id: `/rows/${i}/panels/${j}`, definition, source }
  })
  return { title: row.title, items }
}

/** What is wrong with what a panel asks for, now that a choice stands in it. */
function problemOf({ stream, view }: PanelDefinition): string | undefined {
  const wrong = listOf(stream).find((s) => !isSelector(s))
  if (wrong !== undefined) return `“${wrong}” is no stream’s name`
  const other = listOf(view).find((text) => !isView(text))
  return other === undefined ? undefined : `“${other}” is no view`
}

/** What of a panel decides which data it keeps: all but its looks. */
function dataOf(definition: PanelDefinition): string {
  const { type, stream, view, filter, field, keys, window, fields, states } = definition
  return JSON.stringify([type, stream, view, filter, field, keys, window, fields, states])
}

/** By what a reader knows the panel. */
function nameOf({ title, stream, view, type }: PanelDefinition): string {
  return [...listOf(stream), ...listOf(view)].join(', ') || title || type
}

/** What a panel wants. Its dashboard's own views go by the dashboard's name. */
function selectionOf(definition: PanelDefinition, { dashboard, name }: Plan): Selection {
  const named = dashboard?.views ?? {}
  return {
    streams: listOf(definition.stream).map((s) =>
      definition.filter === undefined ? s : `${s} where ${definition.filter.trim()}`,
    ),
    views: listOf(definition.view).map((view) =>
      Object.hasOwn(named, view) ? `${name}/${view}` : view,
    ),
  }
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)]
}
