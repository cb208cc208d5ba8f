// axe-core finds no violation of WCAG 2.2 AA on any page, in dark and in light.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { Visit, WITHIN } from './visit.mjs'

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

const visit = await Visit.begin({ args: ['--demo'] })

/** @param {import('playwright-core').Page} page */
async function violations(page) {
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

for (const colorScheme of /** @type {const} */ (['dark', 'light'])) {
  for (const path of ['/', '/host', '/streamgauge', '/demo', '/connect']) {
    test(`${path} in ${colorScheme}`, async () => {
      const page = await visit.open(path, { colorScheme, bypassCSP: true })
      await page.waitForTimeout(2500)
      assert.deepEqual(await violations(page), [])
      await page.context().close()
    })
  }
}

test('dialogs, the palette and the editor', async () => {
  const page = await visit.open('/demo', { bypassCSP: true })
  await page.locator('.panel').first().waitFor({ timeout: WITHIN })
  for (const key of ['?', 's', 'n', 'Control+k']) {
    await page.keyboard.press(key)
    await page.getByRole('dialog').waitFor({ timeout: WITHIN })
    await page.waitForTimeout(300)
    assert.deepEqual(await violations(page), [], `after ${key}`)
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached', timeout: WITHIN })
  }
  await page.keyboard.press('e')
  await page.locator('.edit-bar').waitFor({ timeout: WITHIN })
  await page.locator('.editable .tools button[title=Edit]').first().click()
  await page.locator('.form').waitFor({ timeout: WITHIN })
  assert.deepEqual(await violations(page), [], 'in the editor')
  await page.context().close()
})
