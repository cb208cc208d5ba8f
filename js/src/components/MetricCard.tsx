import { type ReactNode, useId } from 'react'
import type { EventStreamResult } from '../react/useEventStream.js'
import { formatNumber, type NumberText } from './format.js'
import { type PartProps, rootProps } from './part.js'

/** What {@link MetricCard} takes. */
export interface MetricCardProps<T, V extends number | string = number | string> extends PartProps {
  /** What `useEventStream` or `useStream` gives. */
  readonly source: EventStreamResult<T>
  /** Finds the number, or a word, in the data; null or undefined is none. */
  readonly value: (data: T) => V | null | undefined
  /** What the number is of. It names the card for those who hear it. */
  readonly label: ReactNode
  /** Stands behind the number, such as `%`. See {@link formatNumber}. */
  readonly unit?: string
  /** Writes the value. Default: a number with three significant digits, as
   * {@link formatNumber} does, and a word as it is. */
  readonly format?: (value: V) => string
  /** Stands below the number: a Sparkline, say. */
  readonly children?: ReactNode
}

/**
 * A number that is kept up to date, with its name and unit.
 *
 * When the connection has been down for longer than two seconds the number stays, and the
 * card has `data-stale` and says "stale".
 *
 * @example
 * const cpu = useEventStream<Cpu>('/v1/streams/host.cpu/events?last=1')
 * <MetricCard source={cpu} value={(d) => d.percent} label="CPU" unit="%" />
 */
export function MetricCard<T, V extends number | string = number | string>(
  props: MetricCardProps<T, V>,
) {
  const { source, value, label, unit = '', format, children } = props
  const { data, error, status, isStale } = source
  const id = useId()
  const v = data === undefined ? undefined : value(data)
  const text = write(v, unit, format)
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for what is filled in
    <div
      role="group"
      aria-labelledby={id}
      {...rootProps(props)}
      data-sg="metric-card"
      data-status={status}
      data-stale={isStale || undefined}
      data-empty={v == null || undefined}
    >
      <div data-sg="metric-head">
        <span data-sg="label" id={id}>
          {label}
        </span>{' '}
        <span data-sg="note" title={error?.message}>
          {isStale ? 'stale' : ''}
        </span>
      </div>
      <div data-sg="reading">
        <span data-sg="value" data-kind={typeof v === 'string' ? 'text' : 'number'}>
          {text.value}
        </span>
        {text.unit === '' ? null : <span data-sg="unit">{`\u202f${text.unit}`}</span>}
      </div>
      {children == null ? null : <div data-sg="metric-slot">{children}</div>}
    </div>
  )
}

function write<V extends number | string>(
  value: V | null | undefined,
  unit: string,
  format: ((value: V) => string) | undefined,
): NumberText {
  if (value == null) return { value: '–', unit }
  if (format) return { value: format(value), unit }
  return typeof value === 'number' ? formatNumber(value, unit) : { value: String(value), unit }
}
