import { expect, test } from 'vitest'
import { formatAge, formatCount, formatText } from '../../src/components/format.js'
import { evenRows, unevenRows } from '../../src/components/rows.js'
import { countUntil } from '../../src/components/useHeld.js'
import { events } from './results.js'

const plain = (text: string) => text.replaceAll(/[\u00a0\u2009\u202f]/g, ' ')

test.each([
  [0, undefined, '0'],
  [7, undefined, '7'],
  [1234, undefined, '1234'],
  [12_345, undefined, '12.3 k'],
  [0.123, undefined, '0.12'],
  [0.00123, undefined, '0.0012'],
  [-4.5, undefined, '−4.50'],
  [99, '%', '99.0 %'],
  [100, '%', '100 %'],
  [12_345, '%', '12 345 %'],
  [1500, 'ms', '1500 ms'],
  [3, 'users', '3 users'],
  [1.5 * 1024 ** 3, 'bytes', '1.50 GiB'],
  [512, 'bytes', '512 B'],
  [1000, 'bytes', '0.98 KiB'],
  [123_456, 'B/s', '123 kB/s'],
  [999_600, 'B/s', '1.00 MB/s'],
  [Number.NaN, '%', '– %'],
])('%s in %s is %s', (n, unit, text) => {
  expect(plain(formatText(n, unit))).toBe(text)
})

test.each([
  [-10, 'now'],
  [4999, 'now'],
  [12_000, '12 s ago'],
  [60_000, '1 min ago'],
  [3_600_000, '1 h ago'],
  [172_800_000, '2 d ago'],
])('%s ms are %s', (ms, text) => {
  expect(formatAge(ms)).toBe(text)
})

test('counts', () => {
  expect(formatCount(1, 'new line', 'new lines')).toBe('1 new line')
  expect(formatCount(12_345, 'new line', 'new lines')).toBe('12,345 new lines')
})

test('rows of one height and measured ones agree', () => {
  const even = evenRows(100, 20)
  const uneven = unevenRows(100, () => 20)
  expect(uneven.total).toBe(even.total)
  for (const y of [-5, 0, 19, 20, 21, 1000, 1999, 2000, 5000]) expect(uneven.at(y)).toBe(even.at(y))
  for (const i of [0, 1, 99]) expect(uneven.top(i)).toBe(even.top(i))
  expect(unevenRows(3, (i) => (i + 1) * 10).at(29)).toBe(1)
})

test('events up to a number', () => {
  const all = events(10, 20)
  expect([9, 10, 14, 19, 25].map((seq) => countUntil(all, seq))).toEqual([0, 1, 5, 10, 10])
})
