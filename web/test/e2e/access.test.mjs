// Where the server wants to know who asks: signing in and out, what a viewer is offered,
// sessions that end while the page is open, and tokens.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { violations } from './axe.mjs'
import { becomes, panelOf, Visit, WITHIN } from './visit.mjs'

const DASHBOARD = `title: Shop
rows:
  - panels:
      - { type: stat, title: Number, stream: shop.number }
      - { type: log, title: Lines, stream: shop.lines, height: 14 }
`
const SMALL =
  'title: Small\nrows:\n  - panels: [{ type: stat, title: Number, stream: shop.number }]\n'
const OTHER = 'title: Other\nrows:\n  - panels: [{ type: stat, stream: secret.number }]\n'

const visit = await Visit.begin({
  dashboards: { shop: DASHBOARD, small: SMALL, other: OTHER },
  args: ['--sources', '{}', '--auth.require', 'always'],
})
const { server } = visit

/** @typedef {import('playwright-core').Page} Page */

/** Makes a token. @param {object} wish */
async function make(wish) {
  const response = await server.ask('/v1/tokens', { name: 'test', ...wish })
  assert.equal(response.status, 201)
  return /** @type {{id: string, token: string}} */ (await response.json())
}

/** @param {string} id */
const revoke = (id) => server.ask(`/v1/tokens/${id}`, undefined, 'DELETE')

/** Opens a page that the server does not know yet. @param {string} [path] @param {object} [options] */
const enter = (path, options) => visit.open(path, { quiet: true, waits: false, ...options })

/** Signs in with a token, on the whole page or in its dialog. @param {Page} page @param {string} token */
async function signIn(page, token) {
  await page.getByLabel('Token', { exact: true }).fill(token)
  await page.keyboard.press('Enter')
}

/** @param {Page} page */
const live = (page) => page.locator('.pill[data-state=live]').waitFor({ timeout: WITHIN })

/** Opens a page as somebody. @param {string} token @param {string} [path] @param {object} [options] */
async function openAs(token, path, options) {
  const page = await enter(path, options)
  await signIn(page, token)
  await live(page)
  return page
}

/** @param {Page} page @param {string} item */
async function account(page, item) {
  await page.getByRole('button', { name: /^Account/ }).click()
  await page.getByRole('menuitem', { name: item }).click()
}

test('a link signs in once, and its code is nowhere afterwards', async () => {
  const link = await server.link
  const page = await enter('/')
  await page.getByLabel('Token', { exact: true }).waitFor()
  await page.goto(`about:blank`)
  await page.goto(link)
  await live(page)
  assert.equal(page.url(), `${server.url}/`)
  await page.goBack()
  assert.equal(page.url(), 'about:blank')
  await page.goForward()
  await live(page)
  assert.equal(page.url(), `${server.url}/`, 'no entry of the history has it')
  await page.getByRole('button', { name: 'Account: the administrator' }).waitFor()
  assert.ok(!visit.requests.some((url) => url.includes('signin=')), 'servers are not told')
  // Who is in already stays so, whatever the link is worth.
  await page.goto(link)
  await page.getByText('The link was used already').waitFor()
  await live(page)
  const other = await enter(link.slice(server.url.length))
  await other.getByRole('alert').filter({ hasText: 'The link was used already' }).waitFor()
  assert.equal(other.url(), `${server.url}/`)
  // Nothing that is behind is seen of it.
  assert.equal(await other.locator('.bar').count(), 0)
  await other.context().close()
  await page.context().close()
})

test('a token signs in, and a wrong one does not', async () => {
  const { token } = await make({ read: ['shop.>'] })
  const page = await enter('/shop')
  await page.getByText('streamgauge token create').waitFor()
  await signIn(page, 'sg_wrong')
  await page.getByRole('alert').filter({ hasText: 'The token is not valid' }).waitFor()
  await page.keyboard.press('n') // the page's keys are not there yet
  assert.equal(await page.getByRole('dialog').count(), 0)
  await signIn(page, token)
  await live(page)
  await panelOf(page, 'Number').waitFor()
  await becomes(() => page.title(), 'Shop · Streamgauge')
  await page.reload()
  await live(page)
  await account(page, 'Sign out')
  await page.getByLabel('Token', { exact: true }).waitFor()
  assert.equal(await page.locator('.bar').count(), 0)
  await page.reload()
  await page.getByLabel('Token', { exact: true }).waitFor()
  await page.context().close()
})

test('a viewer sees what they may, and is not offered what they may not', async () => {
  const { token } = await make({ read: ['shop.number'] })
  await server.publish('shop.number', 1)
  await server.publish('secret.number', 1)
  const page = await openAs(token, '/small')
  const number = panelOf(page, 'Number').locator('[data-value]')
  await becomes(() => number.innerText(), '1')
  await server.publish('shop.number', 2)
  await becomes(() => number.innerText(), '2')

  const dashboards = page.getByLabel('Dashboard', { exact: true }).locator('option')
  const names = await dashboards.allInnerTexts()
  assert.ok(names.includes('Small') && !names.includes('Other'), names.join())
  for (const key of ['e', 'n']) await page.keyboard.press(key)
  assert.equal(await page.locator('.edit-bar, dialog').count(), 0)
  assert.equal(await page.getByRole('button', { name: 'Edit', exact: true }).count(), 0)
  await page.keyboard.press('?')
  await page.getByRole('dialog').getByText('Pause, or back to live').waitFor()
  assert.equal(await page.getByRole('dialog').getByText('New dashboard').count(), 0)
  await page.keyboard.press('Escape')
  await page.keyboard.press('Control+k')
  const offered = await page.locator('[cmdk-item]').allInnerTexts()
  assert.ok(offered.some((text) => text === 'Sign out'))
  assert.ok(!offered.some((text) => /New dashboard|Edit this|Tokens|Sign in/.test(text)))
  await page.keyboard.press('Escape')

  await page.getByRole('button', { name: /^Account: token \w+ \(test\)/ }).click()
  assert.deepEqual(await page.getByRole('menuitem').allInnerTexts(), ['Sign out'])
  await page.keyboard.press('Escape')
  await page.goto(`${server.url}/`)
  await page.getByRole('heading', { name: 'Your streams' }).waitFor()
  const panels = page.locator('[data-section] .panel h3 .name')
  await becomes(
    async () => [...new Set(await panels.allInnerTexts())].filter((t) => /secret/.test(t)),
    [],
  )
  await page.goto(`${server.url}/nowhere`)
  await page.getByText('There is no dashboard called').waitFor()
  assert.equal(await page.getByRole('button', { name: 'Create it' }).count(), 0)
  await page.goto(`${server.url}/connect`)
  await page.getByRole('heading', { name: 'Follow the stream' }).waitFor()
  await page.getByText('STREAMGAUGE_TOKEN').first().waitFor()
  for (const name of ['Publish an event', 'Make one']) {
    assert.equal(await page.getByText(name).count(), 0, name)
  }
  assert.equal(await page.getByRole('tab', { name: 'a dashboard' }).count(), 0)
  await page.goto(`${server.url}/tokens`)
  await page.getByRole('alert').filter({ hasText: 'This is for administrators' }).waitFor()
  assert.equal(await page.locator('.tokens form').count(), 0)
  await page.context().close()
})

/** Publishes so many numbered lines. @param {number} from @param {number} to */
async function lines(from, to) {
  for (let n = from; n <= to; n++) {
    await server.publish('shop.lines', { severity: 'INFO', body: `line ${n}` })
  }
}

/** What the log panel shows. @param {Page} page */
const shown = (page) => page.locator('[data-panel=log] .line:visible .text').allTextContents()

/** @param {number} n */
const upTo = (n) => Array.from({ length: n }, (_, i) => `line ${i + 1}`)

test('who is revoked signs in again, and the page goes on without a gap', async () => {
  const first = await make({ read: ['shop.>'] })
  const second = await make({ read: ['shop.>'] })
  const page = await openAs(first.token, '/shop')
  await lines(1, 3)
  await becomes(() => shown(page), upTo(3))
  await page.evaluate(() => Object.assign(window, { same: true }))
  const other = await page.context().newPage() // shares the connection
  visit.watch(other, true)
  await other.goto(`${server.url}/shop`)
  await becomes(() => shown(other), upTo(3))

  await revoke(first.id)
  const dialog = page.getByRole('dialog', { name: 'Sign in' })
  await dialog.getByText('Your session has ended').waitFor()
  await other.getByRole('dialog', { name: 'Sign in' }).waitFor()
  assert.deepEqual(await shown(page), upTo(3), 'what was there stays')
  await page.locator('.pill', { hasText: 'Signed out' }).waitFor()
  await lines(4, 6)
  await signIn(page, first.token)
  await dialog.getByRole('alert').filter({ hasText: 'revoked' }).waitFor()
  // It can be looked at meanwhile.
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'Sign in' }).click()
  await signIn(page, second.token)
  await dialog.waitFor({ state: 'detached' })
  for (const one of [page, other]) {
    await live(one)
    await becomes(() => shown(one), upTo(6))
    await one.getByRole('dialog').waitFor({ state: 'detached' })
  }
  await lines(7, 8)
  await becomes(() => shown(page), upTo(8))
  await becomes(() => shown(other), upTo(8))
  assert.equal(await page.evaluate(() => Object.hasOwn(window, 'same')), true, 'no reload')
  assert.equal(await page.locator('.losses').count(), 0)
  // Who leaves in one tab has left in all.
  await page.bringToFront()
  await account(page, 'Sign out')
  await page.getByLabel('Token', { exact: true }).waitFor()
  await other.getByRole('dialog', { name: 'Sign in' }).waitFor()
  await page.context().close()
})

test('a session ends with its token', async () => {
  const { token } = await make({ read: ['shop.>'], expires_in: '4s' })
  const page = await openAs(token, '/shop')
  await page.getByRole('button', { name: /^Account/ }).click()
  await page
    .getByRole('menu')
    .getByText(/^until /)
    .waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog', { name: 'Sign in' }).waitFor()
  await lines(9, 9)
  await signIn(page, (await make({ read: ['shop.>'] })).token)
  await live(page)
  await becomes(() => shown(page), upTo(9))
  await page.context().close()
})

test('what the server refuses meanwhile asks for who it is', async () => {
  const page = await openAs(server.token, '/tokens')
  const form = page.locator('.tokens form')
  await form.getByLabel('Name').fill('late')
  await form.getByLabel('Reads').fill('>')
  await page.context().clearCookies()
  await form.getByRole('button', { name: 'Create' }).click()
  const dialog = page.getByRole('dialog', { name: 'Sign in' })
  await signIn(page, server.token)
  await dialog.waitFor({ state: 'detached' })
  // What was typed is there still.
  await form.getByRole('button', { name: 'Create' }).click()
  await page.locator('.made').waitFor()
  await page.context().close()
})

test('changes of a dashboard outlive the session', async () => {
  const page = await openAs(server.token, '/shop')
  await page.getByRole('button', { name: 'Edit', exact: true }).click()
  await page.getByRole('button', { name: 'Resize Number' }).focus()
  await page.keyboard.press('ArrowRight')
  const count = page.locator('.edit-bar .count', { hasText: '1 change' })
  await count.waitFor()
  await page.context().clearCookies()
  await page.getByRole('button', { name: 'Save' }).click()
  const dialog = page.getByRole('dialog', { name: 'Sign in' })
  await dialog.getByText('Your session has ended').waitFor()
  await page.locator('.edit-bar', { hasText: 'Sign in on the page' }).waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Save' }).click()
  await signIn(page, server.token) // it is asked for again
  await dialog.waitFor({ state: 'detached' })
  await count.waitFor()
  await page.getByRole('button', { name: 'Save' }).click()
  await page.locator('.edit-bar').waitFor({ state: 'detached' })
  const saved = await (await server.ask('/v1/dashboards/shop')).json()
  assert.notEqual(saved.yaml, DASHBOARD)
  await page.context().close()
})

test('a token is made, shown once, copied, and revoked', async () => {
  const page = await openAs(server.token)
  await account(page, 'Tokens')
  assert.equal(page.url(), `${server.url}/tokens`)
  await becomes(() => page.title(), 'Tokens · Streamgauge')
  const form = page.locator('.tokens form')
  await form.getByLabel('Name').fill('shop window')
  await form.getByRole('button', { name: 'Create' }).click()
  await form.getByRole('alert').filter({ hasText: 'nothing is granted' }).waitFor()
  const reads = form.getByLabel('Reads')
  await reads.fill('shop.lines sh')
  const suggested = await page
    .locator('#read-streams option')
    .evaluateAll((options) =>
      options.map((option) => /** @type {HTMLOptionElement} */ (option).value),
    )
  for (const one of ['>', 'shop.>', 'shop.number']) {
    assert.ok(suggested.includes(`shop.lines ${one}`), suggested.join())
  }
  await reads.fill('shop.lines, shop.number')
  await form.getByLabel('Only where').fill('data >')
  await form.getByRole('button', { name: 'Create' }).click()
  await form.getByRole('alert').filter({ hasText: 'where' }).waitFor()
  await form.getByLabel('Only where').fill('data != 7')
  await form.getByLabel('Publishes to').fill('shop.number')
  await form.getByLabel('Expires').selectOption('1 day')
  await form.getByRole('button', { name: 'Create' }).click()
  const made = page.locator('.made')
  const secret = await made.locator('code').innerText()
  assert.match(secret, /^sg_/)
  await made.getByText('shown once').waitFor()
  await page.keyboard.press('Enter') // the copy button has the focus
  await page.getByText('Token copied').waitFor()
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), secret)

  const row = page.getByRole('row').filter({ hasText: 'shop window' })
  const text = await row.innerText()
  assert.match(text, /read shop\.lines shop\.number where data != 7/)
  assert.match(text, /publish shop\.number/)
  assert.match(text, /by the administrator/)
  await made.getByRole('button', { name: 'Done' }).click()
  await made.waitFor({ state: 'detached' })
  assert.ok(!(await page.content()).includes(secret), 'it is nowhere any more')

  const viewer = await openAs(secret)
  page.once('dialog', (dialog) => void dialog.dismiss())
  await row.getByRole('button', { name: 'Revoke shop window' }).click()
  assert.equal(await row.count(), 1)
  page.once('dialog', (dialog) => void dialog.accept())
  await row.getByRole('button', { name: 'Revoke shop window' }).click()
  await row.waitFor({ state: 'detached' })
  await viewer.getByRole('dialog', { name: 'Sign in' }).waitFor()
  await viewer.context().close()

  await page.keyboard.press('Control+k')
  await page.keyboard.type('tokens')
  await page.keyboard.press('Enter')
  await page.waitForURL('**/tokens')
  await page.context().close()
})

for (const colorScheme of /** @type {const} */ (['dark', 'light'])) {
  test(`axe finds nothing in ${colorScheme}`, async () => {
    const { id, token } = await make({ name: 'all of the shop', read: ['shop.>'] })
    const page = await enter('/', { colorScheme, bypassCSP: true })
    await page.getByLabel('Token', { exact: true }).waitFor()
    assert.deepEqual(await violations(page), [], 'signing in')
    await signIn(page, 'sg_wrong')
    await page.getByRole('alert').filter({ hasText: 'not valid' }).waitFor()
    assert.deepEqual(await violations(page), [], 'refused')
    await signIn(page, server.token)
    await live(page)
    await page.locator('.rate', { hasText: 'events/s' }).waitFor()
    await page.getByRole('button', { name: /^Account/ }).click()
    // A menu is no part of a landmark, whoever opens it.
    const found = (await violations(page)).filter((/** @type {any} */ v) => v.rule !== 'region')
    assert.deepEqual(found, [], 'the account')
    await page.getByRole('menuitem', { name: 'Tokens' }).click()
    await page.getByRole('row').filter({ hasText: 'all of the shop' }).first().waitFor()
    assert.deepEqual(await violations(page), [], 'tokens')
    const form = page.locator('.tokens form')
    await form.getByLabel('Name').fill('axe')
    await form.getByRole('checkbox').check()
    assert.deepEqual(await violations(page), [], 'an administrator')
    await form.getByRole('button', { name: 'Create' }).click()
    await page.locator('.made').waitFor()
    assert.deepEqual(await violations(page), [], 'a token')
    await page.context().close()
    const viewer = await openAs(token, '/shop', { colorScheme, bypassCSP: true })
    await revoke(id)
    await viewer.getByRole('dialog', { name: 'Sign in' }).waitFor()
    await viewer.getByLabel('Token', { exact: true }).waitFor()
    await viewer.locator('.rate', { hasText: 'events/s' }).waitFor()
    assert.deepEqual(await violations(viewer), [], 'the dialog')
    await viewer.context().close()
  })
}

test('on a phone everything is within its width', async () => {
  const viewport = { width: 360, height: 740 }
  const page = await enter('/', { viewport })
  const within = () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)
  await page.getByLabel('Token', { exact: true }).waitFor()
  assert.ok(await within(), 'signing in')
  await signIn(page, server.token)
  await live(page)
  assert.ok(await within(), 'the header')
  await account(page, 'Tokens')
  const form = page.locator('.tokens form')
  await form.getByLabel('Name').fill('a rather long name of a token that somebody has made')
  await form.getByLabel('Reads').fill('shop.> a.rather.long.name.of.a.stream.that.has.been.chosen')
  await form.getByRole('button', { name: 'Create' }).click()
  await page.locator('.made').waitFor()
  assert.ok(await within(), 'tokens')
  const copy = await page.locator('.made button').first().boundingBox()
  assert.ok(copy !== null && copy.y > 0 && copy.y + copy.height < 740, 'the token is in view')
  await page.context().close()
})

test('nothing went wrong', () => visit.nothingWentWrong())

test('who need not sign in is offered to, and sees more then', async () => {
  const open = await Visit.begin({
    dashboards: { shop: DASHBOARD, small: SMALL },
    args: [
      ...['--sources', '{}', '--auth.require', 'always'],
      ...['--auth.grants', '[{to: [anyone], read: [shop.number]}]'],
    ],
  })
  await open.server.publish('shop.number', 1)
  await open.server.publish('shop.lines', { severity: 'INFO', body: 'line 1' })
  const page = await open.open('/small', { quiet: true })
  await panelOf(page, 'Number').locator('[data-value]:text-is("1")').waitFor()
  assert.equal(await page.getByRole('button', { name: 'Edit', exact: true }).count(), 0)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await signIn(page, open.server.token)
  await page.getByRole('button', { name: /^Account/ }).waitFor()
  await page.getByRole('button', { name: 'Edit', exact: true }).waitFor()
  await page.getByLabel('Dashboard', { exact: true }).selectOption('Shop')
  await becomes(() => shown(page), ['line 1'])
  await account(page, 'Sign out')
  await page.getByRole('button', { name: 'Sign in' }).waitFor()
  await page.getByText('There is no dashboard called').waitFor()
  await live(page)
  await page.getByLabel('Dashboard', { exact: true }).selectOption('Small')
  await panelOf(page, 'Number').locator('[data-value]:text-is("1")').waitFor()
  open.nothingWentWrong()
})

test('where nobody has to sign in there is nothing of it', async () => {
  const open = await Visit.begin({
    dashboards: { tokens: 'title: Tokens of a model\nrows: []\n' },
    args: ['--sources', '{}'],
  })
  const page = await open.open('/')
  await page.keyboard.press('Control+k')
  const offered = await page.locator('[cmdk-item]').allInnerTexts()
  assert.ok(!offered.some((text) => /Sign|Tokens:/.test(text)))
  await page.keyboard.press('Escape')
  for (const name of [/^Account/, 'Sign in']) {
    assert.equal(await page.getByRole('button', { name }).count(), 0)
  }
  await page.goto(`${open.server.url}/tokens`)
  await page.getByText('Nothing here yet').waitFor()
  await becomes(() => page.title(), 'Tokens of a model · Streamgauge')
  open.nothingWentWrong()
})
