// The tests of examples/nextjs that hold in every version and mode of Next.js.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { stage } from '../next/stage.mjs'
import { until } from '../next/upstream.mjs'
import {
  ARTICLE,
  comes,
  comment,
  cookieOf,
  desk,
  faultsOf,
  followed,
  inFeed,
  reading,
  signIn,
  status,
  trafficOf,
} from './site.mjs'

/** @typedef {import('playwright-core').Browser} Browser */
/** @typedef {import('playwright-core').BrowserContext} Context */

const visitorsOf = (/** @type {import('playwright-core').Page} */ page) =>
  page
    .getByTestId('visitors')
    .textContent({ timeout: 1000 })
    .catch(() => null)

/** How many are reading, as the hub was told last. */
async function visitorsAtHub() {
  const headers = { accept: 'application/json' }
  const address = `${stage.hub.url}/v1/streams/site.visitors/events?last=1`
  const { events } = await (await fetch(address, { headers })).json()
  return events[0]?.data.visitors ?? 0
}

/** How many measurements the hub has. */
async function vitals() {
  const { streams } = await (await fetch(`${stage.hub.url}/v1/streams`)).json()
  let count = 0
  for (const { name, events } of streams) if (name.startsWith('site.vitals.')) count += events
  return count
}

/**
 * @param {() => import('../next/app.mjs').App} app
 * @param {() => Browser} browser
 */
export function nextSite(app, browser) {
  /** @type {Context[]} */
  const contexts = []
  const newContext = async () => {
    const context = await browser().newContext()
    contexts.push(context)
    return context
  }
  /** Goes to a page and collects its faults. @param {string} path @param {Context} [context] */
  const open = async (path, context) => {
    const page = await (context ?? (await newContext())).newPage()
    const faults = faultsOf(page)
    await page.goto(app().url + path)
    return { page, faults }
  }
  const closeAll = async () => {
    // A context that is closed kills what its pages have to say last: they say it before.
    for (const context of contexts) {
      for (const page of context.pages()) await page.goto('about:blank').catch(() => {})
    }
    await until(async () => (await visitorsAtHub()) === 0, 5000).catch(() => {})
    for (const context of contexts.splice(0)) await context.close()
  }
  after(closeAll)
  test.afterEach(closeAll)

  before(async () => {
    // The first request makes Next.js compile, in dev.
    for (const path of ['/', ARTICLE, '/admin/login', '/admin/events', '/api/seen']) {
      await fetch(app().url + path)
    }
  })

  test('the front page shows how many are reading, and a second one at once', async () => {
    const first = await open('/')
    await comes(() => visitorsOf(first.page), '1')
    const second = await open('/')
    await comes(() => visitorsOf(first.page), '2', 3000)
    await comes(() => visitorsOf(second.page), '2', 3000)
    await second.page.close({ runBeforeUnload: true })
    await comes(() => visitorsOf(first.page), '1', 5000)
    assert.deepEqual(first.faults, [])
    assert.deepEqual(second.faults, [])
  })

  test('the rewrite reads one stream, and publishes nothing', async () => {
    const { url } = app()
    const headers = { accept: 'application/json' }
    const page = () => fetch(`${url}/hub/v1/streams/site.visitors/events?last=1`, { headers })
    assert.equal((await page()).status, 200)
    const post = (/** @type {RequestInit} */ init) =>
      fetch(`${url}/hub/v1/streams/site.visitors/events`, { method: 'POST', ...init })
    const body = '{"visitors":9999}'
    const stream = new Blob([body]).stream()
    assert.equal((await post({ body })).status, 404)
    // @ts-expect-error: duplex is not in the types of every Node
    assert.equal((await post({ body: stream, duplex: 'half' })).status, 404)
    assert.ok((await post({})).status >= 400)
    for (const path of ['logs.site/events', 'site.activity/events']) {
      assert.equal((await fetch(`${url}/hub/v1/streams/${path}`, { headers })).status, 404)
    }
    const visitors = await (
      await fetch(`${stage.hub.url}/v1/streams/site.visitors/events?last=100`, {
        headers,
      })
    ).text()
    assert.doesNotMatch(visitors, /9999/)
  })

  test('nobody else sees the desk, and nothing is streamed to them', async () => {
    const { url } = app()
    for (const path of ['/admin', '/admin/log']) {
      const answer = await fetch(url + path, { redirect: 'manual' })
      assert.equal(answer.status, 307)
      assert.match(answer.headers.get('location') ?? '', /\/admin\/login$/)
      assert.doesNotMatch(await answer.text(), /data-sg/)
    }
    const far = Date.now() + 1e9
    for (const cookie of ['', 'desk=', `desk=${far}.`, `desk=${far}.AAAA`, 'desk=1.AAAA']) {
      const answer = await fetch(`${url}/admin/events?stream=logs.site`, { headers: { cookie } })
      assert.equal(answer.status, 403)
      assert.match(await answer.text(), /may not/)
    }
    const { page } = await open('/admin')
    await signIn(page, url, 'high tide')
    await page.getByText('That is not the password.').waitFor()
    assert.deepEqual(await page.context().cookies(), [])
    await followed(0)
  })

  test('who is signed in gets the snapshot as HTML, and no stream that is none of ours', async () => {
    const { url } = app()
    const context = await newContext()
    const { page } = await open(ARTICLE, context)
    await comment(page, 'Curl', 'I have no JavaScript.')
    await desk(context, url)
    const [session] = await context.cookies()
    assert.deepEqual([session?.httpOnly, session?.sameSite, session?.path], [true, 'Lax', '/admin'])
    const headers = { cookie: await cookieOf(context) }
    const html = await (await fetch(`${url}/admin`, { headers })).text()
    for (const part of [/<b>Curl<\/b>/, /data-sg="log-line"/, /data-kind="number">[1-9]\d*</]) {
      assert.ok(part.test(html), `the HTML has ${part}`)
    }
    for (const query of ['', '?stream=%3E', '?stream=hub.log', '?stream=logs.site+where+true']) {
      assert.equal((await fetch(`${url}/admin/events${query}`, { headers })).status, 403)
    }
  })

  test('comments, log lines and vitals come at once, on one connection', async () => {
    const { url } = app()
    const site = await open(ARTICLE)
    const admin = await newContext()
    const page = await desk(admin, url)
    const faults = faultsOf(page)
    await page.reload()
    await comes(() => status(page), 'Live')
    const vitalsBefore = await vitals()
    const from = Date.now()
    await comment(site.page, 'Nora', 'First!')
    await comes(() => inFeed(page, 'Nora'), 1, 1000)
    stage.measured.push({ what: 'comment: click to feed', ms: Date.now() - from })
    await page
      .locator('[data-sg="log-line"]', { hasText: `comment on ${ARTICLE}` })
      .last()
      .waitFor()

    await site.page.close({ runBeforeUnload: true })
    for (const label of ['Paint · LCP', 'Input · INP', 'Shift · CLS']) {
      await comes(async () => (await reading(page, label)) !== '–', true, 5000)
    }
    await comes(async () => (await vitals()) >= vitalsBefore + 3, true, 5000)
    // It still has to say that it left: its context stays until then.
    await comes(() => reading(page, 'Reading now'), '0', 5000)
    await followed(1)

    const traffic = trafficOf(page)
    await page.getByRole('link', { name: 'Log', exact: true }).click()
    await page.getByRole('heading', { name: 'Server log' }).waitFor()
    await followed(1)
    await page.getByRole('link', { name: 'Overview' }).click()
    await comes(() => inFeed(page, 'Nora'), 1).catch((error) => {
      error.message += `; since then:\n${traffic.join('\n')}`
      throw error
    })
    await followed(1)
    assert.deepEqual(faults, [])
    assert.deepEqual(site.faults, [])

    const left = Date.now()
    await page.close()
    await followed(0)
    stage.measured.push({ what: 'page closed to upstream closed', ms: Date.now() - left })
  })

  test('what happens between the snapshot and the stream comes, and once', async () => {
    const { url } = app()
    const context = await newContext()
    const admin = await desk(context, url)
    const site = await open(ARTICLE)
    await comment(site.page, 'Before', 'In the snapshot.')
    await comes(() => inFeed(admin, 'Before'), 1)
    let release = () => {}
    const held = new Promise((done) => {
      release = () => done(undefined)
    })
    await admin.route('**/admin/events*', async (route) => {
      await held
      await route.continue()
    })
    await admin.reload()
    await comes(() => inFeed(admin, 'Before'), 1)
    await comment(site.page, 'Between', 'Neither here nor there.')
    await new Promise((done) => setTimeout(done, 300))
    assert.equal(await inFeed(admin, 'Between'), 0)
    release()
    await comes(() => inFeed(admin, 'Between'), 1)
    await comment(site.page, 'After', 'In the stream.')
    await comes(() => inFeed(admin, 'After'), 1)
    for (const actor of ['Before', 'Between']) assert.equal(await inFeed(admin, actor), 1)
  })

  test('while the hub is away the site works; then all comes that happened', async () => {
    const { url } = app()
    const context = await newContext()
    const page = await desk(context, url)
    const site = await open(ARTICLE)
    await stage.hub.stop('SIGKILL')
    try {
      await comes(() => status(page), 'Reconnecting', 5000)
      await page.getByText('The hub can’t be reached.').waitFor()
      const from = Date.now()
      await comment(site.page, 'Meanwhile', 'Is this on?')
      stage.measured.push({ what: 'comment while the hub is away', ms: Date.now() - from })
      assert.ok(Date.now() - from < 2000)
      const later = await context.newPage()
      await later.goto(`${url}/admin`)
      await later.getByText('Nobody has opened a page.').waitFor()
      await later.close()
    } finally {
      await stage.hub.run()
    }
    const from = Date.now()
    await comes(() => status(page), 'Live', 30_000)
    stage.measured.push({ what: 'hub back to dashboard live', ms: Date.now() - from })
    await comes(() => inFeed(page, 'Meanwhile'), 1)
    await page.getByText('hub was away, nothing lost').waitFor()
    assert.equal(await page.getByText('The hub can’t be reached.').count(), 0)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('Password').waitFor()
  })
}
