// The tests of examples/react-vite.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { env, execPath } from 'node:process'
import { after, before, test } from 'node:test'
import { stage } from '../next/stage.mjs'
import { node } from './app.mjs'
import { comes, faultsOf, reading } from './site.mjs'

/**
 * @param {() => Promise<string>} install
 * @param {() => import('playwright-core').Browser} browser
 */
export function viteApp(install, browser) {
  let folder = ''
  let url = ''
  /** @type {import('node:child_process').ChildProcess | undefined} */
  let child

  before(async () => {
    folder = await install()
    const started = spawn(
      execPath,
      [join(folder, 'node_modules/vite/bin/vite.js'), '--port', '0', '--host', '127.0.0.1'],
      { cwd: folder, env: { ...env, STREAM_URL: stage.hub.url, NO_COLOR: '1' } },
    )
    child = started
    let said = ''
    url = await new Promise((done, fail) => {
      const say = (/** @type {Buffer} */ chunk) => {
        said += chunk
        const found = /Local:\s+(http:\/\/\S+)/.exec(said)?.[1]
        if (found) done(found)
      }
      started.stdout.on('data', say)
      started.stderr.on('data', say)
      started.once('exit', (code) => fail(new Error(`vite ended with ${code}: ${said}`)))
    })
  })
  after(() => child?.kill('SIGKILL'))

  test('it builds', async () => {
    await node(folder, 'node_modules/typescript/bin/tsc')
    await node(folder, 'node_modules/vite/bin/vite.js', 'build')
  })

  test('the card moves, and a line comes', async () => {
    const page = await browser().newPage()
    const faults = faultsOf(page)
    await page.goto(url)
    await comes(async () => /\d/.test((await reading(page, 'CPU')) ?? ''), true)
    const before = await reading(page, 'CPU')
    await comes(async () => (await reading(page, 'CPU')) !== before, true)
    await stage.hub.publish('logs.web', { message: 'hello' })
    await page.locator('[data-sg="log-line"]', { hasText: 'hello' }).waitFor({ timeout: 2000 })
    assert.deepEqual(faults, [])
    await page.close()
  })
}
