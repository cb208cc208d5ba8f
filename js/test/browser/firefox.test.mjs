// The client in Firefox, which is without a driver: the page checks itself. Run it with:
// node --test test/browser/firefox.test.mjs (FIREFOX names the binary)

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Lab, until } from './lab.mjs'

const binary = process.env.FIREFOX ?? '/usr/bin/firefox-esr'
const required = /firefox/.test(process.env.STREAMGAUGE_REQUIRE ?? '')

const PREFERENCES = {
  'app.normandy.enabled': false,
  'browser.aboutwelcome.enabled': false,
  'browser.safebrowsing.update.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'toolkit.telemetry.enabled': false,
}

function isThere() {
  try {
    accessSync(binary)
    return true
  } catch {
    return false
  }
}

/** @type {Lab} */
let lab
let profile = ''
/** @type {import('node:child_process').ChildProcess | undefined} */
let firefox
let said = ''
/** @type {Record<string, {value?: unknown, error?: string}>} */
const results = {}

const skip = !required && !isThere() && `there is no ${binary}`

describe('in Firefox', { skip }, () => {
  before(async () => {
    lab = await Lab.start({ page: 'firefoxPage.ts', browser: false })
    const { proxy } = lab
    /** @type {Record<string, (body: any) => unknown>} */
    const routes = {
      publish: ({ stream, from, to }) => lab.publish(stream, from, to),
      cut: () => proxy.cut(),
      answer: (answer) => {
        proxy.answer = answer
        proxy.refused = 0
      },
      refused: () => proxy.refused,
      subscribers: () => lab.subscribers(),
      result: ({ name, ...result }) => {
        results[name] = result
      },
    }
    for (const [name, run] of Object.entries(routes)) {
      proxy.routes[`/test/${name}`] = (body) => run(JSON.parse(body))
    }
    profile = await mkdtemp(join(tmpdir(), 'firefox-'))
    const lines = Object.entries(PREFERENCES).map(
      ([name, value]) => `user_pref(${JSON.stringify(name)}, ${value});`,
    )
    await writeFile(join(profile, 'user.js'), lines.join('\n'))
    const args = ['--headless', '--no-remote', '--profile', profile, `${proxy.url}/auto`]
    firefox = spawn(binary, args, {
      detached: true, // a process group, which can be ended as a whole
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, HOME: profile },
    })
    firefox.stderr?.on('data', (chunk) => {
      said += chunk
    })
    firefox.once('exit', (code) => {
      said += `it ended with ${code}`
    })
  })

  after(async () => {
    if (firefox?.pid !== undefined && firefox.exitCode === null) {
      const ended = once(firefox, 'exit')
      process.kill(-firefox.pid, 'SIGKILL')
      await ended
    }
    await lab?.close()
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  })

  /** What the page found. @param {string} name */
  async function result(name) {
    await until(
      () => results[name] !== undefined,
      () => `Firefox has checked "${name}": ${said}`,
      120_000,
    )
    assert.equal(results[name]?.error, undefined)
    return results[name]?.value
  }

  test('a stream is live before its first event', async () => {
    console.log(`live after ${await result('open')} ms`)
  })

  test('streams by fetch and by eventsource continue where they were when they are cut', async () => {
    await result('cut')
  })

  test('they go on after a 503 on a reconnect, which ends an EventSource', async () => {
    await result('unavailable')
  })

  test('three frames share one connection, and lose nothing when its frame is gone', async () => {
    await result('share')
  })
})
