// A visitor with the headers of a browser's EventSource.

import { get } from 'node:http'
import { constants, createGunzip } from 'node:zlib'
import { until } from './upstream.mjs'

/** What a visitor has been sent so far. */
export class Visitor {
  status = 0
  /** @type {import('node:http').IncomingHttpHeaders} */
  headers = {}
  text = ''
  /** How it ended, by whom ever: undefined while it goes on. @type {string | undefined} */
  ended
  /** @type {import('node:http').ClientRequest} */
  #request
  /** @type {import('node:http').IncomingMessage | undefined} */
  #response

  /** @param {string} url @param {Record<string, string>} [headers] @param {string} [method] */
  constructor(url, headers, method = 'GET') {
    const asked = {
      accept: 'text/event-stream',
      'accept-encoding': 'gzip, deflate, br, zstd',
      'cache-control': 'no-cache',
      ...headers,
    }
    this.#request = get(url, { headers: asked, method, agent: false }, (response) => {
      this.#response = response
      this.status = response.statusCode ?? 0
      this.headers = response.headers
      const body =
        response.headers['content-encoding'] === 'gzip'
          ? response.pipe(createGunzip({ finishFlush: constants.Z_SYNC_FLUSH }))
          : response
      body.setEncoding('utf8')
      body.on('data', (chunk) => {
        this.text += chunk
      })
      body.on('end', () => {
        this.ended ??= 'end'
      })
      response.on('error', (error) => {
        this.ended ??= error.message
      })
    })
    this.#request.on('error', (error) => {
      this.ended ??= error.message
    })
  }

  /** Waits for a text. @param {string} text @param {number} [within] ms */
  async read(text, within) {
    await until(() => {
      if (this.ended !== undefined && !this.text.includes(text)) {
        throw new Error(`ended (${this.ended}) with ${this.status} ${this.text.slice(0, 500)}`)
      }
      return this.text.includes(text)
    }, within)
    return this
  }

  /** Waits for the end of the answer. */
  async whole() {
    await until(() => this.ended !== undefined)
    return this
  }

  /** Stays, and reads no more. */
  stall() {
    this.#response?.pause()
  }

  /** Reads again. */
  resume() {
    this.#response?.resume()
  }

  /** Leaves without a word. */
  leave() {
    this.#request.destroy()
  }
}
