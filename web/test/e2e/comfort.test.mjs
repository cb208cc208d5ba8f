// The page without a mouse, on a wall, in a frame, on a phone, in light and dark.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { frames, Visit, WITHIN } from './visit.mjs'

const DASHBOARD = `title: Small
rows:
  - panels:
      - { type: stat, title: First, stream: c.first, width: 6 }
      - { type: stat, title: Second, stream: c.second, width: 6 }
`

const visit = await Visit.begin({ dashboards: { small: DASHBOARD } })
/** @type {import('playwright-core').Page} */
let page

before(async () => {
  await visit.server.publish('c.first', 1)
  await visit.server.publish('c.second', 2)
  page = await visit.open('/')
})

/** Opens the palette, types, and takes what it has chosen, which must be that. @param {string} text @param {RegExp} chosen */
async function findAndDo(text, chosen) {
  await page.keyboard.press('Control+k')
  await page.locator('input:focus').waitFor({ timeout: WITHIN })
  await page.keyboard.type(text)
  await page
    .locator('[cmdk-item][data-selected="true"]', { hasText: chosen })
    .waitFor({ timeout: WITHIN })
  await page.keyboard.press('Enter')
}

test('the palette finds a dashboard and goes there', async () => {
  await findAndDo('small', /Small/i)
  await page.waitForURL('**/small')
  await page.locator('.name:text-is("First")').waitFor({ timeout: WITHIN })
})

test('the palette does what keys do', async () => {
  await findAndDo('last 15m', /Show the last 15/)
  await page.waitForURL('**window=15m')
})

test('? lists the keys, and Escape takes them away', async () => {
  await page.keyboard.press('?')
  await page.getByRole('dialog', { name: 'Keys' }).waitFor({ timeout: WITHIN })
  assert.ok((await page.locator('.help kbd').count()) > 10)
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached', timeout: WITHIN })
})

test('the first key after a dialog is the page’s, however soon it comes', async () => {
  for (const key of ['?', 'Control+k']) {
    await page.keyboard.press(key)
    await page.getByRole('dialog').waitFor({ timeout: WITHIN })
    await page.evaluate(() => {
      const closed = new MutationObserver(() => {
        if (document.querySelector('dialog[open]') !== null) return
        closed.disconnect()
        document.activeElement?.dispatchEvent(
          new KeyboardEvent('keydown', { key: 's', bubbles: true }),
        )
      })
      closed.observe(document, { attributes: true, childList: true, subtree: true })
    })
    await page.keyboard.press('Escape')
    await page.getByRole('dialog', { name: 'Streams' }).waitFor({ timeout: WITHIN })
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached', timeout: WITHIN })
  }
})

test('everything can be reached by Tab, and shows that it has the focus', async () => {
  await page.goto(`${visit.server.url}/small`)
  await page.locator('.name:text-is("First")').waitFor({ timeout: WITHIN })
  const seen = new Set()
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press('Tab')
    const focus = await page.evaluate(() => {
      const e = document.activeElement
      if (e === null || e === document.body) return undefined
      const { outlineStyle } = getComputedStyle(e)
      return { name: e.getAttribute('aria-label') ?? e.textContent ?? '', outline: outlineStyle }
    })
    if (focus === undefined) continue
    assert.notEqual(focus.outline, 'none', `${focus.name} does not show that it has the focus`)
    seen.add(focus.name)
  }
  for (const name of ['Dashboard', 'Time window', 'Pause', 'Edit']) {
    assert.ok(
      [...seen].some((s) => s.includes(name)),
      `${name} was not reached: ${[...seen]}`,
    )
  }
})

test('the streams of the page are listed with their rates and losses', async () => {
  await page.keyboard.press('s')
  const row = page.locator('dialog tr', { hasText: 'c.first' })
  await row.waitFor({ timeout: WITHIN })
  assert.deepEqual((await row.locator('td').allTextContents()).slice(0, 2), ['c.first', '1'])
  await page.keyboard.press('Escape')
})

test('a wall shows nothing but the panels', async () => {
  await page.keyboard.press('k')
  await page.waitForURL('**kiosk=*')
  assert.equal(await page.getByLabel('Time window').isVisible(), false)
  assert.equal(await page.locator('.name:text-is("First")').isVisible(), true)
  const clock = page.locator('.wall.clock').filter({ hasText: /^\d\d:\d\d:\d\d$/ })
  await clock.waitFor({ timeout: WITHIN })
  await page.keyboard.press('k')
  await page.getByLabel('Time window').waitFor({ timeout: WITHIN })
})

test('one panel alone can be embedded, in the theme that its frame asks for', async () => {
  const other = await visit.open('/small?embed&panel=/rows/0/panels/1&theme=light')
  await other.locator('.name:text-is("Second")').waitFor({ timeout: WITHIN })
  assert.equal(await other.locator('.panel').count(), 1)
  assert.equal(await other.locator('.bar').count(), 0)
  assert.equal(await other.evaluate(() => document.documentElement.dataset.theme), 'light')
  await other.context().close()
})

test('the theme follows the system until somebody chooses', async () => {
  const other = await visit.open('/', { colorScheme: 'light' })
  const theme = () => other.evaluate(() => document.documentElement.dataset.theme)
  assert.equal(await theme(), 'light')
  await other.keyboard.press('d') // system, light, dark
  await other.keyboard.press('d')
  assert.equal(await theme(), 'dark')
  await other.reload()
  await other.locator('.pill[data-state=live]').waitFor({ timeout: WITHIN })
  assert.equal(await theme(), 'dark')
  await other.context().close()
})

test('the bar has room on every screen, also while paused', async () => {
  const other = await visit.open('/small', { viewport: { width: 1280, height: 800 } })
  await other.keyboard.press('Space')
  await other.getByLabel('Instant shown').waitFor({ timeout: WITHIN })
  for (const width of [1280, 1279, 1024, 900, 768, 721, 390]) {
    await other.setViewportSize({ width, height: 800 })
    await frames(other)
    const wide = await other.evaluate(() => document.documentElement.scrollWidth)
    assert.ok(wide <= width, `the page is ${wide} px wide on a screen of ${width} px`)
    const live = await other.getByRole('button', { name: 'Live', exact: true }).boundingBox()
    assert.ok(live !== null && live.x + live.width <= width, `Live is cut at ${width} px`)
  }
  await other.context().close()
})

test('single letters are keys until somebody says no', async () => {
  const other = await visit.open('/small')
  await other.keyboard.press('?')
  await other.getByRole('checkbox', { name: /Single letters/ }).uncheck()
  await other.keyboard.press('Escape')
  await other.keyboard.press('k')
  await frames(other)
  assert.doesNotMatch(other.url(), /kiosk/)
  await other.reload()
  await other.locator('.pill[data-state=live]').waitFor({ timeout: WITHIN })
  await other.keyboard.press('k')
  await frames(other)
  assert.doesNotMatch(other.url(), /kiosk/)
  await other.context().close()
})

test('a new build of the server is noticed, and a wall takes it by itself', async () => {
  let build = 1
  const context = await visit.browser.newContext()
  await context.route('**/v1/events?*', (route) => {
    const hello = JSON.stringify({ version: String(build), heartbeat_ms: 15_000, streams: [] })
    const body = `retry: 50\nevent: hub.hello\nid: e-1\ndata: ${hello}\n\n`
    return route.fulfill({ contentType: 'text/event-stream', body })
  })
  let greeted = 0
  context.on('response', (response) => {
    if (response.url().includes('/v1/events?')) greeted++
  })
  const greetings = async (/** @type {number} */ n) => {
    while (greeted < n) await context.waitForEvent('response', { timeout: WITHIN })
  }
  const reader = await context.newPage()
  await reader.goto(`${visit.server.url}/small`)
  await greetings(2)
  build = 2
  await reader.getByText('The server has been updated').waitFor({ timeout: WITHIN })
  await reader.close()
  const wall = await context.newPage()
  const before = greeted
  await wall.goto(`${visit.server.url}/small?kiosk`)
  await greetings(before + 3)
  const reloaded = wall.waitForEvent('load', { timeout: WITHIN })
  build = 3
  await reloaded
  await context.close()
})

test('nothing is wider than a phone', async () => {
  const phone = await visit.open('/', { viewport: { width: 360, height: 780 }, hasTouch: true })
  for (const path of ['/', '/small', '/host', '/connect']) {
    await phone.goto(visit.server.url + path)
    await phone.locator('.bar').waitFor({ timeout: WITHIN })
    await phone.waitForTimeout(500)
    await frames(phone)
    const { wide, inner } = await phone.evaluate(() => ({
      wide: document.documentElement.scrollWidth,
      inner: innerWidth,
    }))
    assert.ok(wide <= inner, `${path} is ${wide} px wide on a screen of ${inner} px`)
  }
  await phone.context().close()
})

test('the page says how to connect, for this very server', async () => {
  await page.goto(`${visit.server.url}/connect`)
  const code = page.locator('.examples code').first()
  await code.waitFor({ timeout: WITHIN })
  assert.match((await code.textContent()) ?? '', new RegExp(`${visit.server.url}/v1/streams/`))
  await page.getByRole('tab', { name: 'Python' }).first().click()
  await page.getByText('urllib.request').first().waitFor({ timeout: WITHIN })
})

test('a stream that can’t be is answered with the reason', async () => {
  const other = await visit.open('/?stream=no..such', { quiet: true, waits: false })
  await other.getByRole('alert').getByText('no..such').waitFor({ timeout: WITHIN })
  await other.context().close()
})

test('nothing went wrong', () => visit.nothingWentWrong())
