import type { Line } from '../../data/lines'
import { logParts } from '../../data/shape'
import { parseANSI } from './ansi'
import { json } from './detail'

/** Lines as plain text, one below the other, without colours. */
export function asText(lines: Iterable<Line>): string[] {
  const texts: string[] = []
  for (const { time, level, event } of lines) {
    const { text, rest } = logParts(event.data)
    const said = parseANSI(text).text
    const parts = [new Date(time).toISOString(), level, event.stream, event.key, said, rest]
    texts.push(`${parts.filter(Boolean).join(' ')}\n`)
  }
  return texts
}

/** Lines' events as the hub has them, one JSON value per line. */
export function asNDJSON(lines: Iterable<Line>): string[] {
  const texts: string[] = []
  for (const { time, event } of lines) {
    const { stream, id, type, key, data } = event
    const envelope = JSON.stringify({ stream, id, type, key, time: new Date(time).toISOString() })
    texts.push(`${envelope.slice(0, -1)},"data":${json(data)}}\n`)
  }
  return texts
}
