import type { ComponentType } from 'react'
import type { PanelDefinition, PanelKind } from '../dashboard/definition'
import type { Content, Source } from '../data/source'
import { bars } from './bars/BarsPanel'
import { timeseries } from './chart/ChartPanel'
import { feed } from './feed/FeedPanel'
import { gauge } from './gauge/GaugePanel'
import { heatmap } from './heatmap/HeatmapPanel'
import { log } from './log/LogPanel'
import { stat } from './stat/StatPanel'
import { status } from './status/StatusPanel'
import { table } from './table/TablePanel'
import { text } from './text/TextPanel'

/** What a panel shows, and how. */
export interface PanelProps {
  readonly definition: PanelDefinition
  readonly source: Source
}

/** A way to show events. */
export interface PanelType {
  readonly name: PanelKind
  /** Its size unless its definition has one: of 12 columns, and rows of 40 px. */
  readonly width: number
  readonly height: number
  /**
   * Makes what keeps the events that such a panel shows; a panel without has none.
   * @param name by which a reader knows what is shown
   * @param window how long they are wanted, in ms
   */
  content?(definition: PanelDefinition, name: string, window: number): Content
  readonly Component: ComponentType<PanelProps>
}

/** All panel types. To add one, write its module and name it here. */
export const panelTypes: Readonly<Record<PanelKind, PanelType>> = {
  stat,
  timeseries,
  gauge,
  bars,
  table,
  status,
  heatmap,
  log,
  feed,
  text,
}
