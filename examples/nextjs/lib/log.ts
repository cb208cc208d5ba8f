import 'server-only'
import { publish } from './publish'
import type { LogLine } from './streams'

/**
 * Writes a line to the console, as JSON, and to the stream `logs.site`. Fields are for what
 * helps to find something, not for what people have typed in.
 */
export function log(
  level: LogLine['level'],
  message: string,
  fields: Readonly<Record<string, unknown>> = {},
): void {
  const line: LogLine = { at: Date.now(), level, message, ...fields }
  const { at, ...rest } = line
  console[level](JSON.stringify({ time: new Date(at).toISOString(), ...rest }))
  publish('logs.site', line)
}
