import type { ComponentType } from 'react'
import type { Series } from '../data/numbers'
import type { Stream } from '../data/stream'
import { chart } from './chart/ChartPanel'
import { stat } from './stat/StatPanel'
import { table } from './table/TablePanel'
import { tail } from './tail/TailPanel'

/** What a panel shows. */
export interface PanelProps {
  readonly stream: Stream
  /** The one series to show, for panels of a single number. */
  readonly series?: Series | undefined
}

/** A way to show a stream. */
export interface PanelType {
  readonly name: string
  /** Where on the page such panels stand. */
  readonly place: 'stats' | 'charts' | 'tails'
  /** The panels of this type in which a stream shows itself; none if it does not fit. */
  fit(stream: Stream): readonly PanelProps[]
  readonly Component: ComponentType<PanelProps>
}

/** All panel types. To add one, write its module and name it here. */
export const panelTypes: readonly PanelType[] = [stat, chart, table, tail]

/** One panel of the page. */
export interface PanelItem {
  readonly id: string
  readonly type: PanelType
  readonly props: PanelProps
}

/** The panels of a place for these streams, stream by stream. */
export function panelsFor(streams: readonly Stream[], place: PanelType['place']): PanelItem[] {
  const types = panelTypes.filter((type) => type.place === place)
  return streams.flatMap((stream) =>
    types.flatMap((type) =>
      type.fit(stream).map((props) => ({
        id: [type.name, stream.name, props.series?.field].join(' '),
        type,
        props,
      })),
    ),
  )
}
