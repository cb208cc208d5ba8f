// Installs Next.js as its lockfile says, with the package as npm would publish it, and runs
// the fixture.

import { execFile, spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env, execPath, kill } from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const js = fileURLToPath(new URL('../..', import.meta.url))
const here = fileURLToPath(new URL('.', import.meta.url))
// Not in node_modules: what has that in its path, Next.js 15 does not compile.
const cache = env.NEXT_TEST_CACHE ?? join(js, '../.cache')

/** Builds the package and packs it. Its path is in a folder of its own. */
export async function pack() {
  const folder = await mkdtemp(join(tmpdir(), 'streamgauge-pack-'))
  await run('npm', ['run', 'build'], { cwd: js })
  const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', folder], {
    cwd: js,
  })
  return join(folder, stdout.trim())
}

/**
 * Makes a project of the fixture, the package and a version of Next.js, and returns its folder.
 * @param {string} version the name of a folder in versions
 * @param {string} tarball
 */
export async function project(version, tarball) {
  await mkdir(join(cache, version), { recursive: true })
  const folder = await realpath(join(cache, version)) // Next.js looks for it by its real name
  const from = join(here, 'versions', version)
  const lock = await readFile(join(from, 'package-lock.json'), 'utf8')
  const installed = await readFile(join(folder, 'installed'), 'utf8').catch(() => '')
  if (installed !== lock) {
    for (const name of ['package.json', 'package-lock.json']) {
      await cp(join(from, name), join(folder, name))
    }
    await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder })
    await cp(join(from, 'package-lock.json'), join(folder, 'installed'))
  }
  const own = join(folder, 'node_modules/streamgauge')
  for (const old of [
    own,
    ...['app', 'lib', '.next', '.next-dev', '.next-cached'].map((name) => join(folder, name)),
  ]) {
    await rm(old, { recursive: true, force: true })
  }
  await mkdir(own)
  await run('tar', ['-xzf', tarball, '-C', own, '--strip-components=1'])
  await cp(join(here, 'fixture'), folder, { recursive: true })
  return folder
}

/** Next.js at work. */
export class App {
  /** Its address, without a slash at the end. */
  url = ''
  /** All that it has printed. */
  output = ''
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #process

  /**
   * Runs `next build`, and returns what it printed.
   * @param {string} folder
   * @param {Record<string, string>} settings its environment
   */
  static async build(folder, settings) {
    const { stdout, stderr } = await run(execPath, [next(folder), 'build'], {
      cwd: folder,
      env: { ...environment(settings), NODE_ENV: 'production' },
    })
    return stdout + stderr
  }

  /**
   * Runs `next start` or `next dev` on a port of its own.
   * @param {string} folder
   * @param {'start' | 'dev'} mode
   * @param {Record<string, string>} settings
   */
  static async start(folder, mode, settings) {
    const app = new App()
    // A group of its own, as `next dev` has children.
    const child = spawn(execPath, [next(folder), mode, '-p', '0', '-H', '127.0.0.1'], {
      cwd: folder,
      env: environment(settings),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    app.#process = child
    app.url = await new Promise((done, fail) => {
      const say = (/** @type {Buffer} */ chunk) => {
        app.output += chunk
        const found = /Local:\s+(http:\/\/\S+)/.exec(app.output)
        if (found?.[1] !== undefined && /Ready in/.test(app.output)) done(found[1])
      }
      child.stdout.on('data', say)
      child.stderr.on('data', say)
      child.once('exit', (code) =>
        fail(new Error(`next ${mode} ended with ${code}: ${app.output}`)),
      )
    })
    return app
  }

  /** Ends it with its children. */
  async stop() {
    const child = this.#process
    if (child?.pid === undefined || child.exitCode !== null) return
    const ended = new Promise((done) => child.once('exit', done))
    kill(-child.pid, 'SIGKILL')
    await ended
  }
}

/** @param {string} folder */
function next(folder) {
  return join(folder, 'node_modules/next/dist/bin/next')
}

/** @param {Record<string, string>} settings @returns {NodeJS.ProcessEnv} */
function environment(settings) {
  const { NODE_ENV: _, ...inherited } = env
  return /** @type {NodeJS.ProcessEnv} */ ({
    ...inherited,
    ...settings,
    NEXT_TELEMETRY_DISABLED: '1',
    FORCE_COLOR: '0',
    NO_COLOR: '1',
  })
}
