// The editor writes the same file back: what was not edited stays, byte for byte.

import assert from 'node:assert/strict'
import { chmod, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { Visit, WITHIN } from './visit.mjs'

const FILE = `# The shop's own board. Keep it calm.
title:   "Shop"          # odd spacing is ours
window: 5m

rows:
  # What counts now.
  - title: Now
    panels:
      - type: stat        # the first number
        title: 'Orders'
        view: count(shop.orders) over 1h every 1m

      # The last one, whatever it was.
      - {type: stat, title: Last, stream: shop.orders, field: /total}
  - title: Later
    panels:
      - type: text
        text: |
          **Hello**
`

const visit = await Visit.begin({ dashboards: { shop: FILE } })
/** @type {import('playwright-core').Page} */
let page

const file = () => readFile(join(visit.server.dashboards, 'shop.yaml'), 'utf8')
const panel = (/** @type {string} */ title) =>
  page.locator(`.editable:has(.name:text-is("${title}"))`)

async function save() {
  await page.getByRole('button', { name: 'Save' }).click()
  await page.locator('.edit-bar').waitFor({ state: 'detached', timeout: WITHIN })
}

async function edit() {
  await page.keyboard.press('e')
  await page.locator('.edit-bar').waitFor({ timeout: WITHIN })
}

before(async () => {
  await visit.server.publish('shop.orders', { total: 10 })
  page = await visit.open('/shop')
  await page.locator('.name:text-is("Orders")').waitFor({ timeout: WITHIN })
})

test('a changed title is shown at once, and is all that changes in the file', async () => {
  await edit()
  await panel('Orders').getByRole('button', { name: /^Edit/ }).click()
  const title = page.locator('.form').getByLabel('Title', { exact: true })
  await title.fill('Orders today')
  await title.press('Enter')
  await panel('Orders today').waitFor({ timeout: WITHIN })
  assert.equal(await file(), FILE, 'nothing is written before it is saved')
  await save()
  assert.equal(await file(), FILE.replace("'Orders'", "'Orders today'"))
})

test('a mistake is said at once, with its reason, and is no change', async () => {
  await edit()
  await panel('Orders today').getByRole('button', { name: /^Edit/ }).click()
  const views = page.locator('.form').getByLabel('Views')
  await views.fill('cuont(shop.orders)')
  await views.blur()
  await page.locator('.form .wrong').filter({ hasText: 'cuont' }).waitFor({ timeout: WITHIN })
  assert.match((await page.locator('.edit-bar .count').textContent()) ?? '', /no changes/)
  // It stays to be mended, and is said where it is.
  assert.equal(await views.inputValue(), 'cuont(shop.orders)')
  await page.locator('.field:has(> textarea[aria-invalid=true]) > .wrong').waitFor()
  assert.match(
    await page.locator('.edit-bar .wrong').innerText(),
    /shop\.yaml:\d+:\d+ rows\[0\]\.panels\[0\]\.view .*cuont/,
  )
  await page.locator('.editable[data-wrong*=cuont]').waitFor()
  await views.fill('count(shop.orders) over 1h every 1m')
  await views.blur()
  await page.locator('.editor .wrong').waitFor({ state: 'detached', timeout: WITHIN })
  await page.getByRole('button', { name: 'Done' }).click()
})

test('a panel is resized by keyboard and moved by dragging; comments go with it', async () => {
  const before = await file()
  await edit()
  await panel('Orders today')
    .getByRole('button', { name: /^Resize/ })
    .focus()
  await page.keyboard.press('ArrowRight')
  await page.locator('.edit-bar .count', { hasText: '1 change' }).waitFor({ timeout: WITHIN })
  const from = await panel('Last')
    .getByRole('button', { name: 'Move Last', exact: true })
    .boundingBox()
  const to = await panel('Orders today').boundingBox()
  assert.ok(from !== null && to !== null)
  await page.mouse.move(from.x + 5, from.y + 5)
  await page.mouse.down()
  await page.mouse.move(to.x + 30, to.y + 40, { steps: 12 })
  await page.mouse.up()
  await page.locator('.edit-bar .count', { hasText: '2 changes' }).waitFor({ timeout: WITHIN })
  await save()
  const after = await file()
  assert.match(after, /width: 4/)
  assert.ok(after.indexOf('title: Last') < after.indexOf("'Orders today'"), after)
  assert.ok(
    after.indexOf('# The last one') < after.indexOf('title: Last'),
    'its comment went with it',
  )
  for (const line of before.split('\n')) assert.ok(after.includes(line.trim()), `is gone: ${line}`)
})

test('a panel is added and made another, and what is undone was never there', async () => {
  const before = await file()
  await edit()
  await page.getByRole('button', { name: 'Add a panel' }).last().click()
  const form = page.locator('.form')
  await form.waitFor({ timeout: WITHIN })
  await form.getByLabel('Type').selectOption('log')
  await page.locator('.edit-bar .count', { hasText: '2 changes' }).waitFor({ timeout: WITHIN })
  await form.getByLabel('Streams').fill('shop.>')
  await form.getByLabel('Streams').blur()
  await page.locator('.edit-bar .count', { hasText: '3 changes' }).waitFor({ timeout: WITHIN })
  await page.locator('.editable [data-panel=log]').waitFor({ timeout: WITHIN })
  await page.locator('.edit-bar strong').click()
  await page.keyboard.press('Control+z')
  await page.locator('.edit-bar .count', { hasText: '2 changes' }).waitFor({ timeout: WITHIN })
  await page.keyboard.press('Control+s')
  await page.locator('.edit-bar').waitFor({ state: 'detached', timeout: WITHIN })
  const after = await file()
  assert.ok(after.startsWith(before.trimEnd()), after)
  assert.match(after, /type: log/)
})

test('changes are not left behind unasked', async () => {
  await edit()
  await panel('Last')
    .getByRole('button', { name: /^Resize/ })
    .focus()
  await page.keyboard.press('ArrowRight')
  await page.locator('.edit-bar .count', { hasText: '1 change' }).waitFor({ timeout: WITHIN })
  page.once('dialog', (dialog) => void dialog.dismiss())
  await page.getByLabel('Dashboard').selectOption('host')
  await page.waitForTimeout(300)
  assert.match(page.url(), /shop$/)
  await page.getByRole('button', { name: 'Discard' }).click()
})

test('a file that changed meanwhile is not overwritten', async () => {
  await edit()
  await panel('Last').getByRole('button', { name: /^Edit/ }).click()
  const title = page.locator('.form').getByLabel('Title', { exact: true })
  await title.fill('Newest')
  await title.press('Enter')
  await page.locator('.edit-bar .count', { hasText: '1 change' }).waitFor({ timeout: WITHIN })
  const other = (await file()).replace('window: 5m', 'window: 6m')
  await visit.server.write('shop', other)
  const said = page.getByText('The file has changed meanwhile')
  await said.waitFor({ timeout: WITHIN })
  await page.keyboard.press('Control+s')
  await page.waitForTimeout(300)
  assert.equal(await file(), other)
  await page.getByRole('button', { name: 'Apply my changes to it' }).click()
  await said.waitFor({ state: 'detached', timeout: WITHIN })
  await page.locator('.edit-bar .count', { hasText: '1 change' }).waitFor({ timeout: WITHIN })
  await panel('Newest').waitFor({ timeout: WITHIN })
  // Where what was changed is no longer there, the change is there to copy.
  await visit.server.write('shop', 'title: Shop\nrows: []\n')
  await said.waitFor({ timeout: WITHIN })
  await page.getByRole('button', { name: 'Apply my changes to it' }).click()
  await page.locator('.edit-bar details[open]').waitFor({ timeout: WITHIN })
  assert.match(await page.locator('.edit-bar summary').innerText(), /^They don’t apply: /)
  await visit.server.write('shop', other)
  await said.waitFor({ state: 'detached', timeout: WITHIN })
  await save()
  assert.equal(await file(), other.replace('title: Last', 'title: Newest'))
  await page.locator('.name:text-is("Newest")').waitFor({ timeout: WITHIN })
  await visit.server.write('shop', other)
  await page.locator('.name:text-is("Last")').waitFor({ timeout: WITHIN })
})

test('without changes there is nothing to save', async () => {
  await edit()
  const before = visit.requests.length
  await page.keyboard.press('Control+s')
  await page.waitForTimeout(300)
  await page.locator('.edit-bar').waitFor()
  assert.deepEqual(
    visit.requests.slice(before).filter((url) => url.includes('/v1/dashboards')),
    [],
  )
  await page.getByRole('button', { name: 'Done' }).click()
})

test('changes outlive the file, which a save makes again', async () => {
  const before = await file()
  await edit()
  await panel('Last')
    .getByRole('button', { name: /^Resize/ })
    .focus()
  await page.keyboard.press('ArrowRight')
  await page.locator('.edit-bar .count', { hasText: '1 change' }).waitFor({ timeout: WITHIN })
  await rm(join(visit.server.dashboards, 'shop.yaml'))
  await page.getByText('The file is gone: Save makes it again').waitFor({ timeout: WITHIN })
  await panel('Last').waitFor({ timeout: WITHIN })
  await save()
  const after = await file()
  assert.notEqual(after, before)
  assert.match(after, /^# The shop's own board/)
  await page.locator('.cell .name:text-is("Last")').waitFor({ timeout: WITHIN })
})

test('where the folder can’t be written to, the change is there to copy', async () => {
  await chmod(visit.server.dashboards, 0o555)
  await edit()
  await page.getByText('Read-only here: you can copy the change').waitFor({ timeout: WITHIN })
  await panel('Last')
    .getByRole('button', { name: /^Resize/ })
    .focus()
  await page.keyboard.press('ArrowRight')
  await page.locator('.edit-bar .count', { hasText: '1 change' }).waitFor({ timeout: WITHIN })
  assert.ok(await page.getByRole('button', { name: 'Save' }).isDisabled())
  await page.locator('.edit-bar details[open]').waitFor({ timeout: WITHIN })
  assert.match((await page.locator('.edit-bar pre').textContent()) ?? '', /^[+-].*width/m)
  const copied = () => page.evaluate(() => navigator.clipboard.readText())
  await page.getByRole('button', { name: 'Copy the diff' }).click()
  await page.getByText('Diff copied').waitFor({ timeout: WITHIN })
  assert.match(await copied(), /^--- a\/shop\.yaml/)
  await page.getByRole('button', { name: 'Copy the whole file' }).click()
  await page.getByText('File copied').waitFor({ timeout: WITHIN })
  assert.match(await copied(), /^# The shop's own board/)
  await chmod(visit.server.dashboards, 0o755)
})

test('a new dashboard is made, named by its title', async () => {
  await page.keyboard.press('Escape')
  await page.goto(`${visit.server.url}/`)
  await page.locator('.pill[data-state=live]').waitFor({ timeout: WITHIN })
  await page.keyboard.press('n')
  await page.getByRole('dialog').getByLabel('Title').fill('Ops: today')
  await page.keyboard.press('Enter')
  await page.waitForURL('**/ops-today')
  assert.match(
    await readFile(join(visit.server.dashboards, 'ops-today.yaml'), 'utf8'),
    /^title: "Ops: today"/,
  )
  await page.getByText('Editing ops-today').waitFor({ timeout: WITHIN })
})

test('a dashboard that does not exist can be made', async () => {
  await page.goto(`${visit.server.url}/ops-tomorrow`)
  const note = page.locator('main .note')
  await note.getByRole('button', { name: 'Create it' }).click()
  const title = page.getByRole('dialog').getByLabel('Title')
  assert.equal(await title.inputValue(), 'Ops tomorrow')
  await title.press('Enter')
  await page.getByText('Editing ops-tomorrow').waitFor({ timeout: WITHIN })
  await page.goto(`${visit.server.url}/nowhere`)
  await note.getByRole('link', { name: 'Everything' }).click()
  await page.locator('section[data-section]').first().waitFor({ timeout: WITHIN })
})

test('an empty dashboard says so, and is filled', async () => {
  await visit.server.write('bare', 'title: Bare\nrows: []\n')
  await page.getByLabel('Dashboard', { exact: true }).selectOption({ label: 'Bare' })
  const note = page.locator('main .note', { hasText: 'Nothing here yet' })
  await note.getByRole('button', { name: 'Edit' }).click()
  await page.getByRole('button', { name: 'Add a row' }).click()
  await panel('New panel').waitFor({ timeout: WITHIN })
  await save()
  await page.locator('.name:text-is("New panel")').waitFor({ timeout: WITHIN })
  assert.equal(await note.count(), 0)
})
