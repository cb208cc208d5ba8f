import { StreamError } from 'streamgauge'
import { matches } from 'streamgauge/live'
import { describe, expect, it } from 'vitest'
import type { DashboardDefinition, PanelDefinition } from '../src/dashboard/definition'
import { resolve } from '../src/dashboard/variables'
import { Clock } from '../src/data/clock'
import { Seen } from '../src/data/seen'
import { Traffic } from '../src/data/traffic'
import { changeOf } from '../src/editor/PanelForm'
import { formatDuration, parseAddress, parseDuration } from '../src/page/address'
import { say } from '../src/page/ConnectionPill'
import { nameFor } from '../src/page/Dialogs'
import { Page, type Plan } from '../src/page/page'
import { Timeline } from '../src/time/timeline'

describe('the connection pill', () => {
  const retrying = (since: number, kind: 'closed' | 'connect' = 'connect') =>
    ({ status: 'retrying', since, retryAt: 0, error: new StreamError(kind, 'why') }) as const

  const plain = { mode: { kind: 'live' }, degraded: false } as const

  it('says what is the case', () => {
    expect(say({ status: 'connecting' }, plain, 0).word).toBe('Connecting')
    expect(say({ status: 'live' }, plain, 0).word).toBe('Live')
    const paused = { ...plain, mode: { kind: 'paused', at: 0 } } as const
    expect(say({ status: 'live' }, paused, 0).word).toBe('Paused')
    const replay = { ...plain, mode: { kind: 'replay', speed: 5 } } as const
    expect(say({ status: 'live' }, replay, 0).word).toBe('Replay 5×')
    const degraded = { ...plain, degraded: true }
    expect(say({ status: 'live' }, degraded, 0).word).toBe('Degraded')
    expect(say({ status: 'live' }, { ...plain, ended: true }, 0).word).toBe('Signed out')
    expect(say(retrying(0), plain, 500).word).toBe('Reconnecting')
    expect(say(retrying(0, 'closed'), plain, 500).word).toBe('Live')
    expect(say(retrying(0, 'closed'), plain, 1500).word).toBe('Reconnecting')
    expect(say(retrying(0), plain, 31_000).word).toMatch(/^Offline since \d\d:\d\d$/)
  })
})

describe('selectors', () => {
  it.each([
    ['>', 'a.b', true],
    ['logs.*', 'logs.web', true],
    ['logs.*', 'logs.web.x', false],
    ['logs.>', 'logs.web.x', true],
    ['logs.>', 'logs', false],
    ['a.b', 'a.b', true],
    ['a.b', 'a', false],
  ])('%s matches %s: %s', (selector, stream, want) => {
    expect(matches(selector, stream)).toBe(want)
  })
})

describe('the timeline', () => {
  const at = (start: number) => {
    let now = start
    const timeline = new Timeline(() => now, 300_000)
    return { timeline, pass: (ms: number) => (now += ms) }
  }

  it('follows the server’s clock, and stands still when paused', () => {
    const { timeline, pass } = at(1_000_000)
    expect(timeline.now).toBe(1_000_000)
    timeline.toggle()
    pass(5000)
    expect(timeline.now).toBe(1_000_000)
    expect(timeline.behind).toBe(5000)
    timeline.toggle()
    expect(timeline.now).toBe(1_005_000)
    expect(timeline.behind).toBe(0)
  })

  it('replays at a speed from where it stands, and is live when it has caught up', async () => {
    const { timeline, pass } = at(1_000_000)
    timeline.step(-60_000)
    timeline.replay(10)
    pass(2000)
    expect(timeline.now).toBe(960_000)
    pass(10_000)
    expect(timeline.now).toBe(1_012_000)
    await Promise.resolve()
    expect(timeline.mode.get().kind).toBe('live')
  })

  it('never stands in the future', () => {
    const { timeline } = at(1_000_000)
    timeline.step(5000)
    expect(timeline.now).toBe(1_000_000)
  })

  it('reaches back as far as there is anything, unless a window was chosen', () => {
    const { timeline } = at(1_000_000)
    timeline.reset(300_000, 600_000)
    expect(timeline.span).toEqual({ from: 940_000, to: 1_000_000 })
    timeline.note(880_000)
    timeline.note(900_000)
    expect(timeline.span.from).toBe(880_000)
    timeline.note(1000) // long before what was asked for
    expect(timeline.span.from).toBe(880_000)
    timeline.note(500_000)
    expect(timeline.span.from).toBe(700_000)
    timeline.step(-100_000)
    expect(timeline.span).toEqual({ from: 600_000, to: 900_000 })
    timeline.live()
    timeline.choose(900_000)
    expect(timeline.span.from).toBe(100_000)
  })
})

describe('the address', () => {
  it('says which page, which window and which choices', () => {
    const address = parseAddress(
      'http://h/base/shop?window=15m&var.country=de&stream=a&stream=b&kiosk',
      'http://h/base/index.html',
    )
    expect(address).toMatchObject({
      page: 'shop',
      window: 900_000,
      choices: { country: 'de' },
      streams: ['a', 'b'],
      kiosk: true,
      embed: false,
      from: undefined,
    })
    expect(parseAddress('http://h/everything', 'http://h/').page).toBe('')
  })

  it.each([
    ['90s', 90_000],
    ['15m', 900_000],
    ['1h', 3_600_000],
    ['7d', 604_800_000],
  ])('has the duration %s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
    expect(formatDuration(ms)).toBe(text === '90s' ? '90s' : text)
  })

  it.each(['', '15', 'm', '-1m', '1.5h', null])('takes %s for no duration', (text) => {
    expect(parseDuration(text)).toBeUndefined()
  })
})

describe('variables', () => {
  const panel: PanelDefinition = {
    type: 'log',
    title: 'Log of $service',
    stream: ['logs.$service'],
    view: ['count(shop.$service) every 10s where data.country == $country'],
    filter: '$country in ["", data.country]',
  }

  it('are tokens in selectors, literals in conditions, and words in titles', () => {
    expect(resolve(panel, { service: 'web', country: 'd"e' })).toMatchObject({
      title: 'Log of web',
      stream: ['logs.web'],
      view: ['count(shop.web) every 10s where data.country == "d\\"e"'],
      filter: '"d\\"e" in ["", data.country]',
    })
  })

  it('stand for everything when nothing is chosen', () => {
    expect(resolve(panel, { service: '', country: '' })).toMatchObject({
      stream: ['logs.*'],
      filter: '"" in ["", data.country]',
    })
  })

  it('leave alone what is no variable', () => {
    expect(resolve({ type: 'text', text: 'costs $price' }, {}).text).toBe('costs $price')
  })
})

describe('what has been seen', () => {
  it('is not new again, stream by stream', () => {
    const seen = new Seen()
    expect(seen.isNew('a', 'e-5')).toBe(true)
    expect(seen.isNew('a', 'e-5')).toBe(false)
    expect(seen.isNew('a', 'e-4')).toBe(false)
    expect(seen.isNew('b', 'e-4')).toBe(true)
    expect(seen.isNew('a', undefined)).toBe(true)
  })
})

describe('traffic', () => {
  it('is a rate over ten seconds, of live events only', () => {
    const t = new Traffic()
    for (let i = 0; i < 50; i++) t.note(i, 100_000, false)
    for (let i = 0; i < 20; i++) t.note(100_000 + 100 * i, 100_000 + 100 * i, true)
    expect(t.rate(101_900)).toBe(2)
    expect(t.rate(120_000)).toBe(0)
    expect(t.count).toBe(70)
  })
})

describe('a page', () => {
  const sink = { changed: () => {}, outlined: () => {}, noted: () => {} }
  const dashboard: DashboardDefinition = {
    title: 'T',
    views: { rate: 'rate(shop.orders) every 10s' },
    annotations: [{ stream: 'shop.deploys', text: '/version' }],
    rows: [
      {
        panels: [
          { type: 'stat', view: ['rate'], width: 3 },
          { type: 'log', stream: ['logs.>'], filter: 'data.n > 3' },
          { type: 'log', stream: ['logs.web'] },
          { type: 'text', text: 'x' },
        ],
      },
    ],
  }
  const plan: Plan = { dashboard, name: 'shop', choices: {}, everything: [], window: 60_000 }
  const newPage = (p: Plan = plan) => Page.for(p, sink, new Clock())
  const message = (data: unknown) => ({
    type: 'message',
    data: JSON.stringify(data),
    id: undefined,
    lastEventId: '',
  })

  it('asks for what its panels want, once', () => {
    expect(newPage().want).toEqual({
      streams: ['logs.> where data.n > 3', 'logs.web', 'shop.deploys'],
      views: ['shop/rate'],
      since: 120_000,
    })
  })

  it('asks for a named view by its text where that depends on a choice', () => {
    const views = { rate: 'rate(shop.orders) where $country in ["", data.country]' }
    const page = newPage({
      ...plan,
      dashboard: { ...dashboard, views },
      choices: { country: 'de' },
    })
    expect(page.want.views).toEqual(['rate(shop.orders) where "de" in ["", data.country]'])
  })

  it('gives every panel what it asked for, and marks what annotates', () => {
    const page = newPage()
    const [, filtered, whole] = page.rows[0]?.items.map((item) => item.source) ?? []
    page.board.receive(message({ stream: 'logs.web', id: 'e-1', data: { n: 1 } }))
    page.board.receive(
      message({
        stream: 'logs.web',
        id: 'e-2',
        match: ['logs.> where data.n > 3'],
        data: { n: 4 },
      }),
    )
    page.board.receive(message({ stream: 'logs.web', id: 'e-2', data: { n: 4 } })) // again
    page.board.receive(message({ stream: 'shop.deploys', id: 'e-3', data: { version: '1.4' } }))
    expect([filtered?.count, whole?.count]).toEqual([1, 2])
    expect(page.marks.map((mark) => mark.text)).toEqual(['1.4'])
    expect(page.marks).toBe(page.marks)
  })

  it('keeps its data when panels are only arranged differently', () => {
    const page = newPage()
    const [row] = dashboard.rows
    const [a, b, c, d] = row?.panels ?? []
    const moved = {
      ...dashboard,
      rows: [{ panels: [c, { ...a, width: 6 }, b, d] as PanelDefinition[] }],
    }
    const other = page.rearranged({ ...plan, dashboard: moved })
    expect(other?.board).toBe(page.board)
    expect(other?.rows[0]?.items[0]?.source).toBe(page.rows[0]?.items[2]?.source)
    const changed = {
      ...dashboard,
      rows: [{ panels: [{ ...c, stream: ['x'] }] as PanelDefinition[] }],
    }
    expect(page.rearranged({ ...plan, dashboard: changed })).toBeUndefined()
    expect(page.rearranged({ ...plan, window: 900_000 })).toBeUndefined()
  })
})

describe('a change in the editor', () => {
  const panel: PanelDefinition = { type: 'timeseries', stream: ['a'], style: 'area', stack: true }

  it('sets, replaces and removes', () => {
    expect(changeOf('/p', panel, 'unit', 'ms')).toEqual([
      { op: 'add', path: '/p/unit', value: 'ms' },
    ])
    expect(changeOf('/p', panel, 'stack', undefined)).toEqual([{ op: 'remove', path: '/p/stack' }])
    expect(changeOf('/p', panel, 'unit', undefined)).toEqual([])
  })

  it('shows views in place of streams', () => {
    expect(changeOf('/p', panel, 'view', 'count(a)')).toEqual([
      { op: 'remove', path: '/p/stream' },
      { op: 'add', path: '/p/view', value: 'count(a)' },
    ])
  })

  it('gives every type something to show', () => {
    const text: PanelDefinition = { type: 'text', text: 'x' }
    expect(changeOf('/p', text, 'type', 'log')).toEqual([
      { op: 'remove', path: '/p/text' },
      { op: 'add', path: '/p/stream', value: 'hub.stats' },
      { op: 'add', path: '/p/type', value: 'log' },
    ])
    const stat: PanelDefinition = { type: 'stat', view: ['count(a)'] }
    expect(changeOf('/p', stat, 'type', 'log').map((o) => `${o.op} ${o.path}`)).toEqual([
      'remove /p/view',
      'add /p/stream',
      'add /p/type',
    ])
  })

  it('takes away what another type has not', () => {
    expect(changeOf('/p', panel, 'type', 'gauge')).toEqual([
      { op: 'remove', path: '/p/style' },
      { op: 'remove', path: '/p/stack' },
      { op: 'add', path: '/p/type', value: 'gauge' },
    ])
  })
})

describe('a new dashboard', () => {
  it.each([
    ['Shop: today', 'shop-today'],
    ['Über uns!', 'uber-uns'],
    ['  ', ''],
  ])('%s is the file %s', (title, name) => {
    expect(nameFor(title)).toBe(name)
  })
})
