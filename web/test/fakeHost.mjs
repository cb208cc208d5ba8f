// Plausible numbers of a machine and of a web shop for the fake hub, so that the
// page can be looked at without a server. Nothing of this is in the product.

/** @typedef {import('./fake.mjs').FakeHub} FakeHub */

const CORES = 4
const LEVELS = ['DEBUG', 'INFO', 'INFO', 'INFO', 'INFO', 'WARN', 'ERROR']

/**
 * Publishes one second's worth of the host's and the hub's own streams.
 * @param {FakeHub} hub @param {number} time
 */
export function publishHost(hub, time) {
  const s = time / 1000
  const busy = 22 + 14 * Math.sin(s / 19) + 6 * Math.sin(s / 3.1) + 5 * Math.random()
  const say = (/** @type {string} */ stream, /** @type {unknown} */ data, key = '') =>
    hub.publish(`host.${stream}`, data, key === '' ? { time } : { time, key })
  const system = busy * 0.25 + Math.random()
  say('cpu', {
    usage_percent: busy,
    user_percent: busy - system - 1,
    system_percent: system,
    iowait_percent: Math.max(0, Math.sin(s / 40)) * 3,
  })
  for (let core = 0; core < CORES; core++) {
    const usage = Math.max(0, busy + 12 * Math.sin(s / (7 + core) + core * 2))
    say('cpu.core', { core, usage_percent: usage }, String(core))
  }
  say('load', { load1: busy / 20, load5: 1.1 + Math.sin(s / 90) / 4, load15: 0.92 })
  const total = 16 * 2 ** 30
  const used = total * (0.41 + 0.03 * Math.sin(s / 60))
  const memory = {
    used_percent: (100 * used) / total,
    used_bytes: used,
    available_bytes: total - used,
  }
  say('memory', { ...memory, cached_bytes: total * 0.22, total_bytes: total })
  say('swap', { used_percent: 0, used_bytes: 0, total_bytes: 2 ** 31 })
  for (const [mount, share] of /** @type {const} */ ([
    ['/', 61.4],
    ['/home', 83.2],
  ])) {
    say('disk', { mount, used_percent: share, used_bytes: share * 5e9, total_bytes: 5e11 }, mount)
  }
  for (const [name, scale] of /** @type {const} */ ([
    ['eth0', 1],
    ['lo', 0.1],
  ])) {
    const received = scale * (2.4e6 + 2e6 * Math.sin(s / 11) + 3e5 * Math.random())
    const data = {
      interface: name,
      received_bytes_per_second: received,
      sent_bytes_per_second: received / 5,
    }
    say('network', data, name)
  }
  const writes = Math.random() < 0.1 ? 3e7 * Math.random() : 2e5 * Math.random()
  say(
    'disk.io',
    { device: 'nvme0n1', read_bytes_per_second: 4e4, write_bytes_per_second: writes },
    'nvme0n1',
  )
  say('processes', { count: 213, top: processes(busy) })
  const stats = {
    events_in_per_second: 21 + Math.random(),
    events_out_per_second: 42,
    subscribers: 2,
  }
  const more = {
    feeds: 1,
    lag_ms: 0.4 + Math.random(),
    log_bytes: 4.2e7,
    goroutines: 31,
    heap_bytes: 9.1e6,
  }
  hub.publish('hub.stats', { ...stats, ...more }, { time })
  if (Math.random() < 0.15) {
    const body = 'subscriber joined'
    const attributes = { remote: '127.0.0.1:53812', feed: '>' }
    hub.publish('hub.log', { severity: 'INFO', body, attributes }, { time })
  }
}

/** @param {number} busy */
function processes(busy) {
  const names = [
    'chromium',
    'postgres',
    'streamgauge',
    'node',
    'sshd',
    'systemd',
    'cron',
    'dockerd',
  ]
  return names.map((name, i) => ({
    pid: 812 + i * 331,
    name,
    cpu_percent: Math.max(0, busy / (i + 1.5) + Math.random()),
    memory_bytes: 4.1e8 / (i + 1),
  }))
}

/**
 * Publishes one second's worth of a small web shop.
 * @param {FakeHub} hub @param {number} time
 */
export function publishShop(hub, time) {
  const s = time / 1000
  const visitors = Math.round(520 + 60 * Math.sin(s / 30) + 20 * Math.random())
  hub.publish('site.visitors', { visitors }, { time })
  const p50 = 21 + 4 * Math.sin(s / 14) + 2 * Math.random()
  hub.publish(
    'web.latency',
    { p50_ms: p50, p95_ms: p50 * 2.6, p99_ms: p50 * 5 + 30 * Math.random() },
    { time },
  )
  if (Math.random() < 0.3) {
    const order = {
      id: `o-${Math.floor(s) % 10_000}`,
      total: 23.5,
      currency: 'EUR',
      items: [{ sku: 'a' }],
    }
    hub.publish('shop.orders', order, { time, type: 'order.placed' })
  }
  for (let i = 0; i < 3; i++) {
    const level = LEVELS[Math.floor(Math.random() * LEVELS.length)]
    const attributes = {
      status: level === 'ERROR' ? 502 : 200,
      ms: Math.round(p50),
      trace: 'b7ad6b71',
    }
    const path = ['/', '/cart', '/products/42', '/api/search?q=lamp'][i] ?? '/'
    hub.publish(
      'logs.web',
      { severity: level, body: `GET ${path}`, attributes },
      { time: time + i * 7 },
    )
  }
}
