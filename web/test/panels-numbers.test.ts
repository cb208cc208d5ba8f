import { StreamError, type StreamState } from 'streamgauge'
import { describe, expect, it } from 'vitest'
import type { PanelDefinition, Threshold } from '../src/dashboard/definition'
import { Cadence } from '../src/data/cadence'
import type { Envelope } from '../src/data/envelope'
import { Numbers, type NumbersOptions } from '../src/data/numbers'
import { Rows } from '../src/data/rows'
import { Source } from '../src/data/source'
import { formatNumber, formatSpan } from '../src/data/units'
import { readView } from '../src/data/views'
import { Value } from '../src/page/value'
import { niceRange } from '../src/paint/range'
import { absenceOf, ageOf } from '../src/panels/age'
import { barsOf } from '../src/panels/bars/barsPainter'
import { isolated, toggled } from '../src/panels/chart/Legend'
import { linesOf } from '../src/panels/chart/lines'
import { PlotData } from '../src/panels/chart/plotData'
import { stackInPlace } from '../src/panels/chart/stack'
import { gaugeRange, zonesOf } from '../src/panels/gauge/gaugePainter'
import { bounds125, cellsOf } from '../src/panels/heatmap/cells'
import { Scale } from '../src/panels/heatmap/scale'
import { type Page, shownValue } from '../src/panels/moment'
import { numbersFor } from '../src/panels/numbers'
import { SteadyOrder } from '../src/panels/order'
import { deltaText } from '../src/panels/stat/statPainter'
import { stateOf } from '../src/panels/state'
import { beatLength, beatsOf, stateOfWord } from '../src/panels/status/beats'
import { percent } from '../src/panels/status/statusPainter'
import { compareCells, tableOfNumbers, tableOfRows } from '../src/panels/table/tableModel'
import { nextSorting } from '../src/panels/table/tablePainter'
import { toCSV } from '../src/panels/twin'
import { Timeline } from '../src/time/timeline'

const CHART: PanelDefinition = { type: 'timeseries' }
const COUNT = 'count(shop.orders) by /route every 10s'

/** A page whose now is so many seconds after the epoch. */
function pageAt(seconds: number, state: StreamState = { status: 'live' }): Page {
  const timeline = new Timeline(() => seconds * 1000, 300_000)
  timeline.choose(300_000)
  return { timeline, connection: new Value(state) }
}

/** A page at a time, whose connection has been down since another. */
function cut(at: number, since = at): Page {
  return pageAt(at, {
    status: 'retrying',
    error: new StreamError('connect', 'gone'),
    since: Date.now() - (at - since) * 1000,
  })
}

function event(data: unknown, seconds: number, more: Partial<Envelope> = {}): Envelope {
  const at = seconds * 1000
  return {
    stream: 's',
    match: [],
    id: undefined,
    type: undefined,
    key: undefined,
    at,
    data,
    ...more,
  }
}

/** Rows of a view, as [seconds, data, key]. */
function rows(stream: string, ...of: [number, object, string?][]): Numbers {
  const numbers = new Numbers({ name: stream, window: 300_000 })
  for (const [seconds, data, key] of of) {
    numbers.append(event(data, seconds, { stream, type: 'hub.view', key }), new Cadence())
  }
  return numbers
}

function filled(numbers: Numbers, from: number, to: number, live = true, stack = false) {
  const unit = numbers.series[0]?.label.unit ?? 'count'
  const { lines } = linesOf(numbers, unit, { ...CHART, unit: 'count' })
  const data = new PlotData()
  const known = Number.POSITIVE_INFINITY
  data.fill(numbers, lines, { from: from * 1000, to: to * 1000, live, known }, stack)
  return data
}

const seconds = (times: ArrayLike<number>) => Array.from(times, (t) => t / 1000)

describe('a view’s text', () => {
  it.each([
    [
      'p50,p95(shop.requests /ms) by /route over 5m every 1m30s where data.x < 5',
      90_000,
      'route',
      'ms',
    ],
    ['sum(shop.orders "/total every") every 1h', 3_600_000, undefined, 'count'],
    ['avg(host.cpu /busy_percent)', 10_000, undefined, 'percent'],
    ['count(a.>) where data.text == "by /x every 5m"', 10_000, undefined, 'count'],
  ])('%s says how far its rows are apart and what they measure', (text, every, by, unit) => {
    const facts = readView(text)
    expect({ every: facts?.every, by: facts?.by }).toEqual({ every, by })
    expect(facts?.unitOf('p95')).toBe(unit)
    expect(facts?.unitOf('rate')).toBe('per_second')
  })

  it('is no name', () => {
    expect(readView('shop/revenue')).toBeUndefined()
  })
})

describe('the rows of a view', () => {
  it('replace those of their time and key', () => {
    const numbers = rows(
      COUNT,
      [10, { count: 1 }, '/'],
      [10, { count: 2 }, '/'],
      [10, { count: 5 }, '/b'],
    )
    expect([...numbers.columns.column(0)]).toEqual([2])
    expect([...numbers.columns.column(1)]).toEqual([5])
  })

  it('tell how far they are apart where their name does not', () => {
    const numbers = rows('shop/revenue', [20, { sum: 1 }], [50, { sum: 1 }], [70, { sum: 1 }])
    expect(numbers.series[0]?.grid?.every).toBe(10_000)
    numbers.describe('shop/revenue', 'sum(shop.orders /total) every 5s')
    expect(numbers.series[0]?.grid?.every).toBe(5000)
  })

  it.each([
    ['count', [1, 0, 0, 4]],
    ['rate', [1, 0, 0, 4]],
    ['sum', [1, 0, 0, 4]],
    ['p95', [1, null, null, 4]],
    ['last', [1, null, null, 4]],
  ])('of %s that are missing are %j', (fn, want) => {
    const numbers = rows(`${fn}(a /b) every 10s`, [10, { [fn]: 1 }], [40, { [fn]: 4 }])
    const data = filled(numbers, 10, 55)
    expect(seconds(data.times)).toEqual([10, 20, 30, 40, 50])
    expect([...(data.columns[0] ?? [])].slice(0, 4)).toEqual(want)
  })

  it('are not made up for the time after the connection was lost', () => {
    const numbers = rows('count(a) every 10s', [10, { count: 1 }])
    const { lines } = linesOf(numbers, 'count', CHART)
    const data = new PlotData()
    data.fill(numbers, lines, { from: 10_000, to: 60_000, live: true, known: 32_000 })
    expect([...(data.columns[0] ?? [])]).toEqual([1, 0, null, null, null, null])
  })

  it('whose window was not over when the connection was lost are not drawn as whole', () => {
    const numbers = rows('count(a) every 10s', [10, { count: 20 }], [20, { count: 5 }])
    const { lines } = linesOf(numbers, 'count', CHART)
    const data = new PlotData()
    data.fill(numbers, lines, { from: 10_000, to: 45_000, live: true, known: 25_000 })
    expect([...(data.columns[0] ?? [])]).toEqual([20, null, null, null])
    expect([data.tailAt, ...data.tails]).toEqual([20_000, 5])
  })

  it('whose window is not over are drawn apart, and not at all while time stands still', () => {
    const numbers = rows('count(a) every 10s', [10, { count: 1 }], [20, { count: 7 }])
    const live = filled(numbers, 0, 25)
    expect([...(live.columns[0] ?? [])]).toEqual([1, null])
    expect([live.tailAt, ...live.tails]).toEqual([20_000, 7])
    expect(filled(numbers, 0, 25, false).tailAt).toBeNaN()
  })

  it('of which there is none yet are zero now, and not drawn for the past', () => {
    const numbers = numbersFor({ type: 'stat', view: 'count,p95(a /b) every 10s' }, 'n', 300_000)
    expect(numbers.series.map(({ field }) => field)).toEqual(['count'])
    const data = filled(numbers, 0, 35)
    expect([...(data.columns[0] ?? [])]).toEqual([])
    const [series] = numbers.series
    if (series === undefined) throw new Error('has no series')
    expect(shownValue(numbers, series, pageAt(35))).toBe(0)
    expect(shownValue(numbers, series, pageAt(35, { status: 'connecting' }))).toBeNaN()
    const pointed = pageAt(35)
    pointed.timeline.hover.set(15_000)
    expect(shownValue(numbers, series, pointed)).toBeNaN()
    numbers.append(event({ count: 3 }, 20, { stream: 'v', type: 'hub.view' }), new Cadence())
    expect(numbers.series.length).toBe(1)
    expect(numbersFor({ type: 'stat', view: COUNT }, 'n', 300_000).series).toEqual([])
  })

  it('of several views share one table of times', () => {
    const numbers = rows(
      'count(a) every 10s',
      [10, { count: 1 }],
      [20, { count: 2 }],
      [30, { count: 3 }],
    )
    const stream = 'p95(a /b) every 20s'
    for (const at of [0, 20]) {
      numbers.append(event({ p95: at }, at, { stream, type: 'hub.view' }), new Cadence())
    }
    const data = filled(numbers, 0, 45)
    expect(seconds(data.times)).toEqual([0, 10, 20, 30, 40])
    expect([...(data.columns[1] ?? [])]).toEqual([0, undefined, 20, undefined, null])
  })
})

describe('the value that is shown', () => {
  const counts = () => rows('count(a) every 10s', [10, { count: 1 }], [20, { count: 7 }])
  const shown = (numbers: Numbers, page: Page) =>
    numbers.series[0] === undefined ? Number.NaN : shownValue(numbers, numbers.series[0], page)

  it('of a count is that of the last whole window', () => {
    expect(shown(counts(), pageAt(25))).toBe(1)
    expect(shown(counts(), pageAt(31))).toBe(7)
  })

  it('of a count is zero when nothing happened, unless nobody would have heard of it', () => {
    expect(shown(counts(), pageAt(45))).toBe(0)
    const down = { status: 'connecting' } as const
    expect(shown(counts(), pageAt(45, down))).toBeNaN()
  })

  it.each(['avg', 'p95', 'max'])('of %s is the last whole one, until that is too old', (fn) => {
    const numbers = rows(`${fn}(a /b) every 10s`, [10, { [fn]: 1 }], [20, { [fn]: 7 }])
    expect(shown(numbers, pageAt(25))).toBe(1)
    expect(shown(numbers, pageAt(31))).toBe(7)
    expect(shown(numbers, pageAt(65))).toBe(7)
    expect(shown(numbers, pageAt(95))).toBeNaN()
    expect(shown(numbers, cut(900, 25))).toBe(1)
  })

  it('of a mean is what there is of it while no window is whole', () => {
    const first = rows('avg(a /b) every 10s', [20, { avg: 7 }])
    expect(shown(first, pageAt(25))).toBe(7)
    const again = rows('avg(a /b) every 10s', [20, { avg: 7 }], [200, { avg: 9 }])
    expect(shown(again, pageAt(205))).toBe(9)
    const paused = pageAt(300)
    paused.timeline.pause(205_000)
    expect(shown(again, paused)).toBeNaN()
  })

  it('is the newest where windows slide, are long, or have the last value', () => {
    for (const text of ['avg(a /b) over 1m every 10s', 'avg(a /b) every 10m', 'last(a /b)']) {
      const fn = text.split('(')[0] as string
      const every = text.includes('10m') ? 600 : 10
      const numbers = rows(text, [every, { [fn]: 1 }], [2 * every, { [fn]: 7 }])
      expect(shown(numbers, pageAt(2.5 * every))).toBe(7)
    }
  })

  it('is that of the last window known to be whole once the connection broke', () => {
    for (const at of [26, 31, 45, 900]) expect(shown(counts(), cut(at, 25))).toBe(1)
    expect(shown(counts(), cut(45, 31))).toBe(7)
    expect(shown(counts(), cut(900, 45))).toBe(0)
    const pointed = cut(900, 45)
    pointed.timeline.hover.set(47_000)
    expect(shown(counts(), pointed)).toBeNaN()
  })

  it('of a long window is what it had come to when the connection broke', () => {
    const orders = rows('count(a) every 1h', [0, { count: 50 }], [3600, { count: 3 }])
    expect(shown(orders, cut(3700, 3660))).toBe(3)
    expect(shown(orders, cut(7300, 3660))).toBe(3)
  })

  it('of windows that slide is the newest before the connection broke', () => {
    const sliding = rows('count(a) over 1m every 10s', [10, { count: 1 }], [20, { count: 7 }])
    expect(shown(sliding, cut(45, 25))).toBe(7)
  })

  it('is that of the instant pointed at, and never later than the page’s now', () => {
    const page = pageAt(45)
    page.timeline.hover.set(17_000)
    expect(shown(counts(), page)).toBe(1)
    page.timeline.hover.set(undefined)
    page.timeline.pause(26_000)
    expect(shown(counts(), page)).toBe(1)
  })

  it('of plain events is the newest that is not later', () => {
    const numbers = new Numbers({ name: 's', window: 60_000 })
    for (const at of [1, 2, 3]) numbers.append(event(at * 10, at), new Cadence())
    expect(shown(numbers, pageAt(2.5))).toBe(20)
  })
})

describe('the age of a view', () => {
  const view = (text: string, ...at: number[]) => {
    const source = new Source(text, 300_000)
    const [fn = ''] = text.split('(')
    for (const t of at) source.append(event({ [fn]: 1 }, t, { stream: text, type: 'hub.view' }))
    return source
  }
  const REGULAR = [0, 10, 20]
  const IRREGULAR = [0, 10, 20, 30, 200, 210, 220, 500]
  const RARE = [0, 200, 400, 600, 800, 1000]

  it.each<[string, string, number[], Page, string]>([
    ['is expected every so often from the first row on', 'avg', REGULAR, pageAt(40), 'fresh'],
    ['is late when a whole window is missing', 'avg', REGULAR, pageAt(42), 'late'],
    ['is stale after five', 'avg', REGULAR, pageAt(72), 'stale'],
    ['is nothing where rows come irregularly', 'avg', IRREGULAR, pageAt(1000), 'fresh'],
    ['counts from the cut then', 'avg', IRREGULAR, cut(1000, 985), 'fresh'],
    ['counts on while nothing can come', 'avg', IRREGULAR, cut(1000, 975), 'late'],
    ['of a count is none while one would hear of it', 'count', REGULAR, pageAt(900), 'fresh'],
    ['of a count begins with the cut', 'count', REGULAR, cut(900, 885), 'fresh'],
    ['of a count is late then', 'count', REGULAR, cut(900, 875), 'late'],
    ['of a count is stale at last', 'count', REGULAR, cut(900, 840), 'stale'],
    [
      'of a count is late then, however rarely there is one',
      'count',
      RARE,
      cut(1200, 1175),
      'late',
    ],
    [
      'is that of a closed connection too',
      'count',
      REGULAR,
      pageAt(90, { status: 'closed' }),
      'stale',
    ],
  ])('%s', (_, fn, at, page, want) => {
    expect(ageOf(view(`${fn}(a /b) every 10s`, ...at), page).state).toBe(want)
  })
})

describe('a stack', () => {
  it('adds up, carries what has no value of its own, and breaks at gaps', () => {
    const columns = [
      [1, 1, null, 1],
      [2, undefined, 2, null],
      [3, 3, 3, 3],
    ]
    stackInPlace(columns)
    expect(columns).toEqual([
      [1, 1, null, 1],
      [3, 3, 2, null],
      [6, 6, 5, 4],
    ])
  })

  it('of a view counts windows that are not over too', () => {
    const numbers = rows(COUNT, [10, { count: 1 }, 'a'], [10, { count: 2 }, 'b'])
    expect([...filled(numbers, 0, 15, true, true).tails]).toEqual([1, 3])
  })
})

describe('the legend', () => {
  const all = ['a', 'b', 'c']
  it('shows one line alone, then all again', () => {
    const alone = isolated(new Set(), 'b', all)
    expect([...alone]).toEqual(['a', 'c'])
    expect([...isolated(alone, 'b', all)]).toEqual([])
    expect([...isolated(alone, 'a', all)]).toEqual(['b', 'c'])
  })

  it('hides and shows lines, but never all', () => {
    expect([...toggled(new Set(['a']), 'b', all)]).toEqual(['a', 'b'])
    expect([...toggled(new Set(['a']), 'a', all)]).toEqual([])
    expect([...toggled(new Set(['a', 'b']), 'c', all)]).toEqual(['a', 'b'])
  })
})

describe('thresholds', () => {
  const up: Threshold[] = [
    { at: 80, state: 'warn' },
    { at: 90, state: 'bad' },
  ]
  const down: Threshold[] = [
    { at: 20, state: 'warn', below: true },
    { at: 10, state: 'bad', below: true },
  ]
  it.each<[number, Threshold[], string | undefined]>([
    [79.9, up, undefined],
    [80, up, 'warn'],
    [95, [...up].reverse(), 'bad'],
    [20, down, 'warn'],
    [5, down, 'bad'],
    [21, down, undefined],
    [50, [...up, ...down], undefined],
    [Number.NaN, up, undefined],
  ])('of %d give the state that the farthest one says', (value, thresholds, want) => {
    expect(stateOf(value, thresholds)).toBe(want)
  })

  it('are zones of a gauge', () => {
    expect(zonesOf({ type: 'gauge', thresholds: up }, 0, 100)).toEqual([
      { from: 0.8, to: 0.9 },
      { from: 0.9, to: 1 },
    ])
    expect(zonesOf({ type: 'gauge', thresholds: down }, 0, 100)).toEqual([
      { from: 0.1, to: 0.2 },
      { from: 0, to: 0.1 },
    ])
  })
})

describe('bounds', () => {
  it.each<[number, number, { min?: number; max?: number }, number, number]>([
    [10, 40, { min: 0, max: 100 }, 0, 100],
    [10, 140, { max: 100 }, 0, 200],
    [-5, 40, { min: 0, max: 100 }, -30, 100],
    [430, 450, { min: 0 }, 0, 500],
  ])('for %d to %d within %j are %d and %d', (min, max, bounds, low, high) => {
    const range = niceRange(min, max, 'count', bounds)
    expect(range.low).toBeLessThanOrEqual(Math.min(low, min))
    expect(range.high).toBeGreaterThanOrEqual(max)
    expect({ low: range.low, high: range.high }).toEqual({ low, high })
  })

  it('of a gauge are its unit’s, or reach its thresholds', () => {
    expect(gaugeRange({ type: 'gauge' }, 'percent', 3, 4)).toMatchObject({ low: 0, high: 100 })
    const { high } = gaugeRange(
      { type: 'gauge', thresholds: [{ at: 800, state: 'bad' }] },
      'ms',
      3,
      4,
    )
    expect(high).toBeGreaterThanOrEqual(800)
  })
})

describe('a number', () => {
  it.each([
    [1234.5, 'count', 0, '1', 'k'],
    [1234.5, 'count', 2, '1.23', 'k'],
    [0.123456, 'ratio', 1, '12.3', '%'],
    [12, 'usd', 2, '$12.00', ''],
    [7433.4, 'eur', undefined, '7\u2009433', '€'],
    [12.5, 'usd', undefined, '$12.50', ''],
    [-3.21, 'celsius', 0, '−3', '°C'],
  ])('%d in %s with %d decimals is %s %s', (n, unit, decimals, value, shown) => {
    expect(formatNumber(n, unit, decimals)).toEqual({ value, unit: shown })
  })

  it.each([
    [300_000, '5 minutes'],
    [60_000, '1 minute'],
    [90_000, '90 seconds'],
    [86_400_000, '1 day'],
  ])('of %d ms is said as %s', (ms, want) => {
    expect(formatSpan(ms)).toBe(want)
  })

  it.each([
    [110, 100, 'count', '↗ +10 %'],
    [90, 100, 'count', '↘ −10 %'],
    [52, 50, 'percent', '↗ +2.0 pt'],
    [0.2, 0.5, 'ratio', '↘ −30 pt'],
    [100.1, 100, 'count', '→ ±0 %'],
    [5, 0, 'count', ''],
    [5, Number.NaN, 'count', ''],
  ])('%d after %d in %s differs by %s', (now, then, unit, want) => {
    expect(deltaText(now, then, unit)).toBe(want)
  })
})

describe('an order', () => {
  const by = (values: Record<string, number>) => (a: string, b: string) =>
    (values[b] ?? 0) - (values[a] ?? 0)

  it('changes at most once a second, and not while it is held', () => {
    const order = new SteadyOrder<string>()
    expect(order.of(['a', 'b'], by({ a: 1, b: 2 }), 0)).toEqual(['b', 'a'])
    expect(order.of(['a', 'b'], by({ a: 3, b: 2 }), 500)).toEqual(['b', 'a'])
    order.hold(true)
    expect(order.of(['a', 'b'], by({ a: 3, b: 2 }), 1500)).toEqual(['b', 'a'])
    order.hold(false)
    expect(order.of(['a', 'b'], by({ a: 3, b: 2 }), 1600)).toEqual(['a', 'b'])
  })

  it('takes what is new last, lets go of what is gone, and obeys a reader at once', () => {
    const order = new SteadyOrder<string>()
    order.of(['a', 'b'], by({ b: 1 }), 0)
    expect(order.of(['c', 'b'], by({ c: 9 }), 10)).toEqual(['b', 'c'])
    order.hold(true)
    expect(order.of(['c', 'b'], by({ c: 9 }), 20, 'other')).toEqual(['c', 'b'])
  })
})

describe('bars', () => {
  it('are of the keys that have a value at the moment', () => {
    const stream = 'p95(a /ms) by /route every 10s'
    const numbers = rows(stream, [10, { p95: 1 }, '/old'], [90, { p95: 2 }, '/new'])
    const bars = barsOf(numbers, { type: 'bars', labels: { '/new': 'New' } }, pageAt(99))
    expect(bars.map(({ name, value }) => [name, value])).toEqual([['New', 2]])
  })

  it('that are all gone leave a word', () => {
    const source = new Source('s', 300_000)
    const stream = 'p95(a /ms) by /route every 10s'
    source.append(event({ p95: 1 }, 10, { stream, type: 'hub.view', key: '/' }))
    expect(absenceOf(source, pageAt(25))).toBe('')
    expect(absenceOf(source, pageAt(250))).toBe('Nothing for 4 min')
    const page = pageAt(250)
    page.timeline.hover.set(5000)
    expect(absenceOf(source, page)).toBe('Nothing at this time')
    page.timeline.hover.set(undefined)
    page.timeline.pause(200_000)
    expect(absenceOf(source, page)).toBe('Nothing at this time')
  })
})

describe('a table', () => {
  const keyed = (...of: [number, unknown, string?][]) => {
    const table = new Rows({ keyed: true })
    for (const [at, data, key] of of) table.append(event(data, at, { key }))
    return table
  }
  const cells = (table: {
    columns: readonly { field: string }[]
    rows: readonly { value(f: string): unknown }[]
  }) => table.rows.map((row) => table.columns.map(({ field }) => row.value(field)))

  it('of keyed events has a row for each key, as it was at the moment', () => {
    const content = keyed(
      [1, { load: 1, os: { name: 'a' } }, 'n10'],
      [2, { load: 2 }, 'n2'],
      [3, { load: 3 }, 'n10'],
    )
    const definition: PanelDefinition = { type: 'table', columns: [{ field: '/load' }] }
    expect(cells(tableOfRows(content, definition, pageAt(5)))).toEqual([
      ['n2', 2, 3000],
      ['n10', 3, 2000],
    ])
    const then = pageAt(5)
    then.timeline.hover.set(2500)
    expect(
      cells(tableOfRows(content, { type: 'table' }, then))
        .at(-1)
        ?.slice(0, 3),
    ).toEqual(['n10', 1, 'a'])
  })

  it('of views has a row for each group and a column for each function', () => {
    const numbers = rows(COUNT, [10, { count: 5 }, '/a'], [10, { count: 6 }, '/b'])
    const stream = 'p95(shop.orders /ms) by /route every 10s'
    numbers.append(event({ p95: 9 }, 10, { stream, type: 'hub.view', key: '/b' }), new Cadence())
    const table = tableOfNumbers(numbers, { type: 'table', view: COUNT }, pageAt(21))
    expect(table.columns.map(({ label }) => label)).toEqual(['route', 'count', 'p95'])
    expect(cells(table)).toEqual([
      ['/a', 5, undefined],
      ['/b', 6, 9],
    ])
  })

  it('bounds what it keeps', () => {
    const content = keyed()
    for (let i = 0; i < 3000; i++) content.append(event({ n: i }, i, { key: String(i % 1500) }))
    expect(content.rowsUntil(1e9).length).toBe(1000)
    expect(content.more).toBe(1000)
    for (let i = 0; i < 3000; i++) content.append(event({ n: i }, i, { key: '1' }))
    expect(content.historyOf('1').length).toBeLessThanOrEqual(600)
  })

  it.each<[unknown, unknown, number]>([
    [2, 10, -1],
    ['n2', 'n10', -1],
    [undefined, 0, 1],
    [Number.NaN, 0, 1],
    ['a', 'a', 0],
  ])('sorts %s before or after %s', (a, b, sign) => {
    expect(Math.sign(compareCells(a, b))).toBe(sign)
  })

  it('is sorted one way, the other way, and then not any more', () => {
    const column = { field: 'n', label: 'n', unit: undefined, number: true, spark: false }
    const once = nextSorting(undefined, column)
    const twice = nextSorting(once, column)
    expect([once, twice, nextSorting(twice, column)]).toEqual([
      { field: 'n', descending: true },
      { field: 'n', descending: false },
      undefined,
    ])
  })
})

describe('states over time', () => {
  const history = (options: Partial<NumbersOptions>, ...of: [number, unknown][]) => {
    const numbers = new Numbers({ name: 's', window: 300_000, states: true, ...options })
    for (const [at, data] of of) numbers.append(event(data, at), new Cadence())
    return numbers
  }
  const beats = (numbers: Numbers, from: number, to: number, hold = 60) =>
    beatsOf(
      {
        columns: numbers.columns,
        column: 0,
        from: from * 1000,
        to: to * 1000,
        hold: hold * 1000,
        stateOf: (n) => stateOfWord(numbers.stateOf(n) ?? ''),
      },
      10_000,
    )

  it('are the worst of each part, hold until the next, and are unknown in gaps', () => {
    const numbers = history({}, [0, 'up'], [12, 'down'], [15, 'up'], [30, null], [40, 'up'])
    const { states, uptime } = beats(numbers, 0, 50)
    expect(states).toEqual(['good', 'bad', 'good', undefined, 'good'])
    expect(uptime).toBeCloseTo(37 / 40)
  })

  it('are not known when they have not been said for too long', () => {
    const { states } = beats(history({}, [0, 'up']), 0, 50, 15)
    expect(states).toEqual(['good', 'good', undefined, undefined, undefined])
  })

  it.each([
    ['UP', 'good'],
    ['false', 'bad'],
    ['degraded', 'warn'],
    ['whatever', 'idle'],
    ['maintenance', 'warn'],
  ])('are words: %s is %s', (word, state) => {
    expect(stateOfWord(word, { maintenance: 'warn' })).toBe(state)
  })

  it('are so long that clocks know them', () => {
    expect(beatLength(300_000, 50)).toBe(10_000)
    expect(beatLength(86_400_000, 60)).toBe(1_800_000)
  })

  it('never round a failure away', () => {
    expect([percent(1), percent(0.99999), percent(0.5)]).toEqual(['100 %', '99.99 %', '50.0 %'])
  })

  it('are found in an event’s data', () => {
    const numbers = numbersFor({ type: 'status' }, 's', 300_000, true)
    numbers.append(event({ service: 'web', status: 'up', ms: 5 }, 1, { key: 'web' }), new Cadence())
    expect(numbers.series.map(({ field, key }) => [field, key])).toEqual([['status', 'web']])
  })

  it('are bounded', () => {
    const numbers = history({})
    for (let i = 0; i < 1000; i++) numbers.append(event(`word ${i}`, i), new Cadence())
    expect(numbers.stateOf(63)).toBe('word 63')
    expect(numbers.stateOf(64)).toBeUndefined()
  })
})

describe('a heatmap', () => {
  const range = { from: 0, to: 25_000, live: true, known: Number.POSITIVE_INFINITY }

  it('has a row for each bucket, those between that are empty too', () => {
    const stream = 'histogram(a /ms) every 10s'
    const numbers = rows(
      stream,
      [
        0,
        {
          histogram: [
            [1, 4],
            [10, 2],
          ],
        },
      ],
      [10, { histogram: [[10, 3]] }],
    )
    const cells = cellsOf(numbers, { type: 'heatmap' }, range)
    expect(cells.rows.map(({ upper }) => upper)).toEqual([1, 2, 5, 10])
    expect(cells.columns).toBe(3)
    const row = (i: number) => [...cells.values.subarray(3 * i, 3 * i + 2)]
    expect([row(0), row(1), row(3)]).toEqual([
      [4, 0],
      [Number.NaN, Number.NaN],
      [2, 3],
    ])
    expect(cells.max).toBe(4)
  })

  it('of plain events has the mean of each part of time', () => {
    const numbers = new Numbers({ name: 's', window: 60_000 })
    for (const [at, n] of [
      [1, 10],
      [1.5, 20],
      [2, 5],
    ] as const)
      numbers.append(event(n, at), new Cadence())
    const { values, length } = cellsOf(numbers, { type: 'heatmap' }, range)
    expect(length).toBe(1000)
    expect([...values.subarray(0, 3)]).toEqual([Number.NaN, 15, 5])
  })

  it('knows the bounds between two', () => {
    expect(bounds125(0.5, 20)).toEqual([1, 2, 5, 10])
    expect(bounds125(5, 5)).toEqual([])
    expect(bounds125(0, 100)).toEqual([])
  })

  it('has colours from the first to the last stop', () => {
    const scale = new Scale(['#000', '#777', '#fff'])
    expect(scale.at(0)).toBe('color-mix(in oklab, #777 0.0%, #000)')
    expect(scale.at(1)).toBe('color-mix(in oklab, #fff 100.0%, #777)')
    expect(new Scale(['#000', '#fff'], 0.5).at(0.25)).toBe(new Scale(['#000', '#fff']).at(0.5))
    expect(scale.at(2)).toBe(scale.at(1))
  })
})

describe('CSV', () => {
  it('has times in full, empty cells, and text that is no formula', () => {
    const csv = toCSV({
      columns: [{ name: 'time', unit: 'time' }, { name: 'a "b"' }, { name: 'n', unit: 'ms' }],
      rows: [
        [0, 'x,y', 1.5],
        [1000, '=HYPERLINK("http://x")', Number.NaN],
        [2000, 'two\nlines', undefined],
        [3000, '-1', -1],
      ],
    })
    expect(csv.split('\r\n')).toEqual([
      'time,"a ""b""",n',
      '1970-01-01T00:00:00.000Z,"x,y",1.5',
      '1970-01-01T00:00:01.000Z,"\'=HYPERLINK(""http://x"")",',
      '1970-01-01T00:00:02.000Z,"two\nlines",',
      "1970-01-01T00:00:03.000Z,'-1,-1",
      '',
    ])
  })
})
