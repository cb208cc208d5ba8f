// The lists among the components, in a real browser against a real hub. Run it with:
// node --test test/browser/componentsLists.test.mjs

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { come, hub, n, newer, open, part, pour } from './components.mjs'

/** @typedef {import('playwright-core').Page} Page */

/** Lines that are drawn at most: those of 320 px, and a few to spare. */
const MOST_ROWS = 40

/** How many lines are in the document, the newest, and whether that is seen. @param {Page} page */
const drawn = (page) =>
  page.locator('[data-sg="log-viewport"]').evaluate((viewport) => {
    const rows = [...viewport.querySelectorAll('[data-sg="log-line"]')]
    const bottom = rows.at(-1)?.getBoundingClientRect().bottom ?? 0
    const below = bottom - viewport.getBoundingClientRect().bottom
    return { count: rows.length, below, numbers: rows.map((row) => window.numberOf(row)) }
  })

/** The numbers of the lines that are seen. @param {Page} page */
function seen(page) {
  return page.locator('[data-sg="log-viewport"]').evaluate((viewport) => {
    const { top, bottom } = viewport.getBoundingClientRect()
    return [...viewport.querySelectorAll('[data-sg="log-line"]')]
      .filter((row) => {
        const box = row.getBoundingClientRect()
        return box.bottom > top + 1 && box.top < bottom - 1
      })
      .map((row) => window.numberOf(row))
  })
}

for (const query of ['', '?wrap']) {
  const how = query === '' ? 'rows of one height' : 'rows that are measured'

  test(`a tail of ${how} follows 500 lines a second with few rows`, async () => {
    const page = await open({ query })
    pour()
    await newer(page, n + 2000)
    const { count, below, numbers } = await drawn(page)
    assert.ok(count <= MOST_ROWS, `${count} rows`)
    assert.ok(Math.abs(below) < 1, `the newest line ends ${below} px below the list`)
    assert.deepEqual(
      numbers,
      numbers.map((_, i) => Number(numbers[0]) + i),
    )
  })

  test(`a tail of ${how} stands still for who scrolls up, and goes on at its end`, async () => {
    const page = await open({ query })
    pour()
    await newer(page, n + 500)
    await part(page, 'log-viewport').hover()
    await page.mouse.wheel(0, -200)
    await part(page, 'log-new').waitFor()
    await page.waitForFunction(() => document.getAnimations().length === 0)
    const before = await settled(page)
    assert.ok(before.length > 3, `only ${before} is seen`)
    await come(1000)
    assert.deepEqual(await seen(page), before)
    assert.match(await part(page, 'log-new').innerText(), /^[\d,]+\+? new lines/)
    assert.equal(await part(page, 'log-status').innerText(), 'Standing still')
    await part(page, 'log-new').click()
    await newer(page, Number(before.at(-1)) + 1000)
    assert.equal(await part(page, 'log-new').count(), 0)
    assert.ok(await part(page, 'log-viewport').evaluate((e) => e === document.activeElement))

    await page.mouse.wheel(0, -200)
    await part(page, 'log-new').waitFor()
    await page.mouse.wheel(0, 10_000)
    await part(page, 'log-new').waitFor({ state: 'detached' })
    await newer(page, n)
  })
}

/** What is seen once scrolling has come to rest. @param {Page} page */
async function settled(page) {
  for (let last = await seen(page); ; ) {
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(done)))
    const now = await seen(page)
    if (String(now) === String(last)) return now
    last = now
  }
}

test('a tail is held by keys', async () => {
  const page = await open()
  pour()
  await newer(page, n + 500)
  await part(page, 'log-viewport').focus()
  await page.keyboard.press('Space')
  const status = part(page, 'log-status')
  await status.filter({ hasText: 'Paused' }).waitFor()
  const paused = await seen(page)
  await come(500)
  assert.deepEqual(await seen(page), paused)
  assert.match(await part(page, 'log-new').innerText(), /new lines/)
  assert.equal(await part(page, 'pause').innerText(), 'Resume')
  await page.keyboard.press('Space')
  await newer(page, Number(paused.at(-1)) + 500)
  await status.filter({ hasText: 'Following' }).waitFor()

  await page.keyboard.press('Home')
  await status.filter({ hasText: 'Standing still' }).waitFor()
  await page.waitForFunction(
    () => document.querySelector('[data-sg="log-viewport"]')?.scrollTop === 0,
  )
  const oldest = await settled(page)
  assert.ok(oldest.length > 10 && Number(oldest[0]) < n - 500, `${oldest} is seen`)
  await come(500)
  assert.deepEqual(await seen(page), oldest)
  await page.keyboard.press('End')
  await status.filter({ hasText: 'Following' }).waitFor()
  await newer(page, n)

  await part(page, 'pause').click()
  await status.filter({ hasText: 'Paused' }).waitFor()
  await part(page, 'log-new').click()
  await status.filter({ hasText: 'Following' }).waitFor()
})

test('the feed has the newest on top, and stays for who has scrolled', async () => {
  const deed = (/** @type {number} */ i) => ({ who: 'Ada', what: `deployed build ${i}` })
  await hub.publish('test.deeds', ...Array.from({ length: 30 }, (_, i) => deed(i)))
  const page = await open()
  const first = part(page, 'feed-item').first()
  await first.filter({ hasText: 'build 29' }).waitFor()
  assert.match(await first.locator('time').innerText(), /ago|now/)
  await part(page, 'feed-list').evaluate((list) => {
    list.scrollTop = 120
  })
  const tops = () =>
    part(page, 'feed-item').evaluateAll((items) =>
      items.slice(0, 9).map((item) => [item.textContent, item.getBoundingClientRect().top]),
    )
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(done)))
  const before = (await tops()).map(([, top]) => top)
  await hub.publish('test.deeds', deed(30), deed(31))
  await part(page, 'feed-new').waitFor()
  assert.deepEqual(
    (await tops()).map(([, top]) => top),
    before,
  )
  assert.match(await first.innerText(), /build 29/)
  await part(page, 'feed-new').filter({ hasText: '2 new' }).click()
  await first.filter({ hasText: 'build 31' }).waitFor()
  // What comes within the first second was there before: it is no news.
  for (let i = 32; (await part(page, 'feed-status').innerText()) === ''; i++) {
    await hub.publish('test.deeds', deed(i))
    await first.filter({ hasText: `build ${i}` }).waitFor()
  }
  assert.match(
    await part(page, 'feed-status').innerText(),
    /^(Ada deployed build \d+|\d+ new items)$/,
  )
})
