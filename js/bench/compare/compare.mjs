// What libraries for event streams in React do when something goes wrong, seen in
// Chromium, each as its manual says to use it. Prints a table.
//
//   npm run compare

import { createServer } from 'node:http'
import { chromium } from 'playwright-core'
import { build } from 'vite'

const LIBRARIES = [
  'by hand',
  'react-use-websocket',
  'fetch-event-source',
  'swr/subscription',
  '@upstash/realtime',
  'streamgauge',
]

/** @typedef {import('node:http').ServerResponse} Response */
/** @typedef {(send: (...numbers: number[]) => void, res: Response, attempt: number, after: number) => void} Answer */

/** How long a library has to do what it does, in ms. */
const PATIENCE = 12_000

/** One library in one trial, and what it has asked for. */
class Run {
  /** The ids after which it has asked. @type {number[]} */
  requests = []
  /** @type {Set<Response>} */
  open = new Set()

  /** @param {Answer} answer */
  constructor(answer) {
    this.answer = answer
  }
}

/** @type {Map<string, Run>} */
const runs = new Map()
let script = ''

const server = createServer((req, res) => {
  const url = new URL(req.url ?? '/', 'http://test')
  const run = runs.get(url.pathname)
  if (url.pathname === '/') {
    const html = `<!doctype html><body><script type="module">${script}</script>`
    res.writeHead(200, { 'content-type': 'text/html' }).end(html)
    return
  }
  if (run === undefined) {
    res.end('pong')
    return
  }
  const upstash = url.searchParams.get('last_ack_default')
  const last = Number(upstash?.split('-')[0] ?? req.headers['last-event-id'] ?? 0)
  const after = last > 1e6 ? 0 : last // it begins with the time
  run.requests.push(after)
  run.open.add(res)
  res.on('close', () => run.open.delete(res))
  const send = (/** @type {number[]} */ ...numbers) => {
    if (!res.headersSent) res.writeHead(200, { 'content-type': 'text/event-stream' })
    const events = numbers.map((n) =>
      upstash === null
        ? `id: ${n}\ndata: ${n}\n\n`
        : `data: ${JSON.stringify({ id: `${n}-0`, data: n, event: 'e', channel: 'default' })}\n\n`,
    )
    res.write(events.join(''))
  }
  run.answer(send, res, run.requests.length, after)
})

/** @param {number} from @param {number} to */
const range = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

/** @param {() => Promise<boolean> | boolean} condition */
async function within(condition, ms = PATIENCE) {
  const end = Date.now() + ms
  while (!(await condition())) {
    if (Date.now() > end) return false
    await new Promise((done) => setTimeout(done, 25))
  }
  return true
}

/** @typedef {{values: number[], shown: string, error: string, renders: number, uncaught: string[]}} Seen */

/** What is tried: how the server answers, and what to say of what was seen.
 * @type {Record<string, {answer: Answer, components?: number, strict?: boolean, library?: (name: string) => string, verdict: (see: () => Promise<Seen>, run: Run, page: import('playwright-core').Page) => Promise<string>}>} */
const TRIALS = {
  'a cut, three events missed': {
    answer(send, res, attempt, after) {
      if (attempt > 1) return send(...range(after + 1, 6))
      send(1, 2, 3)
      setTimeout(() => res.destroy(), 100)
    },
    async verdict(see, { requests }) {
      const back = await within(async () => (await see()).values.includes(6))
      if (!back) return 'is over'
      return requests[1] === 3 ? 'resumed' : 'again from the beginning'
    },
  },
  'a 503 on the way back': {
    answer(send, res, attempt, after) {
      if (attempt === 2) return void res.writeHead(503).end()
      send(...(attempt === 1 ? [1] : range(after + 1, 2)))
      if (attempt === 1) setTimeout(() => res.destroy(), 100)
    },
    async verdict(see, { requests }) {
      const back = await within(async () => (await see()).values.includes(2))
      return back ? `back, attempt ${requests.length}` : 'is over'
    },
  },
  'four 503 in a row': {
    answer(send, res, attempt, after) {
      if (attempt === 1) {
        send(1)
        return void setTimeout(() => res.destroy(), 100)
      }
      if (attempt <= 5) return void res.writeHead(503, { 'retry-after': '0' }).end()
      send(...range(after + 1, 2))
    },
    async verdict(see, { requests }) {
      const back = await within(async () => (await see()).values.includes(2), 40_000)
      return back ? 'back' : `is over after ${requests.length - 1}`
    },
  },
  'a connection that says nothing any more': {
    answer(send, res, attempt, after) {
      if (attempt === 1) {
        res.writeHead(200, { 'content-type': 'text/event-stream' })
        // A hub says how often it is heard.
        res.write('event: hub.hello\ndata: {"heartbeat_ms":1000}\n\n')
        return send(1)
      }
      send(...range(after + 1, 2))
    },
    async verdict(see) {
      const began = Date.now()
      const back = await within(async () => (await see()).values.includes(2))
      return back ? `noticed after ${Math.round((Date.now() - began) / 1000)} s` : 'not noticed'
    },
  },
  'an event that is no JSON': {
    answer(send, res, attempt) {
      if (attempt > 1) return
      send(1)
      setTimeout(() => res.write('data: {"\n\n'), 100)
      setTimeout(() => send(2), 500)
    },
    async verdict(see) {
      const on = await within(async () => (await see()).values.includes(2), 5000)
      const { uncaught } = await see()
      const thrown = uncaught.length > 0 ? 'thrown into the void' : 'reported'
      return on ? `goes on, ${thrown}` : `is over, ${thrown}`
    },
  },
  'of a hundred events at once, an effect on the value sees': {
    answer(send, _, attempt) {
      if (attempt === 1) setTimeout(() => send(...range(1, 100)), 200)
    },
    library: (name) => (name === 'streamgauge' ? 'streamgauge, reduce' : name),
    async verdict(see) {
      await within(async () => (await see()).values.includes(100))
      return String(new Set((await see()).values).size)
    },
  },
  StrictMode: {
    answer: (send) => send(1),
    strict: true,
    async verdict(see, run) {
      await within(async () => (await see()).values.includes(1))
      return `${run.open.size} open`
    },
  },
  'ten components': {
    answer: (send) => send(1),
    components: 10,
    async verdict(see, run, page) {
      await within(async () => (await see()).values.length >= 10, 3000)
      const free = await page.evaluate(() =>
        Promise.race([
          fetch('/ping').then(() => true),
          new Promise((done) => setTimeout(() => done(false), 3000)),
        ]),
      )
      return `${run.open.size} open${free ? '' : ', the host is blocked'}`
    },
  },
}

async function main() {
  const built = await build({
    configFile: false,
    logLevel: 'error',
    mode: 'development',
    define: { 'process.env.NODE_ENV': '"development"' },
    build: {
      write: false,
      rolldownOptions: { output: { codeSplitting: false } },
      lib: { entry: new URL('page.tsx', import.meta.url).pathname, formats: ['es'] },
    },
  })
  const [{ output }] = /** @type {[{output: [{code: string}]}]} */ (/** @type {unknown} */ (built))
  script = output[0].code.replaceAll('</script', '<\\/script')
  await new Promise((done) => server.listen(0, '127.0.0.1', () => done(undefined)))
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  console.log(`| | ${LIBRARIES.join(' | ')} |\n|---|${'---|'.repeat(LIBRARIES.length)}`)
  for (const [name, trial] of Object.entries(TRIALS)) {
    const row = LIBRARIES.map(async (library, i) => {
      const run = new Run(trial.answer)
      const path = `/${i}/${encodeURIComponent(name)}`
      runs.set(path, run)
      // A context each: the limit of six connections is that of a context.
      const context = await browser.newContext()
      const page = await context.newPage()
      const query = new URLSearchParams({
        library: trial.library?.(library) ?? library,
        url: `http://127.0.0.1:${port}${path}`,
        components: String(trial.components ?? 1),
        ...(trial.strict && { strict: '' }),
      })
      await page.goto(`http://127.0.0.1:${port}/?${query}`)
      const see = () => page.evaluate(() => /** @type {any} */ (window).seen)
      const verdict = await trial.verdict(see, run, page)
      await context.close()
      return verdict
    })
    console.log(`| ${name} | ${(await Promise.all(row)).join(' | ')} |`)
  }
  await browser.close()
  server.closeAllConnections()
  server.close()
}

await main()
