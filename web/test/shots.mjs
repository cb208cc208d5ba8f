// Takes the screenshots of the documentation afresh, of the real program with its
// demo: npm run shots [-- FOLDER]

import { mkdir } from 'node:fs/promises'
import { Server } from '../../js/test/server.mjs'
import { launch } from './browser.mjs'

const folder = process.argv[2] ?? new URL('../../docs/screenshots', import.meta.url).pathname
await mkdir(folder, { recursive: true })
const server = await Server.start({ args: ['--demo'] })
const browser = await launch()

const DESKTOP = { width: 1440, height: 900 }
const PHONE = { width: 390, height: 844 }

/**
 * @param {string} name @param {string} path
 * @param {{viewport?: {width: number, height: number}, scheme?: 'light' | 'dark', tall?: boolean,
 *   act?: (page: import('playwright-core').Page) => Promise<void>}} [options]
 */
async function shot(name, path, { viewport = DESKTOP, scheme = 'dark', tall = false, act } = {}) {
  const page = await browser.newPage({
    viewport,
    colorScheme: scheme,
    hasTouch: viewport === PHONE,
  })
  page.on('console', (message) => {
    if (message.type() === 'error') console.error(`${name}: ${message.text()}`)
  })
  page.on('pageerror', (error) => console.error(`${name}: ${error}`))
  await page.goto(server.url + path)
  await page.locator('.pill[data-state=live]').waitFor()
  await page.waitForTimeout(2500)
  if (tall) {
    // What is not on screen is not painted, so the screen grows.
    const height = await page.evaluate(() => document.documentElement.scrollHeight)
    await page.setViewportSize({ width: viewport.width, height })
    await page.waitForTimeout(1500)
  }
  await act?.(page)
  await page.screenshot({ path: `${folder}/${name}.png` })
  await page.close()
  console.log(`${folder}/${name}.png`)
}

// The machine's own charts have something to show after a while.
await new Promise((done) => setTimeout(done, 45_000))
const EVERYTHING = '/?stream=host.>&stream=hub.>'
for (const scheme of /** @type {const} */ (['dark', 'light'])) {
  await shot(`demo-${scheme}`, '/demo', { scheme, tall: true })
  await shot(`host-${scheme}`, '/host', { scheme })
  await shot(`streamgauge-${scheme}`, '/streamgauge?window=1m', { scheme })
  await shot(`everything-${scheme}`, EVERYTHING, { scheme })
  await shot(`connect-${scheme}`, '/connect', { scheme })
  await shot(`editor-${scheme}`, '/demo', {
    scheme,
    act: async (page) => {
      await page.keyboard.press('e')
      const latency = page.locator('.editable').nth(6)
      await latency.hover()
      await latency.locator('button[title=Edit]').click()
      await page.waitForTimeout(600)
    },
  })
  await shot(`demo-phone-${scheme}`, '/demo', { scheme, viewport: PHONE })
  await shot(`everything-phone-${scheme}`, EVERYTHING, { scheme, viewport: PHONE })
  await shot(`connect-phone-${scheme}`, '/connect', { scheme, viewport: PHONE })
}
await shot('palette-light', '/demo', {
  scheme: 'light',
  act: async (page) => {
    await page.keyboard.press('Control+k')
    await page.waitForTimeout(300)
  },
})
await shot('replay-dark', '/demo', {
  act: async (page) => {
    await page.keyboard.press('r')
    await page.keyboard.press('r')
    await page.waitForTimeout(2500)
  },
})
await shot('hover-light', '/demo', {
  scheme: 'light',
  act: async (page) => {
    await page.mouse.move(500, 480)
    await page.waitForTimeout(500)
  },
})
await shot('log-dark', '/demo', {
  act: async (page) => {
    await page.locator('[data-panel=log]').scrollIntoViewIfNeeded()
    await page.keyboard.press('/')
    await page.keyboard.type('/4\\d\\d hits/')
    await page.waitForTimeout(800)
  },
})
await shot('wall-dark', '/demo?kiosk')
await browser.close()
await server.close()
