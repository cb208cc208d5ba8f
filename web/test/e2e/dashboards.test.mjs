// Dashboards as code: files become pages, change while one looks, and never blank.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { becomes, shows, Visit, WITHIN } from './visit.mjs'

const SHOP = `# What customers do.
title: Shop
window: 5m
variables:
  country: { label: Country, stream: shop.orders, field: /country }
views:
  revenue: sum(shop.orders /total) every 5s
rows:
  - title: Now
    panels:
      - type: stat
        title: Orders in all
        view: count(shop.orders) over 1h every 1m
        unit: count
      - type: stat
        title: Last order
        stream: shop.orders
        field: /total
      - type: stat
        title: Chosen
        stream: shop.orders
        field: /total
        filter: $country in ["", data.country]
`

const visit = await Visit.begin({ dashboards: { shop: SHOP } })
/** @type {import('playwright-core').Page} */
let page

/** @param {string} title */
const value = (title) => `.panel:has(.name:text-is("${title}")) [data-value]`

/** Waits until the panel of that title shows the value. @param {string} title @param {string} text */
const panelShows = (title, text) =>
  page
    .locator(value(title))
    .filter({ hasText: new RegExp(`^${text}$`) })
    .waitFor({ timeout: WITHIN })

before(async () => {
  await visit.server.publish('shop.orders', { total: 10, country: 'de' })
  await visit.server.publish('shop.orders', { total: 20, country: 'fr' })
  page = await visit.open('/shop')
})

after(() => page?.context().close())

test('a file is a page, with its history', async () => {
  await panelShows('Orders in all', '2')
  await panelShows('Last order', '20')
  await becomes(() => page.title(), 'Shop · Streamgauge')
})

test('it moves with what is published', async () => {
  await visit.server.publish('shop.orders', { total: 30, country: 'de' })
  await panelShows('Orders in all', '3')
  await panelShows('Last order', '30')
})

test('a variable is chosen from what there is, and kept in the address', async () => {
  await panelShows('Chosen', '30')
  await page.getByLabel('Country').selectOption('fr')
  await panelShows('Chosen', '20')
  assert.match(page.url(), /var\.country=fr/)
  await visit.server.publish('shop.orders', { total: 40, country: 'de' })
  await panelShows('Last order', '40')
  await panelShows('Chosen', '20')
})

test('a changed file is shown within a second, without a reload', async () => {
  await page.evaluate(() => Object.assign(window, { same: true }))
  const began = Date.now()
  await visit.server.write('shop', SHOP.replace('Last order', 'Newest order'))
  await page.locator('.name:text-is("Newest order")').waitFor({ timeout: WITHIN })
  const took = Date.now() - began
  assert.ok(took < 2000, `it took ${took} ms`)
  await panelShows('Newest order', '40')
  assert.equal(await page.evaluate(() => 'same' in window), true)
})

test('a mistake is said with its place, and the last good version stays', async () => {
  await visit.server.write('shop', SHOP.replace('type: stat', 'type: stats'))
  const said = page.locator('.mistakes')
  await said.waitFor({ timeout: WITHIN })
  assert.match(await said.innerText(), /shop\.yaml:\d+:\d+/)
  await panelShows('Newest order', '40')
  await visit.server.write('shop', SHOP.replaceAll('field: /total', 'feild: /total'))
  await said.filter({ hasText: 'rows[0].panels[1].feild' }).waitFor({ timeout: WITHIN })
  assert.match(
    await said.innerText(),
    /shop\.yaml:\d+:\d+ rows\[0\]\.panels\[1\]\.feild is no key .*did you mean field/,
  )
  const marked = page.locator('.cell[data-wrong]')
  assert.match((await marked.first().getAttribute('title')) ?? '', /^feild is no key/)
  assert.equal(await marked.count(), 2)
  await visit.server.write('shop', SHOP)
  await said.waitFor({ state: 'detached', timeout: WITHIN })
  await panelShows('Last order', '40')
})

test('a file that has never been good says why', async () => {
  await visit.server.write('never', 'title: Never\nrows: 3\n')
  const other = await visit.open('/never')
  const said = other.locator('.mistakes')
  await said.waitFor({ timeout: WITHIN })
  assert.match(await said.innerText(), /can’t be shown[\s\S]*never\.yaml:2:/)
  await visit.server.write(
    'never',
    'title: Never\nrows:\n  - panels:\n      - { type: text, text: now }\n',
  )
  await other.locator('.panel', { hasText: 'now' }).waitFor({ timeout: WITHIN })
  await other.context().close()
})

test('an address of a panel that there is not says so, in a frame too', async () => {
  for (const embed of ['', '&embed']) {
    const other = await visit.open(`/shop?panel=/rows/9/panels/9${embed}`)
    await other.getByText('The dashboard has no such panel').waitFor({ timeout: WITHIN })
    assert.equal(
      await other.getByRole('button', { name: 'Show all of it' }).count(),
      embed === '' ? 1 : 0,
    )
    await other.context().close()
  }
})

test('a new file turns up in the list, and one that is gone says so', async () => {
  await visit.server.write(
    'other',
    'title: Other one\nrows:\n  - panels:\n      - { type: text, text: "*hello*" }\n',
  )
  await page
    .locator('select[aria-label=Dashboard] option:text-is("Other one")')
    .waitFor({ state: 'attached', timeout: WITHIN })
  await page.getByLabel('Dashboard').selectOption({ label: 'Other one' })
  await shows(page, '.panel em', 'hello')
  await page.goto(`${visit.server.url}/nowhere`)
  await page.getByText('There is no dashboard called nowhere').waitFor({ timeout: WITHIN })
})

test('the ready-made dashboards have something in every panel', async () => {
  for (const name of ['host', 'streamgauge']) {
    await page.goto(`${visit.server.url}/${name}`)
    await page.locator('.panel').first().waitFor({ timeout: WITHIN })
    await page.waitForFunction(
      () =>
        [...document.querySelectorAll('[data-panel=stat] [data-value]')].every(
          (e) => e.textContent !== '',
        ),
      undefined,
      { timeout: WITHIN },
    )
  }
})

test('nothing went wrong', () => {
  // The dashboard that is not there was asked for.
  assert.deepEqual(
    visit.complaints.filter((text) => !text.includes('404')),
    [],
  )
})
