// What twenty charts cost: each has 600 points and gets ten a second, as rows of the
// page and as bare uPlot charts in the same browser, one after the other.
//
//   npm run build && node bench/charts.mjs [seconds]
//
// The page draws a chart when a pixel of it changes, and numbers ten times a second;
// bare charts are drawn at every update.
//
// Fails if the page's scripts take more than 80 ms a second, more than 1.6 times
// what bare charts take, or if a task takes longer than 100 ms.

import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { launch } from '../test/browser.mjs'

const PANELS = 20
const POINTS = 600
const PERIOD = 100
const SECONDS = Number(process.argv[2] ?? 10)
const DIST = new URL(process.env.DIST ?? '../dist/', import.meta.url)

const panels = Array.from({ length: PANELS }, (_, i) => ({
  type: 'timeseries',
  title: `Panel ${i}`,
  stream: `bench.s${i}`,
  width: 3,
  height: 5,
}))
const dashboard = {
  name: 'bench',
  title: 'Bench',
  version: '1',
  builtin: false,
  writable: false,
  yaml: '',
  dashboard: { title: 'Bench', window: POINTS * PERIOD, rows: [{ panels }] },
}

/** Serves the page, its dashboard, and events from ten a second on. */
function serve() {
  /** @type {Set<import('node:http').ServerResponse>} */
  const subscribers = new Set()
  let sequence = 0
  /** @param {number} at @param {number} i */
  const block = (at, i) => {
    const data = 50 + 30 * Math.sin(at / 5000 + i) + 10 * Math.random()
    const time = new Date(at).toISOString()
    const id = `bn-${++sequence}`
    return `id: ${id}\ndata: ${JSON.stringify({ stream: `bench.s${i}`, id, time, data })}\n\n`
  }
  const all = (/** @type {number} */ at) => panels.map((_, i) => block(at, i)).join('')
  const server = createServer(async (req, res) => {
    const { pathname } = new URL(req.url ?? '/', 'http://bench')
    if (pathname === '/v1/events' && req.headers.accept !== 'application/json') {
      res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
      const hello = { version: 'bench', heartbeat_ms: 15_000, position: 'bn-0', streams: ['>'] }
      res.write(`retry: 300\nid: bn-0\nevent: hub.hello\ndata: ${JSON.stringify(hello)}\n\n`)
      const now = Date.now()
      for (let n = POINTS; n > 0; n--) res.write(all(now - n * PERIOD))
      subscribers.add(res)
      res.on('close', () => subscribers.delete(res))
    } else if (pathname === '/v1/dashboards/bench') json(res, dashboard)
    else if (pathname === '/v1/dashboards') json(res, { dashboards: [dashboard] })
    else if (pathname.startsWith('/v1/')) json(res, { streams: [], events: [] })
    else if (pathname.startsWith('/bare')) await bare(pathname, res)
    else await asset(pathname, res)
  })
  const timer = setInterval(() => {
    const text = all(Date.now())
    for (const res of subscribers) res.write(text)
  }, PERIOD)
  return {
    server,
    close() {
      clearInterval(timer)
      server.closeAllConnections()
      server.close()
    },
  }
}

/** @param {import('node:http').ServerResponse} res @param {unknown} value */
function json(res, value) {
  res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

/** @type {Record<string, string>} */
const TYPES = { html: 'text/html', js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml' }

/** @param {string} path @param {import('node:http').ServerResponse} res */
async function asset(path, res) {
  const name = /\.\w+$/.test(path) ? path.slice(1) : 'index.html'
  const body = await readFile(new URL(name, DIST)).catch(() => undefined)
  if (body === undefined) return void res.writeHead(404).end()
  const type = TYPES[name.split('.').at(-1) ?? ''] ?? 'text/plain'
  res.writeHead(200, { 'content-type': type }).end(body)
}

/** The same charts with nothing around them: the data in arrays, a timer, setData. */
const BARE = `
import uPlot from './bare/uplot.js'
const charts = []
for (let i = 0; i < ${PANELS}; i++) {
  const host = document.createElement('div')
  document.body.append(host)
  const t = [], v = []
  charts.push({ i, t, v, u: new uPlot({ width: 330, height: 190, legend: { show: false },
    ms: 1, series: [{}, { stroke: '#56b4e9', width: 1.5 }] }, [t, v], host) })
}
const value = (at, i) => 50 + 30 * Math.sin(at / 5000 + i) + 10 * Math.random()
const add = (at) => { for (const { i, t, v } of charts) {
  t.push(at); v.push(value(at, i))
  if (t.length > ${POINTS}) { t.shift(); v.shift() }
} }
for (let n = ${POINTS}; n > 0; n--) add(Date.now() - n * ${PERIOD})
let asked = false
setInterval(() => {
  add(Date.now())
  if (asked) return
  asked = true
  requestAnimationFrame(() => { asked = false; for (const { u, t, v } of charts) u.setData([t, v]) })
}, ${PERIOD})
`

/** @param {string} path @param {import('node:http').ServerResponse} res */
async function bare(path, res) {
  const uplot = new URL('../node_modules/uplot/dist/', import.meta.url)
  if (path.endsWith('uplot.js')) {
    const body = await readFile(new URL('uPlot.esm.js', uplot))
    res.writeHead(200, { 'content-type': TYPES.js }).end(body)
  } else if (path.endsWith('main.js')) {
    res.writeHead(200, { 'content-type': TYPES.js }).end(BARE.replace('./bare/', './'))
  } else {
    const style = await readFile(new URL('uPlot.min.css', uplot), 'utf8')
    const layout = 'body { display: grid; grid-template-columns: repeat(4, 1fr) }'
    const page = `<!doctype html><style>${style}${layout}</style><script type="module" src="/bare/main.js"></script>`
    res.writeHead(200, { 'content-type': TYPES.html }).end(`${page}<body>`)
  }
}

/**
 * Loads an address, lets it settle, and measures.
 * @param {import('playwright-core').Browser} browser
 * @param {string} url
 */
async function measure(browser, url) {
  // All panels are on screen: what is not seen is not drawn.
  const page = await browser.newPage({ viewport: { width: 1440, height: 1600 } })
  page.on('pageerror', (error) => console.error(`${url}: ${error}`))
  await page.addInitScript(() => {
    const { prototype } = CanvasRenderingContext2D
    const { clearRect } = prototype
    Object.assign(window, { drawn: 0 })
    // uPlot begins each picture by clearing its canvas.
    prototype.clearRect = function (...area) {
      const counter = /** @type {{drawn: number}} */ (/** @type {unknown} */ (window))
      counter.drawn++
      clearRect.apply(this, area)
    }
  })
  await page.goto(url)
  await page.waitForFunction((n) => document.querySelectorAll('canvas').length >= n, PANELS)
  await page.waitForTimeout(3000)
  await page.evaluate(() => {
    const longest = { task: 0, frames: 0 }
    Object.assign(window, { longest, drawn: 0 })
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) longest.task = Math.max(longest.task, duration)
    }).observe({ type: 'longtask' })
    const count = () =>
      requestAnimationFrame(() => {
        longest.frames++
        count()
      })
    count()
  })
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('Performance.enable')
  const metrics = async () => {
    const answer = await devtools.send('Performance.getMetrics')
    return Object.fromEntries(answer.metrics.map(({ name, value }) => [name, value]))
  }
  const before = await metrics()
  await page.waitForTimeout(SECONDS * 1000)
  const after = await metrics()
  const { longest, drawn } = await page.evaluate(() => {
    /** @typedef {{longest: {task: number, frames: number}, drawn: number}} Counted */
    const { longest, drawn } = /** @type {Counted} */ (/** @type {unknown} */ (window))
    return { longest, drawn }
  })
  await page.close()
  const perSecond = (/** @type {string} */ name) => {
    const passed = (after.Timestamp ?? 0) - (before.Timestamp ?? 0)
    return (1000 * ((after[name] ?? 0) - (before[name] ?? 0))) / passed
  }
  return {
    script: perSecond('ScriptDuration'),
    task: perSecond('TaskDuration'),
    longest: longest.task,
    frames: longest.frames / SECONDS,
    draws: drawn / SECONDS / PANELS,
    heap: (after.JSHeapUsedSize ?? 0) / 2 ** 20,
  }
}

const { server, close } = serve()
await new Promise((done) => server.listen(0, '127.0.0.1', () => done(undefined)))
const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
const browser = await launch()
const results = {
  page: await measure(browser, `http://127.0.0.1:${port}/bench`),
  bare: await measure(browser, `http://127.0.0.1:${port}/bare/`),
}
await browser.close()
close()

for (const [name, { script, task, longest, frames, draws, heap }] of Object.entries(results)) {
  // Tasks shorter than 50 ms are not told one by one.
  const long = longest === 0 ? '< 50' : longest.toFixed(0)
  console.log(
    `${name}: script ${script.toFixed(1)} ms/s, task ${task.toFixed(1)} ms/s, ` +
      `longest task ${long} ms, ${frames.toFixed(0)} frames/s, ` +
      `${draws.toFixed(1)} pictures/s of each chart, heap ${heap.toFixed(0)} MiB`,
  )
}
const ratio = results.page.script / results.bare.script
console.log(`page / bare: ${ratio.toFixed(2)}`)
if (results.page.script > 80 || ratio > 1.6 || results.page.longest > 100) process.exitCode = 1
