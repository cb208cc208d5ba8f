// What the tests in Next.js share: the servers behind it, and what was measured.

/** Set before the first test. */
export const stage = {
  /** The real one. */
  hub: /** @type {import('../server.mjs').Server} */ (/** @type {unknown} */ (null)),
  /** For what the hub does not do. */
  upstream: /** @type {import('./upstream.mjs').Upstream} */ (/** @type {unknown} */ (null)),
  /** To be quoted in docs/nextjs.md. @type {Record<string, unknown>[]} */
  measured: [],
}

/** As long as an upstream may stay open after its visitor has left, in ms. */
export const GONE = 5000

/** The hub's subscribers. */
export async function subscribers() {
  const text = await (await fetch(`${stage.hub.admin}/metrics`)).text()
  return Number(/^streamgauge_subscribers(?:\{.*\})? (\d+)/m.exec(text)?.[1])
}

/** Ms that something takes. @param {() => Promise<unknown>} wait */
export async function time(wait) {
  const from = performance.now()
  await wait()
  return Math.round(performance.now() - from)
}

/** What the fixture's routes have done. @param {() => import('./app.mjs').App} app */
export async function counts(app) {
  return await (await fetch(`${app().url}/counts`)).json()
}
