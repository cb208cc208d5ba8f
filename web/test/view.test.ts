import { describe, expect, it } from 'vitest'
import { outline } from '../../js/src/components/drawSparkline'
import { Cadence } from '../src/data/cadence'
import { Numbers } from '../src/data/numbers'
import {
  formatAge,
  formatNumber,
  formatRound,
  formatText,
  parseLabel,
  type Unit,
} from '../src/data/units'
import { assignColours } from '../src/paint/palette'
import { niceRange } from '../src/paint/range'
import { linesOf, unitsOf } from '../src/panels/chart/lines'
import { lonely, PlotData } from '../src/panels/chart/plotData'

describe('a field’s name', () => {
  it.each([
    ['usage_percent', 'usage', 'percent'],
    ['received_bytes_per_second', 'received', 'bytes_per_second'],
    ['events_in_per_second', 'events in', 'per_second'],
    ['lag_ms', 'lag', 'ms'],
    ['load1', 'load1', 'count'],
    ['bytes', 'bytes', 'bytes'],
    ['megabytes', 'megabytes', 'count'],
  ])('%s is %s in %s', (field, text, unit) => {
    expect(parseLabel(field)).toEqual({ text, unit })
  })
})

describe('a number has three significant digits and its unit', () => {
  it.each<[number, Unit, string]>([
    [12.345, 'percent', '12.3 %'],
    [99.96, 'percent', '100 %'],
    [0, 'percent', '0 %'],
    [0, 'bytes', '0 B'],
    [1536, 'bytes', '1.50 KiB'],
    [1023, 'bytes', '1.00 KiB'],
    [17_179_869_184, 'bytes', '16.0 GiB'],
    [2_410_000, 'bytes_per_second', '2.41 MB/s'],
    [999.7, 'per_second', '1.00 k/s'],
    [0.42, 'ms', '420 µs'],
    [1234, 'ms', '1.23 s'],
    [300, 'seconds', '5.00 min'],
    [41.26, 'celsius', '41.3 °C'],
    [523, 'count', '523'],
    [12_345, 'count', '12\u2009345'],
    [1_234_567, 'count', '1.23 M'],
    [0.0012, 'count', '1.20 m'],
    [-5.5, 'count', '−5.50'],
    [Number.NaN, 'count', '–'],
  ])('%d in %s is %s', (n, unit, want) => {
    expect(formatText(n, unit)).toBe(want)
  })

  it('loses zeros that say nothing on an axis', () => {
    expect([0, 25, 2.5].map((n) => formatRound(n, 'percent'))).toEqual(['0', '25 %', '2.5 %'])
    expect(formatRound(100, 'percent')).toBe('100 %')
    expect(formatRound(2048, 'bytes')).toBe('2 KiB')
  })

  it.each([
    [900, '0 s'],
    [119_000, '119 s'],
    [180_000, '3 min'],
    [10_800_000, '3 h'],
    [400_000_000, '4 d'],
  ])('an age of %i ms is %s', (ms, want) => {
    expect(formatAge(ms)).toBe(want)
  })
})

describe('an axis', () => {
  it.each<[number, number, Unit, number, number]>([
    [3, 41, 'percent', 0, 50],
    [3, 60, 'percent', 0, 100],
    [0, 0, 'percent', 0, 1],
    [0, 163, 'ms', 0, 200],
    [0, 900, 'bytes', 0, 1000],
    [0, 3 * 1024 ** 3, 'bytes', 0, 4 * 1024 ** 3],
    [-163, 0, 'count', -200, 0],
    [Number.NaN, Number.NaN, 'count', 0, 1],
  ])('for %d to %d in %s goes from %d to %d', (min, max, unit, low, high) => {
    expect(niceRange(min, max, unit)).toMatchObject({ low, high })
  })

  it('encloses all values and is cut into a few equal parts', () => {
    for (const unit of ['count', 'bytes', 'percent'] as const) {
      for (let i = 0; i < 500; i++) {
        const min = (i % 7) * 13.7 ** (i % 4) - (unit === 'count' ? (i % 3) * 100 : 0)
        const max = min + (i % 11) * 7.3 ** (i % 5)
        const { low, high, step } = niceRange(min, max, unit)
        expect(low).toBeLessThanOrEqual(min)
        expect(high).toBeGreaterThanOrEqual(max)
        const parts = (high - low) / step
        expect(Math.abs(parts - Math.round(parts))).toBeLessThan(1e-6)
        expect(parts, `${min} to ${max} in ${unit}`).toBeGreaterThanOrEqual(2)
        expect(parts).toBeLessThanOrEqual(8)
      }
    }
  })
})

describe('numbers beyond all prefixes', () => {
  it.each([
    [-1e300, 'count', '−1.00e300'],
    [2.5e-15, 'count', '2.50e−15'],
    [1e22, 'ms', '1.00e22'],
  ] as const)('%d in %s is %s', (n, unit, want) => {
    expect(formatNumber(n, unit).value).toBe(want)
  })
})

describe('colours', () => {
  it('are distinct on a panel and the same for a label on another', () => {
    const eight = assignColours(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'])
    expect(new Set(eight).size).toBe(8)
    const [usage] = assignColours(['usage', 'other'])
    expect(assignColours(['usage', 'another'])[0]).toBe(usage)
    expect(assignColours(['usage'])).toEqual([0]) // alone it needs none of its own
    const many = assignColours(Array.from({ length: 24 }, (_, i) => `k${i}`))
    expect(new Set(many).size).toBe(24)
  })
})

describe('the lines of a chart', () => {
  const CHART = { type: 'timeseries' } as const
  const numbers = () => {
    const n = new Numbers({ name: 'host.network', window: 60_000 })
    for (const [key, at] of [
      ['eth0', 1],
      ['lo', 1],
      ['eth0', 2],
    ] as const) {
      const data = { received_bytes_per_second: at, sent_bytes_per_second: at * 2, mtu: 1500 }
      n.append(
        { stream: 'host.network', match: [], id: undefined, type: undefined, key, at, data },
        new Cadence(),
      )
    }
    return n
  }

  it('are named by key and field, only as far as needed', () => {
    const names = (unit: Unit) => linesOf(numbers(), unit, CHART).lines.map((line) => line.name)
    expect(names('bytes_per_second')).toEqual([
      'eth0 received',
      'eth0 sent',
      'lo received',
      'lo sent',
    ])
    expect(names('count')).toEqual(['eth0', 'lo'])
    expect(unitsOf(numbers(), CHART)).toEqual(['bytes_per_second', 'count'])
  })

  it('are one for each key where keys have many fields, and sorted as a reader expects', () => {
    const n = new Numbers({ name: 'host.cpu.core', window: 60_000 })
    for (const key of ['10', '2', '1']) {
      const data = { usage_percent: 1, user_percent: 2, system_percent: 3 }
      n.append(
        { stream: 'host.cpu.core', match: [], id: undefined, type: undefined, key, at: 1, data },
        new Cadence(),
      )
    }
    const { lines, field, hidden } = linesOf(n, 'percent', CHART)
    expect(lines.map((line) => line.name)).toEqual(['1', '2', '10'])
    expect({ field, hidden }).toEqual({ field: 'usage', hidden: 0 })
  })

  it('go to the plot with holes that do not break and gaps that do', () => {
    const n = numbers()
    n.columns.breakAt(3)
    const { lines } = linesOf(n, 'bytes_per_second', CHART)
    const received = lines.filter((line) => line.name.endsWith('received'))
    const data = new PlotData()
    const drawn = (from: number) => {
      data.fill(n, received, { from, to: 10, live: true, known: 10 })
      return [[...data.times], ...data.columns.map((column) => [...column])]
    }
    expect(drawn(0)).toEqual([
      [1, 2, 3],
      [1, 2, null],
      [1, undefined, null],
    ])
    expect(drawn(2.5)[0]).toEqual([2, 3])
    expect(data.gaps).toEqual([2, 10])
  })

  it('show a value that stands alone as a point', () => {
    expect(lonely([1, null, 2, 3, null, undefined, 4, undefined])).toEqual([0, 6])
    expect(lonely([1, undefined, 2])).toEqual([])
    expect(lonely([])).toEqual([])
  })
})

describe('a sparkline', () => {
  it('draws no more points than pixels can show, and every peak', () => {
    const points = Array.from({ length: 3000 }, (_, i): [number, number] => [
      i / 10,
      i === 1234 ? 99 : i === 2345 ? -99 : (i * 37) % 11,
    ])
    const drawn = outline(points)
    expect(drawn.length).toBeLessThanOrEqual(601)
    expect(Math.max(...drawn.map(([, y]) => y))).toBe(99)
    expect(Math.min(...drawn.map(([, y]) => y))).toBe(-99)
    expect(drawn.at(-1)).toEqual(points.at(-1))
    expect(drawn.map(([x]) => x)).toEqual(drawn.map(([x]) => x).sort((a, b) => a - b))
    expect(outline([])).toEqual([])
  })
})
