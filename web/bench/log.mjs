// A log of 1,000 lines a second for ten minutes, followed in a browser:
//
//   npm run bench:log                 ten minutes
//   MINUTES=1 npm run bench:log
//
// Wanted: the heap is flat within 10 % (after the log is full, each time after a
// garbage collection), and the page keeps at least 55 frames a second.

import { Server } from '../../js/test/server.mjs'
import { launch } from '../test/browser.mjs'

const MINUTES = Number(process.env.MINUTES ?? 10)
const RATE = 1000
const BATCH = 50

const DASHBOARD = `title: Log
rows:
  - panels:
      - { type: log, title: Log, stream: bench.log, height: 18 }
`

const server = await Server.start({ dashboards: { log: DASHBOARD }, args: ['--sources', '{}'] })
const browser = await launch()
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('Performance.enable')
  await page.goto(`${server.url}/log`)
  await page.locator('.pill[data-state=live]').waitFor()
  let sent = 0
  const timer = setInterval(() => void publish(), (1000 * BATCH) / RATE)
  const publish = () => {
    const lines = Array.from({ length: BATCH }, () => {
      sent++
      return {
        severity: sent % 50 === 0 ? 'WARN' : 'INFO',
        body: `request ${sent} took ${sent % 97} ms`,
        attributes: { route: '/cart', status: 200 },
      }
    })
    return server.publish('bench.log', lines)
  }
  /** @type {{heap: number, fps: number, script: number}[]} */
  const samples = []
  // 100,000 lines are kept: what is measured begins when there are as many.
  const warm = MINUTES >= 3 ? 110_000 : 5000
  console.log(`filling the log: ${warm / RATE} s`)
  await page.waitForTimeout(warm)
  for (let i = 0; i < MINUTES * 6; i++) {
    const before = await metrics()
    const fps = await page.evaluate(
      (ms) =>
        new Promise((done) => {
          const start = performance.now()
          let frames = 0
          const next = (/** @type {number} */ now) => {
            frames++
            if (now - start < ms) requestAnimationFrame(next)
            else done((1000 * frames) / (now - start))
          }
          requestAnimationFrame(next)
        }),
      10_000,
    )
    const after = await metrics()
    await devtools.send('HeapProfiler.collectGarbage')
    const { heap } = await metrics()
    samples.push({ heap, fps: Number(fps), script: ((after.script - before.script) / 10) * 1000 })
    const last = samples.at(-1)
    console.log(
      `${(heap / 1e6).toFixed(1)} MB, ${last?.fps.toFixed(1)} frames/s, ${last?.script.toFixed(0)} ms of script a second`,
    )
  }
  clearInterval(timer)
  const heaps = samples.map((s) => s.heap)
  const rates = samples.map((s) => s.fps).sort((a, b) => a - b)
  const median = rates[Math.floor(rates.length / 2)] ?? 0
  const spread = Math.max(...heaps) / Math.min(...heaps) - 1
  console.log(
    `${sent} lines; heap within ${(100 * spread).toFixed(1)} %, median ${median.toFixed(1)} frames/s`,
  )
  process.exitCode = spread <= 0.1 && median >= 55 ? 0 : 1

  async function metrics() {
    const { metrics } = await devtools.send('Performance.getMetrics')
    const value = (/** @type {string} */ name) => metrics.find((m) => m.name === name)?.value ?? 0
    return { heap: value('JSHeapUsedSize'), script: value('ScriptDuration') }
  }
} finally {
  await browser.close()
  await server.close()
}
