// Starts the real program, as STREAMGAUGE names it or built from this checkout.

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

const root = new URL('../..', import.meta.url).pathname

/** @type {Promise<string> | undefined} */
let built

/** Root too is to be refused what a file's mode forbids. */
const AS_A_USER = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-dac_override'] : []

/** The program's path. */
function program() {
  if (process.env.STREAMGAUGE) return Promise.resolve(process.env.STREAMGAUGE)
  built ??= (async () => {
    const path = join(await mkdtemp(join(tmpdir(), 'streamgauge-')), 'streamgauge')
    await promisify(execFile)('go', ['build', '-o', path, './cmd/streamgauge'], { cwd: root })
    process.once('exit', () => spawn('rm', ['-rf', path], { detached: true }))
    return path
  })()
  return built
}

/** A running server with folders of its own. */
export class Server {
  /** Its address, without a slash at the end. */
  url = ''
  /** The admin listener's address. */
  admin = ''
  /** The folder of its dashboards. */
  dashboards = ''
  /** Its administrator's token, where one has to show who one is. */
  token = ''
  /** The link that signs the administrator in, once. @type {Promise<string>} */
  link = Promise.resolve('')
  #folder = ''
  /** @type {string[]} */
  #args = []
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #process

  /** @param {{args?: string[], dashboards?: Record<string, string>}} [options] */
  static async start({ args = [], dashboards = {} } = {}) {
    const server = new Server()
    server.#folder = await mkdtemp(join(tmpdir(), 'streamgauge-test-'))
    server.dashboards = join(server.#folder, 'dashboards')
    await mkdir(server.dashboards)
    for (const [name, text] of Object.entries(dashboards)) await server.write(name, text)
    server.#args = args
    await server.run()
    return server
  }

  /** Starts it, at the address that it had before, if any. */
  async run() {
    const [listen, admin] = [this.url, this.admin].map((url) => url.slice(7) || '127.0.0.1:0')
    const [command = '', ...before] = [...AS_A_USER, await program()]
    const child = spawn(
      command,
      [
        ...before,
        ...['--listen', listen ?? '', '--admin', admin ?? ''],
        ...['--data', join(this.#folder, 'data'), '--dashboards', this.dashboards],
        ...this.#args,
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    )
    this.#process = child
    this.link = new Promise((done) => {
      createInterface({ input: /** @type {any} */ (child.stdout) }).on('line', (line) => {
        const [link] = /\S+#signin=\S+/.exec(line) ?? []
        if (link !== undefined) done(link)
      })
    })
    let said = ''
    const addresses = new Promise((done, fail) => {
      child.once('exit', (code) => fail(new Error(`the server ended with ${code}: ${said}`)))
      createInterface({ input: /** @type {any} */ (child.stderr) }).on('line', (line) => {
        said += `${line}\n`
        const found = /msg=serving.* admin=(\S+) listen=(\S+)/.exec(line)
        if (found !== null) done(found)
      })
    })
    const [, adminURL, address] = await addresses
    this.admin = adminURL
    this.url = `http://${address}`
    const file = join(this.#folder, 'data', 'admin.token')
    this.token = (await readFile(file, 'utf8').catch(() => '')).trim()
  }

  /** Ends it: SIGTERM drains, SIGKILL does not ask. @param {NodeJS.Signals} [signal] */
  async stop(signal = 'SIGTERM') {
    const child = this.#process
    this.#process = undefined
    if (child === undefined || child.exitCode !== null) return
    child.removeAllListeners('exit')
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }

  /** Ends it and takes its folders away. */
  async close() {
    await this.stop('SIGKILL')
    await rm(this.#folder, { recursive: true, force: true })
  }

  /** Writes a dashboard's file. @param {string} name @param {string} text */
  write(name, text) {
    return writeFile(join(this.dashboards, `${name}.yaml`), text)
  }

  /** Publishes to a stream. @param {string} stream @param {unknown} data @param {Record<string, string>} [params] */
  async publish(stream, data, params = {}) {
    const address = new URL(`/v1/streams/${stream}/events?${new URLSearchParams(params)}`, this.url)
    const response = await this.ask(address, data)
    if (!response.ok) throw new Error(`publishing to ${stream} answered ${await response.text()}`)
    await response.arrayBuffer()
  }

  /** Asks something as its administrator. @param {string | URL} path @param {unknown} [data] @param {string} [method] */
  ask(path, data, method = data === undefined ? 'GET' : 'POST') {
    /** @type {Record<string, string>} */
    const headers = { Accept: 'application/json', 'Content-Type': 'application/json' }
    if (this.token !== '') headers.Authorization = `Bearer ${this.token}`
    const body = data === undefined ? null : JSON.stringify(data)
    return fetch(new URL(path, this.url), { method, headers, body })
  }
}
