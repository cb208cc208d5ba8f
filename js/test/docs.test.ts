import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const here = new URL('.', import.meta.url)

function* sources(folder: URL): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory() && entry.name !== 'node_modules') {
      yield* sources(new URL(`${entry.name}/`, folder))
    } else if (/\.test\.(ts|tsx|mjs)$/.test(entry.name)) {
      yield readFileSync(new URL(entry.name, folder), 'utf8')
    }
  }
}

/** The tests that a page's tables name: what stands in backticks in their last column. */
function named(page: string): string[] {
  const text = readFileSync(new URL(`../docs/${page}`, here), 'utf8')
  const out: string[] = []
  let isOfTests = false
  for (const line of text.split('\n')) {
    const cells = line.split('|').map((cell) => cell.trim())
    const last = cells.at(-2) ?? ''
    if (!line.startsWith('|')) isOfTests = false
    else if (last === 'test') isOfTests = true
    else if (isOfTests) for (const [, name] of last.matchAll(/`(.+?)`/g)) out.push(name ?? '')
  }
  return out
}

describe('the tests that the documentation names', () => {
  const tests = [...sources(here)].join('\n')

  it.each(['traps.md', 'comparison.md'])('exist: %s', (page) => {
    const names = named(page)
    expect(names.length).toBeGreaterThan(10)
    expect(names.filter((name) => !tests.includes(name))).toEqual([])
  })
})
