// Share links: made on the page, and opened by somebody whom the server does not know. And
// the way in by a provider.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { violations } from './axe.mjs'
import { becomes, choose, panelOf, Visit, WITHIN } from './visit.mjs'

const DASHBOARD = `title: Shop
rows:
  - panels:
      - { type: stat, title: Number, stream: shop.number, width: 3 }
      - { type: stat, title: Count, view: count(shop.number) every 1s, width: 3 }
      - { type: log, title: Lines, stream: shop.lines, height: 14 }
`
const OTHER = 'title: Hidden\nrows:\n  - panels: [{ type: stat, stream: secret.number }]\n'

const visit = await Visit.begin({
  dashboards: { shop: DASHBOARD, other: OTHER },
  args: [
    ...['--sources', '{}', '--auth.oidc-issuer', 'http://127.0.0.1:1'],
    ...['--auth.oidc-client-id', 'x', '--auth.oidc-name', 'Example ID'],
  ],
})
const { server } = visit
await server.publish('secret.number', 41)
await server.publish('shop.lines', { severity: 'INFO', body: 'line 1' })

/** @typedef {import('playwright-core').Page} Page */

/** Makes a share link. @param {object} [wish] */
async function share(wish) {
  const body = { dashboard: 'shop', expires_in: '24h', ...wish }
  const response = await server.ask('/v1/shares', body)
  assert.equal(response.status, 201)
  return /** @type {{id: string, token: string, path: string}} */ (await response.json())
}

/** @param {string} id */
const revoke = (id) => server.ask(`/v1/shares/${id}`, undefined, 'DELETE')

/** @param {string} [path] @param {object} [options] */
const enter = (path, options) => visit.open(path, { quiet: true, waits: false, ...options })

/** @param {Page} page */
const live = (page) => page.locator('.pill[data-state=live]').waitFor({ timeout: WITHIN })

/** Opens a page as the administrator. @param {string} path @param {object} [options] */
async function openAsAdmin(path, options) {
  const page = await enter(path, options)
  await page.getByLabel('Token', { exact: true }).fill(server.token)
  await page.keyboard.press('Enter')
  await live(page)
  return page
}

/** The dialog in which links are made. @param {Page} page */
async function shareDialog(page) {
  await page.getByRole('button', { name: 'Share…' }).click()
  const dialog = page.getByRole('dialog', { name: 'Share' })
  await dialog.getByLabel('Name').waitFor()
  return dialog
}

/** @param {Page | import('playwright-core').FrameLocator} page */
const numberOf = (page) => page.locator('[data-panel=stat] [data-value]').first()

/** @param {Page} page */
const over = (page) => page.getByRole('heading', { name: 'This link is not valid any more' })

let sent = 0
/** Publishes a number and waits until the page shows it. @param {Page | import('playwright-core').FrameLocator} page */
async function moves(page) {
  await server.publish('shop.number', ++sent)
  await becomes(() => numberOf(page).innerText(), String(sent))
}

/** Notes what a page asks for, as whom, and every byte that it is answered. @param {Page} page */
async function listen(page) {
  /** @type {Promise<object>[]} */
  const asked = []
  page.on('request', (request) => {
    if (request.url().includes('/v1/')) {
      asked.push(request.allHeaders().then((headers) => ({ url: request.url(), ...headers })))
    }
  })
  let answers = ''
  await page.exposeFunction('heard', (/** @type {string} */ text) => {
    answers += text
  })
  await page.addInitScript(() => {
    const { fetch, heard } = /** @type {any} */ (window)
    window.fetch = async (...how) => {
      const response = await fetch(...how)
      const decoder = new TextDecoderStream()
      void response.clone().body?.pipeThrough(/** @type {any} */ (decoder))
      const reader = decoder.readable.getReader()
      const read = async () => {
        for (;;) {
          const { done, value } = await reader.read()
          if (done) return
          heard(value)
        }
      }
      read().catch(() => {}) // it was cut
      return response
    }
  })
  return {
    answers: () => answers,
    /** What was asked for other than by a link alone. */
    others: async () =>
      (await Promise.all(asked)).filter(
        (/** @type {any} */ { authorization = '', cookie }) =>
          !authorization.startsWith('Bearer sg_') || cookie !== undefined,
      ),
  }
}

test('a link is made on the page, and moves for whoever has it', async () => {
  const admin = await openAsAdmin('/shop')
  const dialog = await shareDialog(admin)
  assert.equal(await dialog.getByLabel('Name').inputValue(), 'Shop')
  await dialog.getByLabel('Name').fill('For Ann')
  await dialog.getByLabel('Only where').fill('data !')
  await dialog.getByRole('button', { name: 'Create link' }).click()
  await dialog.getByRole('alert').filter({ hasText: 'where' }).waitFor()
  await dialog.getByLabel('Only where').fill('data != 777')
  await dialog.getByLabel('Expires in').selectOption('30 days')
  await dialog.getByRole('button', { name: 'Create link' }).click()
  const link = await dialog.locator('.made code').innerText()
  await admin.keyboard.press('Enter') // the copy button has the focus
  await admin.getByText('Link copied').waitFor()
  assert.equal(await admin.evaluate(() => navigator.clipboard.readText()), link)
  assert.ok(link.startsWith(`${server.url}/shop#share=sg_`), link)
  const row = dialog.getByRole('listitem').filter({ hasText: 'For Ann' })
  assert.match(await row.innerText(), /where data != 777\s+until .+, by the administrator/)
  await dialog.getByRole('button', { name: 'Done' }).click()
  await dialog.locator('.made').waitFor({ state: 'detached' })

  const context = await visit.browser.newContext()
  context.setDefaultTimeout(WITHIN)
  const page = await context.newPage()
  const heard = await listen(page)
  visit.watch(page, true)
  await page.goto(link)
  await live(page)
  assert.equal(page.url(), `${server.url}/shop`)
  await becomes(() => page.title(), 'Shop · Streamgauge')
  await moves(page)
  await server.publish('shop.number', 777)
  await moves(page)
  await becomes(() => page.locator('[data-panel=log] .line .text').first().innerText(), 'line 1')
  await becomes(async () => /\d/.test(await panelOf(page, 'Count').innerText()), true)
  await page.locator('.shared', { hasText: /Shop\s*Shared until / }).waitFor()
  await page.reload()
  await live(page)
  await moves(page)
  assert.equal(page.url(), `${server.url}/shop`)

  // Nothing is offered that there is not.
  for (const name of ['Edit', 'Share…', 'Sign in', /^Account/]) {
    assert.equal(await page.getByRole('button', { name }).count(), 0, String(name))
  }
  assert.equal(await page.getByLabel('Dashboard', { exact: true }).count(), 0)
  assert.equal(await page.locator('.bar a').count(), 0)
  for (const key of ['e', 'n']) await page.keyboard.press(key)
  assert.equal(await page.locator('.edit-bar, dialog').count(), 0)
  await page.keyboard.press('Control+k')
  const offered = await page.locator('[cmdk-item]').allInnerTexts()
  assert.ok(offered.some((text) => text.startsWith('Streams')))
  const not = /Everything|Connect|Shop|Hidden|Edit|New|Share|Tokens|Sign/
  assert.deepEqual(
    offered.filter((text) => not.test(text)),
    [],
  )
  await page.keyboard.press('Escape')
  assert.doesNotMatch(await page.content(), /secret\.|Hidden/)

  // Revoked while somebody looks at it.
  admin.once('dialog', (asked) => void asked.dismiss())
  await row.getByRole('button', { name: 'Revoke For Ann' }).click()
  assert.equal(await row.count(), 1)
  admin.once('dialog', (asked) => void asked.accept())
  await row.getByRole('button', { name: 'Revoke For Ann' }).click()
  await row.waitFor({ state: 'detached' })
  await over(page).waitFor()
  assert.equal(await page.locator('.bar, dialog, .panel').count(), 0)
  await page.reload()
  await over(page).waitFor()
  assert.deepEqual(await heard.others(), [])
  assert.match(heard.answers(), /"stream":"shop.number".+"data":1\D/)
  assert.doesNotMatch(heard.answers(), /secret|Hidden|"other"|"data":777\b/)
  assert.ok(!visit.requests.some((url) => url.includes('sg_')), 'no address has it')
  await context.close()
  await admin.context().close()
})

test('beside somebody’s own tabs it is for itself, and so are they', async () => {
  const admin = await openAsAdmin('/other')
  const context = admin.context()
  const { path } = await share({ where: 'data != 888' })
  const page = await context.newPage()
  visit.watch(page, true)
  await page.addInitScript(() => {
    const opened = /** @type {string[]} */ ([])
    Object.assign(window, { opened })
    window.BroadcastChannel = class extends BroadcastChannel {
      /** @param {string} name */
      constructor(name) {
        super(name)
        opened.push(name)
      }
    }
  })
  const heard = await listen(page)
  await page.goto(server.url + path)
  await live(page)
  await moves(page)
  await server.publish('secret.number', 42)
  await becomes(() => numberOf(admin).innerText(), '42')
  // A tab of the administrator's with the same dashboard sees all of it, whoever was first.
  const own = await context.newPage()
  visit.watch(own, true)
  await own.goto(`${server.url}/shop`)
  await live(own)
  await server.publish('shop.number', 888)
  await becomes(() => numberOf(own).innerText(), '888')
  assert.equal(await numberOf(page).innerText(), String(sent))
  await own.getByRole('button', { name: /^Account/ }).waitFor()
  await moves(page)
  await admin.close() // which may have led the others
  await moves(page)
  await moves(own)
  assert.deepEqual(await page.evaluate(() => /** @type {any} */ (window).opened), [])
  assert.equal(await page.getByRole('button', { name: /^Account|^Edit/ }).count(), 0)
  assert.deepEqual(await heard.others(), [])
  // Elsewhere in the same tab they are themselves; on its page it is the link's.
  assert.doesNotMatch(heard.answers(), /"data":888\b|secret|Hidden/)
  await page.goto(`${server.url}/other`)
  await page.getByRole('button', { name: /^Account/ }).waitFor()
  await becomes(() => numberOf(page).innerText(), '42')
  await page.goto(`${server.url}/shop`)
  await page.locator('.shared').waitFor()
  // A link is opened also where its dashboard is open already.
  await own.goto(server.url + path)
  await own.locator('.shared').waitFor()
  assert.equal(own.url(), `${server.url}/shop`)
  await context.close()
})

test('it shows no other dashboard, and ends when it expires', async () => {
  const { token } = await share()
  for (const path of ['/', '/other', '/connect', '/tokens']) {
    const page = await enter(`${path}#share=${token}`)
    await over(page).waitFor()
    await page.context().close()
  }
  const admin = await enter(`/shop#share=${server.token}`)
  await over(admin).waitFor()
  await admin.context().close()
  const { path } = await share({ expires_in: '4s' })
  const page = await enter(path)
  await live(page)
  await page.locator('.shared', { hasText: /until \d/ }).waitFor()
  await over(page).waitFor()
  assert.equal(await page.getByRole('dialog').count(), 0)
  await page.context().close()
})

test('it works in a frame and as a kiosk, and passes on what works', async () => {
  const { id, path, token } = await share()
  const embedded = path.replace('#', '?embed#')
  const context = await visit.browser.newContext()
  context.setDefaultTimeout(WITHIN)
  const outside = await context.newPage()
  visit.watch(outside, true)
  await outside.route('**/outside', (route) =>
    route.fulfill({
      contentType: 'text/html',
      body: `<iframe src="${embedded}" width="800" height="600"></iframe>`,
    }),
  )
  await outside.goto(`${server.url}/outside`)
  const frame = outside.frameLocator('iframe')
  await numberOf(frame).waitFor()
  await moves(frame)
  assert.equal(await frame.locator('.bar').count(), 0)
  const kiosk = await enter(path.replace('#', '?kiosk#'))
  await live(kiosk)
  await moves(kiosk)
  await kiosk.locator('.wall', { hasText: 'Shop' }).waitFor()
  await kiosk.keyboard.press('Escape')
  await choose(panelOf(kiosk, 'Number'), 'Copy link')
  const link = await kiosk.evaluate(() => navigator.clipboard.readText())
  assert.ok(link.endsWith(`#share=${token}`), link)
  const other = await enter(link.slice(server.url.length))
  await live(other)
  await moves(other)
  assert.equal(await other.locator('.panel').count(), 1)
  await revoke(id)
  await frame.getByRole('heading', { name: 'This link is not valid any more' }).waitFor()
  for (const page of [kiosk, other]) {
    await over(page).waitFor()
    await page.context().close()
  }
  await context.close()
})

test('a provider signs in, or says why not', async () => {
  const page = await enter('/shop?window=1m')
  const button = page.getByRole('link', { name: 'Sign in with Example ID' })
  await button.waitFor()
  await page.getByText('or with a token').waitFor()
  const to = `${server.url}/v1/session/oidc?return=${encodeURIComponent('/shop?window=1m')}`
  assert.equal(await button.getAttribute('href'), to)
  await page.locator('a:focus').waitFor()
  const [response] = await Promise.all([page.waitForResponse(to), page.keyboard.press('Enter')])
  assert.equal(response.status(), 302) // nobody is there, which the page says
  await page.getByRole('alert').filter({ hasText: "can't be reached" }).waitFor()
  assert.equal(page.url(), `${server.url}/`)
  const failed = `/#signin-failed=${encodeURIComponent('Example ID says: 100 % no')}`
  await page.goto(server.url + failed)
  await page.getByRole('alert').filter({ hasText: 'Example ID says: 100 % no' }).waitFor()
  assert.equal(page.url(), `${server.url}/`)
  await page.getByLabel('Token', { exact: true }).fill(server.token)
  await page.keyboard.press('Enter')
  await live(page)
  await page.goto(server.url + failed)
  await page.getByRole('status').filter({ hasText: 'Example ID says: 100 % no' }).waitFor()
  assert.equal(page.url(), `${server.url}/`)
  await page.goto(`${server.url}/shop`)
  await live(page)
  await page.context().clearCookies()
  const asked = page
    .getByRole('dialog', { name: 'Sign in' })
    .getByRole('link', { name: 'Sign in with Example ID' })
    .waitFor()
  // Sharing has to ask the server, unless something of the page's beginning still had to.
  await Promise.race([page.getByRole('button', { name: 'Share…' }).click(), asked])
  await asked
  await page.context().close()
})

for (const colorScheme of /** @type {const} */ (['dark', 'light'])) {
  test(`axe finds nothing in ${colorScheme}`, async () => {
    const options = { colorScheme, bypassCSP: true }
    const { id, path } = await share({ name: 'for axe', where: 'data != 7' })
    const entrance = await enter('/#signin-failed=No', options)
    await entrance.getByRole('alert').filter({ hasText: 'No' }).waitFor()
    assert.deepEqual(await violations(entrance), [], 'signing in')
    await entrance.context().close()
    const admin = await openAsAdmin('/shop', options)
    const dialog = await shareDialog(admin)
    await dialog.getByRole('listitem').first().waitFor()
    assert.deepEqual(await violations(admin), [], 'the form')
    await dialog.getByRole('button', { name: 'Create link' }).click()
    await dialog.locator('.made').waitFor()
    assert.deepEqual(await violations(admin), [], 'the link')
    await admin.context().close()
    const page = await enter(path, options)
    await live(page)
    await page.locator('.rate', { hasText: 'events/s' }).waitFor()
    await moves(page) // what is old is paler
    assert.deepEqual(await violations(page), [], 'the dashboard')
    await revoke(id)
    await over(page).waitFor()
    assert.deepEqual(await violations(page), [], 'the end')
    await page.context().close()
  })
}

test('on a phone everything is within its width', async () => {
  const options = { viewport: { width: 360, height: 740 }, bypassCSP: true }
  const within = (/** @type {Page} */ page) =>
    page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)
  const { path } = await share({ name: 'a rather long name of a link that somebody has made' })
  const page = await enter(path, options)
  await live(page)
  await page.locator('.shared', { hasText: 'until' }).waitFor()
  assert.ok(await within(page), 'the dashboard')
  assert.deepEqual(await violations(page), [])
  await page.context().close()
  const admin = await openAsAdmin('/shop', options)
  await panelOf(admin, 'Number').waitFor()
  await admin.keyboard.press('Control+k')
  await admin.getByRole('option', { name: 'Share this dashboard' }).click()
  const dialog = admin.getByRole('dialog', { name: 'Share' })
  await dialog.getByRole('listitem').first().waitFor()
  assert.ok(await within(admin), 'the form')
  await dialog.getByRole('button', { name: 'Create link' }).click()
  await dialog.locator('.made').waitFor()
  assert.ok(await within(admin), 'the link')
  await admin.context().close()
})

test('nothing went wrong', () => visit.nothingWentWrong())
