// Starts the real program, as STREAMGAUGE names it or built from this checkout.

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A running hub, with a log in memory. */
export class Hub {
  /** Its address, without a slash at the end. */
  url = ''
  #folder = mkdtempSync(join(tmpdir(), 'hub-'))
  #binary = process.env.STREAMGAUGE ?? ''
  /** @type {string[]} */
  #args = []
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #process

  /** @param {string[]} [args] */
  static async start(args = []) {
    const hub = new Hub()
    hub.#args = args
    if (hub.#binary === '') {
      hub.#binary = join(hub.#folder, 'streamgauge')
      const root = fileURLToPath(new URL('../../..', import.meta.url))
      execFileSync('go', ['build', '-o', hub.#binary, './cmd/streamgauge'], { cwd: root })
    }
    await hub.run()
    return hub
  }

  /** Starts it, at the address that it had before, if any. */
  async run() {
    const listen = this.url.slice('http://'.length) || '127.0.0.1:0'
    const args = ['serve', '--listen', listen, '--admin', 'off', '--log', 'memory', ...this.#args]
    const child = spawn(this.#binary, args, {
      cwd: this.#folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#process = child
    let said = ''
    this.url = await new Promise((done, fail) => {
      child.once('exit', (code) => fail(new Error(`the hub ended with ${code}: ${said}`)))
      createInterface({ input: child.stderr }).on('line', (line) => {
        said += `${line}\n`
        const address = /msg=serving.* listen=(\S+)/.exec(line)?.[1]
        if (address !== undefined) done(`http://${address}`)
      })
    })
  }

  /** Ends it at once. */
  async stop() {
    const child = this.#process
    this.#process = undefined
    if (child === undefined || child.exitCode !== null) return
    child.removeAllListeners('exit')
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  async close() {
    await this.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** Publishes to a stream. @param {string} stream @param {...unknown} events */
  async publish(stream, ...events) {
    const response = await fetch(`${this.url}/v1/streams/${stream}/events`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-ndjson' },
      body: events.map((data) => `${JSON.stringify(data)}\n`).join(''),
    })
    if (!response.ok) throw new Error(`publishing answered ${await response.text()}`)
    await response.arrayBuffer()
  }
}
