// Tabs that are hidden for real. Those of Playwright count as visible always.

/** Opens tabs in one window, of which the newest, or the one that is brought to front,
 * is visible. @param {import('playwright-core').Browser | undefined} browser */
export async function openWindow(browser) {
  if (browser === undefined) throw new Error('there is no browser')
  const session = await browser.newBrowserCDPSession()
  const { browserContextId } = await session.send('Target.createBrowserContext')
  return {
    /** @param {string} url */
    async open(url) {
      const target = await session.send('Target.createTarget', { url, browserContextId })
      const { targetId } = target
      const attached = await session.send('Target.attachToTarget', { targetId, flatten: false })
      return new BareTab(session, targetId, attached.sessionId)
    },
    close: () => session.send('Target.disposeBrowserContext', { browserContextId }),
  }
}

class BareTab {
  #session
  #targetId
  #sessionId
  #asked = 0
  /** @type {Map<number, (answer: any) => void>} */
  #answers = new Map()

  /** @param {import('playwright-core').CDPSession} session @param {string} targetId @param {string} sessionId */
  constructor(session, targetId, sessionId) {
    this.#session = session
    this.#targetId = targetId
    this.#sessionId = sessionId
    session.on('Target.receivedMessageFromTarget', ({ sessionId: from, message }) => {
      if (from !== this.#sessionId) return
      const answer = JSON.parse(message)
      this.#answers.get(answer.id)?.(answer.result)
    })
  }

  bringToFront() {
    return this.#session.send('Target.activateTarget', { targetId: this.#targetId })
  }

  /** What an expression is in the page. @param {string} expression */
  async evaluate(expression) {
    const id = ++this.#asked
    const params = { expression, awaitPromise: true, returnByValue: true }
    const message = JSON.stringify({ id, method: 'Runtime.evaluate', params })
    const answered = new Promise((done) => this.#answers.set(id, done))
    await this.#session.send('Target.sendMessageToTarget', { sessionId: this.#sessionId, message })
    return (await answered)?.result?.value
  }
}
