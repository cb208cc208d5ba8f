// A hundred and more hostile payloads, in every place that shows what somebody
// published: none runs, none becomes markup, and no address leads astray.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { payloads } from '../hostile.mjs'
import { frames, Visit, WITHIN } from './visit.mjs'

const DASHBOARD = `title: Hostile
window: 15m
annotations:
  - { stream: x.marks, text: /text }
variables:
  who: { label: Who, stream: x.feed, field: /actor }
rows:
  - panels:
      - { type: log, stream: x.log, height: 20 }
      - { type: feed, stream: x.feed, height: 20, width: 12 }
      - { type: table, stream: x.rows, width: 6 }
      - { type: bars, stream: x.bars, width: 6, limit: 50 }
      - { type: status, stream: x.states, field: /state, width: 6 }
      - { type: timeseries, stream: x.bars, width: 6 }
`

const visit = await Visit.begin({ dashboards: { hostile: DASHBOARD }, args: ['--sources', '{}'] })

test('nothing that is published runs', async () => {
  const texts = payloads.filter((text) => text.length < 100_000)
  assert.ok(texts.length >= 100, `there are only ${texts.length}`)
  for (const text of texts) {
    await visit.server.publish('x.log', {
      severity: 'INFO',
      body: text,
      attributes: { [text.slice(0, 100)]: text },
    })
    await visit.server.publish('x.feed', {
      actor: text,
      verb: text,
      object: text,
      link: text,
      icon: text,
    })
    await visit.server.publish('x.rows', [[{ name: text, [text.slice(0, 60) || 'x']: 1 }]])
    await visit.server.publish('x.marks', { text })
    await visit.server.publish('x.states', { state: text }, { key: 'one' })
  }
  const keys = texts.filter(
    (text) => text.length > 0 && text.length < 200 && !/[\p{Cc}\p{Cs}]/u.test(text),
  )
  for (const key of keys.slice(0, 60)) await visit.server.publish('x.bars', 1, { key })
  const page = await visit.open('/hostile', { viewport: { width: 1400, height: 2600 } })
  let dialogs = 0
  page.on('dialog', (dialog) => {
    dialogs++
    void dialog.dismiss()
  })
  await page.locator('[data-panel=log] .line').first().waitFor({ timeout: WITHIN })
  await page
    .locator('[data-panel=feed] [role=article], [data-panel=feed] article')
    .first()
    .waitFor({ timeout: WITHIN })
  await frames(page)
  for (const selector of ['[data-panel=log] [role=log]', '[data-panel=feed] [role=feed]']) {
    for (let i = 0; i < 25; i++) {
      await page.locator(selector).evaluate((e) => e.scrollBy(0, -600))
      await frames(page)
    }
  }
  const found = await page.evaluate(() => ({
    hit: Object.keys(window).filter((name) => /^(hit|caught|pwned)$/.test(name)),
    // The page's own two assets are all that may load anything.
    elements: [
      ...document.querySelectorAll(
        'main :is(script, iframe, object, embed, img, video, style, link, base, form)',
      ),
    ].map((e) => e.outerHTML.slice(0, 80)),
    handlers: [...document.querySelectorAll('main *')].filter((e) =>
      e.getAttributeNames().some((n) => n.startsWith('on')),
    ).length,
    links: [...document.querySelectorAll('main a')]
      .map((a) => a.getAttribute('href') ?? '')
      .filter((href) => /^\s*(javascript|data|vbscript|file):/i.test(href)),
  }))
  assert.deepEqual(found, { hit: [], elements: [], handlers: 0, links: [] })
  assert.equal(dialogs, 0)
  await page.context().close()
})

test('nothing went wrong', () => visit.nothingWentWrong())
