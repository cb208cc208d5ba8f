// axe-core finds no violation of WCAG 2.2 AA on any page, in dark and in light.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { violations } from './axe.mjs'
import { Visit, WITHIN } from './visit.mjs'

const visit = await Visit.begin({ args: ['--demo'] })

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
