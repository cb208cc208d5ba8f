// What a test does with the magazine of examples/nextjs.

import assert from 'node:assert/strict'
import { subscribers } from '../next/stage.mjs'
import { until } from '../next/upstream.mjs'
import { run } from './app.mjs'

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {import('playwright-core').BrowserContext} Context */

export const PASSWORD = 'low tide'
export const ARTICLE = '/articles/leaves-when-full'

/** Notes what a page asks for and what becomes of it. @param {Page} page */
export function trafficOf(page) {
  /** @type {string[]} */
  const lines = []
  const from = Date.now()
  const note = (
    /** @type {string} */ what,
    /** @type {import('playwright-core').Request} */ request,
  ) =>
    lines.push(
      `${Date.now() - from} ms ${what} ${new URL(request.url()).pathname}${new URL(request.url()).search}`,
    )
  page.on('request', (request) => note('asks', request))
  page.on('response', (response) => note(`gets ${response.status()}`, response.request()))
  page.on('requestfailed', (request) => note(`fails: ${request.failure()?.errorText}`, request))
  return lines
}

/** Polls until a text is what it should be. @param {() => Promise<unknown>} get @param {unknown} want @param {number} [within] ms */
export async function comes(get, want, within = 10_000) {
  /** @type {unknown} */
  let got
  await until(async () => {
    got = await get()
    return got === want
  }, within).catch(() => assert.deepEqual(got, want, `not within ${within} ms`))
}

/** Polls until the hub has so many subscribers; if not, says who is connected. @param {number} count */
export async function followed(count) {
  await comes(subscribers, count, 5000).catch(async (error) => {
    const { stdout } = await run('ss', ['-tnpo']).catch(() => ({ stdout: '' }))
    error.message += `; the connections:\n${stdout}`
    throw error
  })
}

/** Collects what a page says on its console that it shouldn't. @param {Page} page */
export function faultsOf(page) {
  /** @type {string[]} */
  const faults = []
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) faults.push(message.text())
  })
  page.on('pageerror', (error) => faults.push(String(error)))
  return faults
}

/** @param {Page} page @param {string} url @param {string} [password] */
export async function signIn(page, url, password = PASSWORD) {
  await page.goto(`${url}/admin`)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

/** A signed-in admin, with the dashboard live. @param {Context} context @param {string} url */
export async function desk(context, url) {
  const page = await context.newPage()
  await signIn(page, url)
  await comes(() => status(page), 'Live')
  return page
}

/** @param {Page} page */
export const status = (page) =>
  page.locator('[data-sg="connection-status"] [data-sg="word"]').textContent()

/** @param {Page} page @param {string} name @param {string} text */
export async function comment(page, name, text) {
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('Comment').fill(text)
  await page.getByRole('button', { name: 'Post comment' }).click()
  await page.locator('.comments li', { hasText: text }).waitFor()
}

/** How often somebody is in the feed. @param {Page} page @param {string} actor */
export const inFeed = (page, actor) =>
  page.locator('[data-sg="feed-item"]', { hasText: `${actor} commented on` }).count()

/** What a card shows. @param {Page} page @param {string} label */
export const reading = (page, label) =>
  page.getByRole('group', { name: label, exact: true }).locator('[data-sg="value"]').textContent()

/** The Cookie header of a context. @param {Context} context */
export async function cookieOf(context) {
  return (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ')
}
