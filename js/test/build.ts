import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Builds the hub once for all tests, unless STREAMGAUGE names one. */
export default function setup(): (() => void) | undefined {
  if (process.env.STREAMGAUGE) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'streamgauge-'))
  const binary = join(folder, 'streamgauge')
  const cwd = new URL('../..', import.meta.url).pathname
  execFileSync('go', ['build', '-o', binary, './cmd/streamgauge'], { cwd })
  process.env.STREAMGAUGE = binary
  return () => rmSync(folder, { recursive: true })
}
