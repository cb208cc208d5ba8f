import './dom.js'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ConnectionStatus, MetricCard } from '../../src/components/index.js'
import type { StreamStatus } from '../../src/react/store.js'
import { StreamError } from '../../src/stream/error.js'
import { cleanup, render } from '../react/render.js'
import { advance } from './dom.js'
import { streamResult } from './results.js'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  cleanup()
  vi.useRealTimers()
})

/** The text of a part. */
function text(container: HTMLElement, part: string) {
  return container.querySelector(`[data-sg="${part}"]`)?.textContent
}

test('a card has its value, unit and name', () => {
  const { container } = render(
    <MetricCard source={streamResult({ n: 42.123 })} value={(d) => d.n} label="CPU" unit="%" />,
  )
  expect(text(container, 'value')).toBe('42.1')
  expect(text(container, 'unit')).toBe('\u202f%')
  const card = container.querySelector('[role="group"]')
  const label = container.ownerDocument.getElementById(card?.getAttribute('aria-labelledby') ?? '')
  expect(label?.textContent).toBe('CPU')
})

test('a card without data has room for it, and a word is written as it is', () => {
  const { container, rerender } = render(
    <MetricCard source={streamResult<string>(undefined)} value={(d) => d} label="State" />,
  )
  expect(text(container, 'value')).toBe('–')
  expect(container.querySelector('[data-empty]')).not.toBeNull()
  rerender(<MetricCard source={streamResult('fine')} value={(d) => d} label="State" />)
  expect(text(container, 'value')).toBe('fine')
  rerender(
    <MetricCard
      source={streamResult(3)}
      value={(d) => d}
      label="State"
      format={(n) => `${n.toFixed(1)} points`}
    />,
  )
  expect(text(container, 'value')).toBe('3.0 points')
})

test('an old number stays, and is said to be old', () => {
  const error = new StreamError('connect', 'the network failed')
  const { container } = render(
    <MetricCard
      source={streamResult(1, { isStale: true, status: 'retrying', error })}
      value={(d) => d}
      label="N"
    />,
  )
  expect(text(container, 'value')).toBe('1')
  expect(text(container, 'note')).toBe('stale')
  expect(container.querySelector('[data-stale][data-status="retrying"]')).not.toBeNull()
  expect(container.querySelector('[title="the network failed"]')).not.toBeNull()
})

test('attributes are passed on, and nothing else is', () => {
  const all = streamResult(1)
  const { container } = render(
    <ConnectionStatus
      {...all}
      className="mine"
      data-x="1"
      aria-label="Feed"
      style={{ margin: 1 }}
    />,
  )
  const names = container.firstElementChild?.getAttributeNames().sort()
  expect(names).toEqual(['aria-label', 'class', 'data-sg', 'data-status', 'data-x', 'style'])
})

const WORDS = new Map<StreamStatus, string>([
  ['idle', 'Off'],
  ['connecting', 'Connecting'],
  ['live', 'Live'],
  ['retrying', 'Reconnecting'],
  ['paused', 'Paused'],
  ['closed', 'Offline'],
])

test.each([...WORDS])('a stream that is %s is shown as %s', (status, word) => {
  const { container } = render(<ConnectionStatus status={status} />)
  expect(container.querySelector('[role="status"]')?.textContent?.trim()).toBe(word)
})

test('a blip is not shown, a longer cut is', async () => {
  const { container, rerender } = render(<ConnectionStatus status="live" />)
  const word = () => text(container, 'word')
  rerender(<ConnectionStatus status="retrying" />)
  await advance(1900)
  expect(word()).toBe('Live')
  rerender(<ConnectionStatus status="live" />)
  await advance(5000)
  expect(word()).toBe('Live')

  rerender(<ConnectionStatus status="retrying" />)
  await advance(1500)
  rerender(<ConnectionStatus status="connecting" />)
  await advance(600)
  expect(word()).toBe('Reconnecting')
  rerender(<ConnectionStatus status="retrying" />)
  expect(word()).toBe('Reconnecting')
  rerender(<ConnectionStatus status="connecting" />)
  expect(word()).toBe('Reconnecting')
  rerender(<ConnectionStatus status="live" />)
  expect(word()).toBe('Live')
})

test('a page that comes back is not reconnecting before it takes long', () => {
  const { container, rerender } = render(<ConnectionStatus status="paused" />)
  rerender(<ConnectionStatus status="connecting" />)
  expect(text(container, 'word')).toBe('Paused')
  rerender(<ConnectionStatus status="live" />)
  expect(text(container, 'word')).toBe('Live')
})

test('what is given up is shown at once, with its reason and a button', () => {
  const reconnect = vi.fn()
  const error = new StreamError('http', 'the server answered 403')
  const { container, rerender } = render(<ConnectionStatus status="live" />)
  rerender(<ConnectionStatus status="closed" error={error} reconnect={reconnect} />)
  expect(text(container, 'word')).toBe('Offline')
  expect(container.querySelector('[title]')?.getAttribute('title')).toBe('the server answered 403')
  container.querySelector('button')?.click()
  expect(reconnect).toHaveBeenCalledOnce()
})

test('other words', () => {
  const { container } = render(
    <ConnectionStatus
      status="closed"
      words={{ offline: 'Getrennt' }}
      reconnect={() => {}}
      action="Neu"
    />,
  )
  expect(text(container, 'word')).toBe('Getrennt')
  expect(container.querySelector('button')?.textContent).toBe('Neu')
})
