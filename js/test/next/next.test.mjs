// streamgauge/next in the real Next.js, before the real hub. Run it with: npm run test:next
// (STREAMGAUGE names the hub's binary; default: go build. NEXT_TEST_CACHE says where
// Next.js is installed; default: .cache in the repository)

import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { after, before, describe } from 'node:test'
import { Server } from '../server.mjs'
import { App, pack, project } from './app.mjs'
import { outages, rightForms } from './rightForms.mjs'
import { stage } from './stage.mjs'
import { stream, Upstream } from './upstream.mjs'
import { wrongForms } from './wrongForms.mjs'

const VERSIONS = ['next-16', 'next-15']
let tarball = ''

before(async () => {
  stage.hub = await Server.start({ args: ['--log', 'memory', '--sources', '{}'] })
  stage.upstream = await new Upstream((answer, request) => {
    if (request.url === '/moved') {
      answer.writeHead(302, { location: 'http://localhost:1/' }).end()
    } else if (request.url?.startsWith('/compressible')) {
      stream(answer, { 'cache-control': 'no-cache' })
      const timer = setInterval(() => answer.write('data: "more"\n\n'), 200)
      answer.on('close', () => clearInterval(timer))
    } else {
      stream(answer, { 'x-internal': '1', 'set-cookie': 'internal=1' })
    }
  }).listen()
  tarball = await pack()
})

after(async () => {
  await Promise.all([stage.hub?.close(), stage.upstream?.close()])
  if (tarball !== '') await rm(dirname(tarball), { recursive: true, force: true })
  console.table(stage.measured)
})

for (const version of VERSIONS) {
  describe(version, () => {
    let folder = ''
    const settings = () => ({ HUB: stage.hub.url, UPSTREAM: stage.upstream.url, DIST_DIR: '.next' })

    before(async () => {
      folder = await project(version, tarball)
      await App.build(folder, settings())
    })

    describe('next start', () => {
      const app = running(() => App.start(folder, 'start', settings()))
      rightForms(version, 'start', app)
      wrongForms(version, app)
      outages(version, app)
    })

    describe('next dev', () => {
      const dev = () => ({ ...settings(), DIST_DIR: '.next-dev' })
      const app = running(() => App.start(folder, 'dev', dev()))
      rightForms(version, 'dev', app)
      outages(version, app)
    })

    if (version === 'next-15') return
    describe('next start with cacheComponents', () => {
      const cached = () => ({ ...settings(), DIST_DIR: '.next-cached', CACHE_COMPONENTS: '1' })
      before(async () => {
        const asked = stage.upstream.requests.length
        const output = await App.build(folder, cached())
        for (const route of ['own', 'proxy', 'secret']) {
          assert.match(output, new RegExp(`ƒ /${route}\\b`), 'not rendered at build')
        }
        assert.equal(stage.upstream.requests.length, asked, 'no handler fetches at build')
      })
      const app = running(() => App.start(folder, 'start', cached()))
      rightForms(version, 'start, cacheComponents', app)
    })
  })
}

/** An app that runs while a group of tests does. @param {() => Promise<App>} start */
function running(start) {
  /** @type {App | undefined} */
  let app
  before(async () => {
    app = await start()
  })
  after(() => app?.stop())
  return () => {
    if (app === undefined) throw new Error('not started')
    return app
  }
}
