// What the page offers to copy is run as it is, also where the server wants a token.

import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { becomes, Visit, WITHIN } from './visit.mjs'

const run = promisify(execFile)
const folder = await mkdtemp(join(tmpdir(), 'streamgauge-snippets-'))
after(() => rm(folder, { recursive: true, force: true }))

/** The code of a tab. @param {import('playwright-core').Page} page @param {string} title @param {string} language */
async function snippet(page, title, language) {
  const examples = page.locator('.examples', { has: page.locator(`h3:text-is("${title}")`) })
  await examples.getByRole('tab', { name: language, exact: true }).click()
  return (await examples.locator('[data-state=active] code').textContent()) ?? ''
}

/** How to run code of a language. @param {string} language @param {string} code
 * @returns {Promise<[string, string[]]>} */
async function command(language, code) {
  const file = (/** @type {string} */ name) => join(folder, name)
  const write = (/** @type {string} */ name) => writeFile(file(name), code)
  switch (language) {
    case 'Node':
      await write('main.mjs')
      return ['node', [file('main.mjs')]]
    case 'Python':
      await write('main.py')
      return ['python3', ['-u', file('main.py')]]
    case 'Go':
      await write('main.go')
      await run('go', ['build', '-o', file('main'), file('main.go')])
      return [file('main'), []]
    default:
      return ['sh', ['-c', code]]
  }
}

/** @param {import('../../../js/test/server.mjs').Server} server */
async function published(server) {
  const response = await server.ask('/v1/streams/snippet.orders/events?limit=1000')
  return /** @type {{events: {data: unknown}[]}} */ (await response.json()).events
}

const missing = async (/** @type {string} */ program) => {
  try {
    await run('sh', ['-c', `command -v ${program}`])
    return false
  } catch {
    return `there is no ${program}`
  }
}
const skips = { curl: await missing('curl'), Python: await missing('python3') }

for (const locked of [false, true]) {
  const to = locked ? ', with a token' : ''
  const visit = await Visit.begin({
    args: ['--sources', '{}', ...(locked ? ['--auth.require', 'always'] : [])],
  })
  /** @type {import('playwright-core').Page} */
  let page
  const env = () =>
    locked ? { ...process.env, STREAMGAUGE_TOKEN: visit.server.token } : process.env

  before(async () => {
    page = await visit.open('/connect', { quiet: locked, waits: !locked })
    if (locked) {
      await page.getByLabel('Token', { exact: true }).fill(visit.server.token)
      await page.keyboard.press('Enter')
    }
    await page.getByRole('textbox', { name: 'Stream' }).fill('snippet.orders')
    assert.equal((await page.getByText('STREAMGAUGE_TOKEN').count()) > 0, locked)
  })

  for (const language of ['curl', 'Node', 'Python', 'Go']) {
    const skip = skips[/** @type {keyof typeof skips} */ (language)] ?? false

    test(`an event is published by ${language}${to}`, { skip }, async () => {
      const before = (await published(visit.server)).length
      const code = await snippet(page, 'Publish an event', language)
      const [program, args] = await command(language, code)
      await run(program, args, { env: env() })
      const events = await published(visit.server)
      assert.equal(events.length, before + 1)
      assert.deepEqual(events.at(-1)?.data, { total: 59.9, country: 'de' })
    })

    test(`the stream is followed by ${language}${to}`, { skip }, async () => {
      const [program, args] = await command(
        language,
        await snippet(page, 'Follow the stream', language),
      )
      const child = spawn(program, args, {
        stdio: ['ignore', 'pipe', 'inherit'],
        detached: true,
        env: env(),
      })
      try {
        const lines = createInterface({ input: child.stdout })
        const total = Math.random()
        /** @type {Promise<void>} */
        const seen = new Promise((done) => {
          lines.on('line', (line) => {
            if (line.includes(String(total))) done()
          })
        })
        await visit.server.publish('snippet.orders', { total })
        await Promise.race([
          seen,
          once(child, 'exit').then(() => assert.fail('it has ended')),
          new Promise((_, fail) => setTimeout(fail, WITHIN, new Error('it shows nothing')).unref()),
        ])
      } finally {
        process.kill(-(child.pid ?? 0), 'SIGKILL')
      }
    })
  }

  test(`a dashboard is shown as soon as it is saved${to}`, async () => {
    await visit.server.write('snippet', await snippet(page, 'Show it', 'a dashboard'))
    const known = async () => (await visit.server.ask('/v1/dashboards/snippet')).status
    await becomes(known, 200) // before that the page's own request would be a complaint
    await page.goto(`${visit.server.url}/snippet`)
    await page.locator('.name:text-is("Per minute")').waitFor({ timeout: WITHIN })
    await page.locator('[data-panel=timeseries]').waitFor({ timeout: WITHIN })
  })

  test(`nothing went wrong${to}`, () => visit.nothingWentWrong())
}
