import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/** What axe-core has against a page, which must have been opened with `bypassCSP`.
 * @param {import('playwright-core').Page} page */
export async function violations(page) {
  await page.evaluate(axe)
  return page.evaluate(async (tags) => {
    const run = /** @type {any} */ (window).axe.run
    const { violations } = await run(document, { runOnly: { type: 'tag', values: tags } })
    return violations.map((/** @type {any} */ v) => ({
      rule: v.id,
      help: v.help,
      where: v.nodes
        .slice(0, 3)
        .map((/** @type {any} */ n) => [n.target.join(' '), n.failureSummary]),
    }))
  }, TAGS)
}
