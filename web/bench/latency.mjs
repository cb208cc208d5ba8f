// From a publish to the painted pixel, as a browser on this machine sees it:
//
//   npm run bench:latency            1,000 events, some two and a half minutes
//   EVENTS=100 npm run bench:latency
//
// The page itself publishes a number, and waits until the panel that shows it has
// been painted: the frame after the one in which its text changed. Both ends are on
// the same clock. Events lie farther apart than panels change their text (0.1 s), or
// that pause would be measured.

import { Server } from '../../js/test/server.mjs'
import { launch } from '../test/browser.mjs'

const EVENTS = Number(process.env.EVENTS ?? 1000)
const WANTED = { p50: 50, p99: 150 }

const DASHBOARD = `title: Latency
rows:
  - panels:
      - { type: stat, title: Number, stream: bench.number }
      - { type: timeseries, title: Course, stream: bench.number }
`

const server = await Server.start({ dashboards: { latency: DASHBOARD } })
const browser = await launch()
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
  await server.publish('bench.number', 0)
  await page.goto(`${server.url}/latency`)
  await page.locator('[data-panel=stat] [data-value]:text-is("0")').waitFor()
  const delays = await page.evaluate(async (events) => {
    const value = /** @type {Element} */ (document.querySelector('[data-panel=stat] [data-value]'))
    const painted = () =>
      new Promise((done) => {
        requestAnimationFrame(() => {
          const after = new MessageChannel()
          after.port1.onmessage = () => done(performance.now())
          after.port2.postMessage(0)
        })
      })
    const delays = []
    for (let i = 1; i <= events; i++) {
      const shown = new Promise((done) => {
        const observer = new MutationObserver(() => {
          if (value.textContent?.replace(/\s/g, '') !== String(i)) return
          observer.disconnect()
          done(painted())
        })
        observer.observe(value, { subtree: true, childList: true, characterData: true })
      })
      const start = performance.now()
      await fetch('v1/streams/bench.number/events', {
        method: 'POST',
        body: String(i),
        headers: { 'Content-Type': 'application/json' },
      })
      delays.push(Number(await shown) - start)
      await new Promise((done) => setTimeout(done, 120 + Math.random() * 30))
    }
    return delays
  }, EVENTS)
  delays.sort((a, b) => a - b)
  const at = (/** @type {number} */ q) =>
    delays[Math.min(delays.length - 1, Math.floor(delays.length * q))] ?? 0
  const [p50, p90, p99] = [at(0.5), at(0.9), at(0.99)]
  console.log(
    `${EVENTS} events, publish to painted pixel: p50 ${p50.toFixed(1)} ms, p90 ${p90.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, max ${at(1).toFixed(1)} ms`,
  )
  console.log(`wanted: p50 below ${WANTED.p50} ms, p99 below ${WANTED.p99} ms`)
  process.exitCode = p50 < WANTED.p50 && p99 < WANTED.p99 ? 0 : 1
} finally {
  await browser.close()
  await server.close()
}
