'use client'

export { ActivityFeed, type ActivityFeedProps } from './ActivityFeed.js'
export {
  type ConnectionKind,
  ConnectionStatus,
  type ConnectionStatusProps,
} from './ConnectionStatus.js'
export { drawSparkline, type SparklineInput } from './drawSparkline.js'
export { formatAge, formatNumber, type NumberText } from './format.js'
export { type LogLevel, LogTail, type LogTailProps } from './LogTail.js'
export { MetricCard, type MetricCardProps } from './MetricCard.js'
export type { PartProps } from './part.js'
export { Sparkline, type SparklineProps } from './Sparkline.js'
