// Made-up visitors, to see something move: npm run visitors [-- http://localhost:3000]
// They open pages, stay a while and leave, as the Beacon would say it. Ctrl-C ends it.

const site = process.argv[2] ?? 'http://localhost:3000'
const PAGES = [
  ...['/', '/', '/', '/articles/the-gauge-at-sandholm-quay'],
  ...['/articles/the-gauge-at-sandholm-quay', '/articles/leaves-when-full'],
  ...['/articles/leaves-when-full', '/articles/a-blue-that-lasts'],
  ...['/articles/what-the-fog-signal-said', '/articles/soup-for-the-night-shift'],
]

const wait = (ms) => new Promise((done) => setTimeout(done, ms))
const some = (all) => all[Math.floor(Math.random() * all.length)]

async function say(report) {
  const headers = { 'content-type': 'text/plain' }
  const body = JSON.stringify(report)
  const answer = await fetch(`${site}/api/seen`, { method: 'POST', headers, body })
  if (!answer.ok) throw new Error(`the site answered ${answer.status}`)
}

async function visit() {
  const tab = Array.from({ length: 32 }, () => Math.floor(Math.random() * 16).toString(16)).join('')
  for (let pages = 1 + Math.floor(Math.random() * 4); pages > 0; pages--) {
    const page = some(PAGES)
    const luck = Math.random() ** 3
    await say({ kind: 'view', tab, page })
    await say({ kind: 'vital', name: 'lcp', value: 400 + 4200 * luck ** 2 + 300 * Math.random(), page })
    await wait(2000 + 13_000 * Math.random())
    await say({ kind: 'vital', name: 'inp', value: 16 + 240 * luck + 30 * Math.random(), page })
    await say({ kind: 'vital', name: 'cls', value: 0.12 * luck, page })
  }
  await say({ kind: 'leave', tab })
}

console.log(`Made-up visitors on ${site}`)
for (let n = 0; ; n++) {
  visit().catch((error) => console.error(String(error.cause ?? error)))
  // They come in waves.
  await wait((700 + 2200 * Math.random()) * (1.2 + Math.sin(n / 9)))
}
