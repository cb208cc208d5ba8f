// Takes screenshots of the page into the folder that is given, of the server at
// STREAMGAUGE_URL or else of the fake one: npm run shots -- FOLDER

import { mkdir } from 'node:fs/promises'
import { launch } from './browser.mjs'
import { FakeHub } from './fake.mjs'
import { publishHost, publishShop } from './fakeHost.mjs'

const folder = process.argv[2] ?? 'shots'
await mkdir(folder, { recursive: true })
const browser = await launch()

/**
 * @param {string} name @param {string} url
 * @param {{width?: number, height?: number, scheme?: 'light' | 'dark', settle?: () => Promise<void>, fullPage?: boolean}} options
 */
async function shot(
  name,
  url,
  { width = 1440, height = 900, scheme = 'dark', settle, fullPage = true },
) {
  const page = await browser.newPage({ viewport: { width, height }, colorScheme: scheme })
  page.on('console', (message) => {
    if (message.type() === 'error') console.error(`${name}: ${message.text()}`)
  })
  page.on('pageerror', (error) => console.error(`${name}: ${error}`))
  await page.goto(url)
  await page.locator('.pill[data-state=live]').waitFor()
  await page.waitForTimeout(2500)
  if (fullPage) {
    // What is not on screen is not painted, so the screen grows.
    const tall = await page.evaluate(() => document.documentElement.scrollHeight)
    await page.setViewportSize({ width, height: tall })
    await page.waitForTimeout(1200)
  }
  await settle?.()
  await page.screenshot({ path: `${folder}/${name}.png`, fullPage })
  await page.close()
  console.log(`${folder}/${name}.png`)
}

const real = process.env.STREAMGAUGE_URL
const hub = new FakeHub()
const url = real ?? (await hub.listen())
const ticker = setInterval(() => {
  publishHost(hub, Date.now())
  publishShop(hub, Date.now())
}, 1000)
for (let t = Date.now() - 240_000; t < Date.now(); t += 1000) {
  publishHost(hub, t)
  publishShop(hub, t)
}

await shot('dark', url, {})
await shot('light', url, { scheme: 'light' })
await shot('phone', url, { width: 390, height: 844 })
await shot('tablet', url, { width: 900, height: 1100, fullPage: false })
if (real === undefined) {
  await shot('reconnecting', url, {
    fullPage: false,
    settle: async () => {
      hub.refuse = 503
      hub.cut()
      clearInterval(ticker)
      await new Promise((done) => setTimeout(done, 4500))
      hub.refuse = 0
    },
  })
  const fresh = new FakeHub()
  const freshURL = await fresh.listen()
  const freshTicker = setInterval(() => publishHost(fresh, Date.now()), 1000)
  await shot('empty', freshURL, { fullPage: false })
  clearInterval(freshTicker)
  await fresh.close()
}
clearInterval(ticker)
if (real === undefined) await hub.close()
await browser.close()
