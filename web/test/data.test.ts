import { describe, expect, it } from 'vitest'
import { arrange, pack } from '../src/data/arrange'
import { Board } from '../src/data/board'
import { Cadence, freshness } from '../src/data/cadence'
import { Clock } from '../src/data/clock'
import { Columns, GAP } from '../src/data/columns'
import type { Envelope } from '../src/data/envelope'
import { shapeOf } from '../src/data/shape'
import { Source } from '../src/data/source'

function event(data: unknown, more: Partial<Envelope> = {}): Envelope {
  return {
    stream: 's',
    id: undefined,
    type: undefined,
    key: undefined,
    at: 0,
    data,
    match: [],
    ...more,
  }
}

describe('the shape of data', () => {
  it.each([
    ['a number', 5, 'numbers'],
    ['an object of numbers', { visitors: 523 }, 'numbers'],
    ['numbers with a label', { interface: 'eth0', received: 1, sent: 2 }, 'numbers'],
    ['a line of text', 'GET /', 'log'],
    ['an OpenTelemetry record', { severity: 'INFO', body: 'x', attributes: { a: 1 } }, 'log'],
    ['a slog record', { time: 't', level: 'INFO', msg: 'x', n: 1 }, 'log'],
    ['a pino record', { level: 30, time: 1, msg: 'x' }, 'log'],
    ['an array of flat objects', [{ a: 1 }, { a: 2 }], 'rows'],
    ['a total with an array of flat objects', { count: 2, top: [{ pid: 1, name: 'a' }] }, 'rows'],
    ['an order with its items', { id: 'o', total: 2, items: [{ sku: 'a' }] }, 'other'],
    ['a nested object', { a: { b: 1 } }, 'other'],
    ['more words than numbers', { id: 'o', currency: 'EUR', total: 2 }, 'other'],
    ['an array of numbers', [1, 2], 'other'],
    ['null', null, 'other'],
    ['true', true, 'other'],
    ['an empty object', {}, 'other'],
  ])('of %s', (_, data, want) => {
    expect(shapeOf(data)).toBe(want)
  })
})

describe('columns', () => {
  const filled = (rows: number, window = 1e9, max = 64) => {
    const c = new Columns(window, max)
    const column = c.addColumn()
    for (let i = 0; i < rows; i++) c.set(i, [[column, i]])
    return c
  }

  it('hold what was set, by rising time', () => {
    const c = new Columns(100)
    const [a, b] = [c.addColumn(), c.addColumn()]
    c.set(2, [[a, 20]])
    c.set(1, [[a, 10]])
    c.set(2, [[b, 21]])
    expect([...c.times]).toEqual([1, 2])
    expect([...c.column(a)]).toEqual([10, 20])
    expect([...c.column(b)]).toEqual([Number.NaN, 21])
  })

  it('keep two values of one time apart', () => {
    const c = new Columns(100)
    const a = c.addColumn()
    c.set(1, [[a, 1]])
    c.set(1, [[a, 2]])
    expect([...c.column(a)]).toEqual([1, 2])
  })

  it('never hold more rows than allowed', () => {
    for (const n of [64, 65, 1000, 10_000]) expect(filled(n).length).toBeLessThanOrEqual(64)
  })

  it('let go of what is older than the window, but for one row', () => {
    const c = filled(10_000, 20)
    expect(c.times[0]).toBeGreaterThan(9_999 - 64)
    expect(c.times.at(-1)).toBe(9_999)
    expect(c.length).toBeGreaterThanOrEqual(21)
  })

  it('keep a peak when they make room', () => {
    const c = new Columns(1500, 64)
    const a = c.addColumn()
    for (let i = 0; i < 2000; i++) c.set(i, [[a, i === 777 ? 1e6 : 1]])
    expect(Math.max(...c.column(a))).toBe(1e6)
  })

  it('stay in order and in step when they make room', () => {
    const c = filled(5000, 4000)
    expect([...c.times]).toEqual([...c.times].sort((a, b) => a - b))
    for (const [i, t] of c.times.entries())
      expect(Math.abs((c.column(0)[i] ?? 0) - t)).toBeLessThan(200)
  })

  it('stay bounded by times that are far apart or run backwards', () => {
    const c = new Columns(100, 64)
    const a = c.addColumn()
    for (let i = 0; i < 1000; i++) c.set(((i * 7919) % 1000) * 1e6, [[a, i]])
    expect(c.length).toBeLessThanOrEqual(64)
    expect([...c.times]).toEqual([...c.times].sort((x, y) => x - y))
  })

  it('are as fine in the past as now when they make room', () => {
    const { times } = filled(5000, 4000)
    const old = [...times].filter((t) => t < 3000).length
    expect(old).toBeGreaterThan(10)
  })

  it('give a column that came later no values from before', () => {
    const c = filled(10)
    const late = c.addColumn()
    expect(c.last(late)).toBeNaN()
    c.set(10, [[late, 7]])
    expect(c.last(late)).toBe(7)
  })
})

describe('a stream', () => {
  const feed = (...events: Envelope[]) => {
    const s = new Source('s', 60_000)
    for (const e of events) s.append(e)
    return s
  }
  const numbers = (s: Source) => {
    if (s.content?.kind !== 'numbers') throw new Error(`is of ${s.content?.kind}`)
    return s.content
  }

  it('has a series for each field', () => {
    const s = feed(event({ used_percent: 1, used_bytes: 2 }))
    expect(numbers(s).series.map((x) => x.label)).toEqual([
      { text: 'used', unit: 'percent' },
      { text: 'used', unit: 'bytes' },
    ])
  })

  it('has a series for each key, and none for the number that repeats it', () => {
    const s = feed(
      event({ core: 0, usage_percent: 5 }, { key: '0' }),
      event({ core: 1, usage_percent: 6 }, { key: '1' }),
    )
    expect(numbers(s).series.map((x) => [x.key, x.field])).toEqual([
      ['0', 'usage_percent'],
      ['1', 'usage_percent'],
    ])
    expect(numbers(s).columns.length).toBe(1)
  })

  it('bounds its series', () => {
    const s = new Source('s', 60_000)
    for (let i = 0; i < 500; i++) s.append(event({ v: 0.5 }, { key: `k${i}`, at: i }))
    expect(numbers(s).series.length).toBe(256)
    expect(numbers(s).dropped).toBe(244)
  })

  it('breaks its lines at a null, at a gap, and where it was silent', () => {
    const s = new Source('s', 60_000)
    for (let i = 0; i < 10; i++) s.append(event(1, { at: i * 1000 }))
    s.append(event(null, { at: 10_000 }))
    s.append(event(1, { at: 11_000 }))
    s.gap({ stream: 's', lost: 3, reason: 'evicted' }, 12_000)
    s.append(event(1, { at: 12_000 }))
    s.append(event(1, { at: 60_000 }))
    const breaks = [...numbers(s).columns.column(0)].filter((v) => v === GAP).length
    expect(breaks).toBe(3)
    expect(s.lost).toBe(3)
  })

  it('becomes a list when its events are of several shapes', () => {
    const s = feed(event(1), event({ a: { b: 2 } }))
    expect(s.content?.kind).toBe('other')
  })

  it('has a new outline only when its panels may change', () => {
    const s = feed(event({ a: 1 }))
    const before = s.outline
    s.append(event({ a: 2 }, { at: 1 }))
    expect(s.outline).toBe(before)
    s.append(event({ a: 2, b: 3 }, { at: 2 }))
    expect(s.outline).not.toBe(before)
  })
})

describe('cadence', () => {
  it('expects what comes regularly', () => {
    const c = new Cadence()
    for (let i = 0; i < 10; i++) c.note(i * 1000 + (i % 2) * 30)
    expect(c.interval).toBeGreaterThan(900)
    expect(c.interval).toBeLessThan(1100)
  })

  it('expects nothing after a single burst', () => {
    const c = new Cadence()
    for (let i = 0; i < 30; i++) c.note(i * 3)
    expect(c.interval).toBeUndefined()
  })

  it('expects nothing of what comes irregularly, or of too little', () => {
    const irregular = new Cadence()
    for (const t of [0, 10, 5000, 5010, 90_000, 90_010, 200_000, 200_020]) irregular.note(t)
    expect(irregular.interval).toBeUndefined()
    const few = new Cadence()
    for (const t of [0, 1000, 2000]) few.note(t)
    expect(few.interval).toBeUndefined()
  })

  it.each([
    [2000, 1000, 'fresh'],
    [3500, 1000, 'late'],
    [7000, 1000, 'stale'],
    [1e9, undefined, 'fresh'],
  ] as const)('an age of %i at an interval of %s is %s', (age, interval, want) => {
    expect(freshness(age, interval)).toBe(want)
  })
})

describe('the clock', () => {
  it('follows a server whose clock differs, and ignores the network', () => {
    const local = 1_000_000
    const clock = new Clock(() => local)
    clock.note(local - 200)
    expect(clock.now()).toBe(local)
    const wrong = new Clock(() => local)
    wrong.note(local - 3_600_400)
    wrong.note(local - 3_600_010)
    expect(wrong.now()).toBe(local - 3_600_010)
  })
})

describe('the board', () => {
  const wire = (type: string, data: unknown) => ({
    type,
    data: JSON.stringify(data),
    id: undefined,
    lastEventId: '',
  })
  const newBoard = () => {
    let outlined = 0
    const board = new Board(
      { changed: () => {}, outlined: () => outlined++, noted: () => {} },
      new Clock(),
      { wanted: [], everything: ['>'], window: 60_000 },
    )
    return { board, outlined: () => outlined }
  }

  it('shows a stream from its first event, and the same outline until that changes', () => {
    const { board, outlined } = newBoard()
    board.receive(wire('message', { stream: 'b', data: 1 }))
    board.receive(wire('message', { stream: 'a', data: 1 }))
    const { outline } = board
    expect(outline.sources.map((s) => s.name)).toEqual(['a', 'b'])
    board.receive(wire('message', { stream: 'a', data: 2 }))
    expect(board.outline).toBe(outline)
    expect(outlined()).toBe(2)
  })

  it('counts what was lost, by stream and in all', () => {
    const { board } = newBoard()
    board.receive(wire('message', { stream: 'a', data: 1 }))
    board.receive(wire('hub.gap', { stream: 'a', lost: 12, reason: 'evicted' }))
    board.receive(wire('hub.gap', { stream: null, lost: null, reason: 'epoch' }))
    expect(board.outline).toMatchObject({ lost: 12, gaps: 2 })
    expect(board.outline.sources[0]).toMatchObject({ lost: 12, gaps: 2 })
  })

  it('takes no harm from what is no envelope', () => {
    const { board } = newBoard()
    for (const data of [null, 1, [], {}, { stream: 1, data: 1 }, { stream: 'a' }]) {
      board.receive(wire('message', data))
    }
    board.receive({ type: 'message', data: '{', id: undefined, lastEventId: '' })
    board.receive(wire('hub.future', { anything: 1 }))
    expect(board.outline.sources).toEqual([])
  })

  it('bounds the streams that it keeps and counts the others', () => {
    const { board } = newBoard()
    for (let i = 0; i < 1500; i++) board.receive(wire('message', { stream: `s${i}`, data: 1 }))
    expect(board.outline.sources.length).toBe(1000)
    expect(board.outline.more).toBe(500)
  })
})

describe('the arrangement', () => {
  it('puts the user’s streams first and the machine’s in an order of use', () => {
    const names = ['host.disk', 'host.cpu', 'hub.log', 'hosting.x', 'a']
    const sections = arrange(names.sort().map((name) => new Source(name, 60_000)))
    expect(sections.map((s) => s.sources.map((x) => x.name))).toEqual([
      ['a', 'hosting.x'],
      ['host.cpu', 'host.disk'],
      ['hub.log'],
    ])
  })

  it.each([
    [1, 3, [12]],
    [2, 3, [6, 6]],
    [3, 3, [4, 4, 4]],
    [4, 3, [6, 6, 6, 6]],
    [5, 3, [4, 4, 4, 6, 6]],
    [3, 2, [6, 6, 12]],
  ])('packs %i panels by %i without holes', (n, perRow, want) => {
    expect(pack(n, perRow)).toEqual(want)
  })

  it('fills every row of any number of panels', () => {
    for (let n = 1; n < 40; n++) {
      const spans = pack(n, 3)
      expect(spans.length).toBe(n)
      expect(spans.reduce((a, b) => a + b) % 12).toBe(0)
    }
  })
})
