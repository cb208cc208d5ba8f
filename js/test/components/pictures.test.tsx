import './dom.js'
import { StrictMode } from 'react'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { LiveChart } from '../../src/chart/index.js'
import { drawSparkline, Sparkline } from '../../src/components/index.js'
import { cleanup, render } from '../react/render.js'
import { advance, drawn, fakeContext } from './dom.js'
import { seriesResult } from './results.js'

beforeEach(() => {
  vi.useFakeTimers()
  drawn.length = 0
})
afterEach(() => {
  cleanup()
  vi.useRealTimers()
})

/** How often something was drawn. */
const count = (name: string) => drawn.filter((call) => call.startsWith(`${name}(`)).length

test('a line is broken at a gap, and what stands alone is a dot', () => {
  const y = [1, 2, Number.NaN, 3, null, 4, undefined, 5]
  drawSparkline(fakeContext(), {
    ...{ x: y.map((_, i) => i), y, width: 107, height: 26, colour: 'red', area: false },
  })
  // From 1 to 2, a dot, and from 4 to 5 across a place without a value.
  expect(count('stroke')).toBe(3)
  expect(drawn.filter((call) => call.startsWith('arc('))).toEqual([
    ...['arc(44.6 13 2 0 6.3)', 'arc(104 3 2 0 6.3)'],
  ])
})

test('many points are drawn as few', () => {
  const x = Array.from({ length: 10_000 }, (_, i) => i)
  drawSparkline(fakeContext(), {
    ...{ x, y: x.map(Math.sin), width: 100, height: 30, colour: 'red' },
  })
  expect(count('lineTo')).toBeLessThan(2 * 100 + 5)
})

test('a value that never changes is in the middle, and no value is no picture', () => {
  const input = { width: 43, height: 20, colour: 'red', area: false }
  drawSparkline(fakeContext(), { ...input, x: [0, 1], y: [7, 7] })
  expect(drawn).toContain('lineTo(0 10)')
  drawn.length = 0
  drawSparkline(fakeContext(), { ...input, x: [], y: [] })
  expect(count('stroke')).toBe(0)
})

test('a sparkline says what it shows, now and then, and lets go of its series', async () => {
  const { series, set, listeners } = seriesResult([1, 2, 3], [5, 1, 2])
  const { container, unmount } = render(
    <StrictMode>
      <Sparkline series={series} label="CPU" unit="%" />
    </StrictMode>,
  )
  const label = () => container.querySelector('[role="img"]')?.getAttribute('aria-label')
  await advance(0)
  const first = 'CPU: last 2.00\u00a0%, lowest 1.00\u00a0%, highest 5.00\u00a0%'
  expect(label()).toBe(first)
  set([1, 2, 3, 4], [5, 1, 2, 9])
  await advance(1000)
  expect(label()).toBe(first)
  await advance(4000)
  expect(label()).toBe('CPU: last 9.00\u00a0%, lowest 1.00\u00a0%, highest 9.00\u00a0%')
  unmount()
  expect(listeners.size).toBe(0)
})

test('a chart has a legend with the newest values, and lets go of its series', async () => {
  const { series, set, listeners } = seriesResult([1, 2], [5, 7], [1, Number.NaN])
  const { container, unmount } = render(
    <StrictMode>
      <LiveChart series={series} labels={['User', 'System']} unit="ms" label="Time" />
    </StrictMode>,
  )
  const values = () =>
    [...container.querySelectorAll('[data-sg="legend"] li')].map((li) =>
      li.textContent?.replaceAll(/\s+/g, ' ').trim(),
    )
  await advance(300)
  expect(values()).toEqual(['User 7.00 ms', 'System 1.00 ms'])
  const label = container.querySelector('[role="img"]')?.getAttribute('aria-label')
  expect(label?.replaceAll('\u00a0', ' ')).toBe('Time: User 7.00 ms, System 1.00 ms')
  set([1, 2, 3], [5, 7, 8], [1, Number.NaN, 2])
  await advance(300)
  expect(values()).toEqual(['User 8.00 ms', 'System 2.00 ms'])
  unmount()
  expect(listeners.size).toBe(0)
})

test('a chart without data, labels or columns', async () => {
  const { container } = render(<LiveChart series={seriesResult([], []).series} />)
  await advance(300)
  expect(container.querySelector('[data-sg="legend"]')?.textContent).toContain('y1')
  expect(container.querySelector('[data-sg="value"]')?.textContent).toBe('–')
})
