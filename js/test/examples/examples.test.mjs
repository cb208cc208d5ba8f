// The examples, installed, built and in a real browser, before the real hub. Run it with:
// npm run test:examples (STREAMGAUGE names the hub's binary; default: go build.
// EXAMPLES_TEST_CACHE says where they are installed; default: .cache in the repository)

import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { chromium } from 'playwright-core'
import { App, pack } from '../next/app.mjs'
import { stage } from '../next/stage.mjs'
import { Server } from '../server.mjs'
import { project } from './app.mjs'
import { nextSite } from './nextSite.mjs'
import { PASSWORD } from './site.mjs'
import { viteApp } from './viteApp.mjs'

const START = /** @type {const} */ (['start'])
const DEV = /** @type {const} */ (['dev'])
let tarball = ''
/** @type {import('playwright-core').Browser} */
let browser

before(async () => {
  const args = ['--sources', '{host: {every: 200ms}}', '--heartbeat', '1s']
  stage.hub = await Server.start({ args })
  tarball = await pack()
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run'],
  })
})

after(async () => {
  await browser?.close()
  await stage.hub?.close()
  if (tarball !== '') await rm(dirname(tarball), { recursive: true, force: true })
  console.table(stage.measured)
})

/** Makes the hub one that knows of no run before. */
async function forget() {
  const { streams } = await (await fetch(`${stage.hub.url}/v1/streams`)).json()
  for (const { name } of streams) {
    if (!/^(site|logs)\./.test(name)) continue
    await fetch(`${stage.hub.url}/v1/streams/${name}`, { method: 'DELETE' })
  }
}

const settings = () => ({
  STREAM_URL: stage.hub.url,
  STREAM_TOKEN: 'not for browsers',
  ADMIN_PASSWORD: PASSWORD,
})

for (const version of [undefined, '15.5.29']) {
  describe(`nextjs, Next.js ${version ?? 'as in its package.json'}`, () => {
    let folder = ''
    before(async () => {
      folder = await project('nextjs', tarball, version ? { next: version } : {})
      await App.build(folder, settings())
    })

    for (const mode of version ? START : [...START, ...DEV]) {
      describe(`next ${mode}`, () => {
        /** @type {App} */
        let app
        before(async () => {
          await forget()
          app = await App.start(folder, mode, settings())
        })
        nextSite(
          () => app,
          () => browser,
        )
        test('nothing was thrown, and no secret was printed', () => {
          assert.doesNotMatch(app.output, /⨯|unhandled|uncaught/i)
          assert.ok(!app.output.includes('not for browsers') && !app.output.includes(PASSWORD))
        })
        after(() => app?.stop())
      })
    }
  })
}

describe('react-vite', () => {
  viteApp(
    () => project('react-vite', tarball),
    () => browser,
  )
})
