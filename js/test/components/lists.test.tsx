import './dom.js'
import { flushSync } from 'react-dom'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ActivityFeed, LogTail } from '../../src/components/index.js'
import type { LogEvent } from '../../src/react/useEventLog.js'
import { cleanup, render } from '../react/render.js'
import { advance, settle } from './dom.js'
import { events, logResult } from './results.js'

const ROW = 20
const HEIGHT = 200

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 })
  // No layout here: a list is 200 px high, and what is in it as high as it says.
  vi.spyOn(HTMLElement.prototype, 'clientHeight', 'get').mockReturnValue(HEIGHT)
  vi.spyOn(HTMLElement.prototype, 'scrollHeight', 'get').mockImplementation(function (
    this: HTMLElement,
  ) {
    return Number.parseFloat((this.firstElementChild as HTMLElement | null)?.style.height ?? '0')
  })
})
afterEach(() => {
  cleanup()
  vi.restoreAllMocks()
  vi.useRealTimers()
})

const show = (event: LogEvent<number>) => `line ${event.data}`

function parts(container: HTMLElement) {
  const part = (name: string) => container.querySelector<HTMLElement>(`[data-sg="${name}"]`)
  return {
    part,
    lines: () =>
      [...container.querySelectorAll('[data-sg="log-line"]')].map((e) =>
        Number(e.textContent?.slice(5)),
      ),
    status: () => part('log-status')?.textContent,
    fire: (name: string, event: Event) => flushSync(() => part(name)?.dispatchEvent(event)),
    click: (name: string) => flushSync(() => part(name)?.click()),
    key: (key: string) =>
      flushSync(() =>
        part('log-viewport')?.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true })),
      ),
  }
}

/** Scrolls up by a wheel, as far as the list's start. */
async function scrollUp({ part, fire }: ReturnType<typeof parts>, to: number) {
  fire('log-viewport', new WheelEvent('wheel', { deltaY: -100, bubbles: true }))
  const viewport = part('log-viewport')
  if (viewport) viewport.scrollTop = to
  fire('log-viewport', new Event('scroll'))
  await settle()
}

test('of ten thousand lines only those in view are drawn', () => {
  const { container } = render(<LogTail log={logResult(events(0, 10_000))} render={show} />)
  const { lines } = parts(container)
  expect(lines().at(-1)).toBe(9999)
  expect(lines().length).toBeLessThan(HEIGHT / ROW + 15)
})

test('it follows, stands still for who reads, and tells how many are new', async () => {
  const tail = (to: number) => (
    <LogTail log={logResult(events(Math.max(0, to - 1000), to))} render={show} />
  )
  const { container, rerender } = render(tail(1000))
  const it = parts(container)
  rerender(tail(1010))
  expect(it.lines().at(-1)).toBe(1009)
  expect(it.status()).toBe('Following')

  await scrollUp(it, 400)
  const before = it.lines()
  expect(before).toContain(30)
  expect(it.status()).toBe('Standing still')
  rerender(tail(1510))
  expect(it.lines()).toEqual(before)
  expect(it.part('log-new')?.textContent).toBe('500 new lines')
  // By now nothing of what is read is kept by the log.
  rerender(tail(5000))
  expect(it.lines()).toEqual(before)
  expect(it.part('log-new')?.textContent).toBe('1,000+ new lines')

  it.click('log-new')
  expect(it.lines().at(-1)).toBe(4999)
  expect(it.part('log-new')).toBeNull()
})

test('it forgets what is held when the log is emptied, and chooses anew with another filter', async () => {
  const all = events(0, 100)
  const { container, rerender } = render(<LogTail log={logResult(all)} render={show} />)
  const it = parts(container)
  await scrollUp(it, 0)
  rerender(<LogTail log={logResult(all.filter((e) => e.data % 2 === 0))} render={show} />)
  expect(it.lines().slice(0, 3)).toEqual([0, 2, 4])
  expect(it.status()).toBe('Standing still')
  rerender(<LogTail log={logResult<number>([])} render={show} />)
  expect(it.part('empty')?.textContent).toBe('No lines yet')
  rerender(<LogTail log={logResult(events(200, 300))} render={show} />)
  expect(it.status()).toBe('Following')
  expect(it.lines().at(-1)).toBe(299)
})

test('keys pause it, and go to its ends', async () => {
  const log = logResult(events(0, 1000))
  const { container, rerender } = render(<LogTail log={log} render={show} />)
  const it = parts(container)
  it.key(' ')
  expect(log.pause).toHaveBeenCalledOnce()
  const paused = logResult(events(0, 1000), { paused: true, pending: 3 })
  rerender(<LogTail log={paused} render={show} />)
  expect(it.status()).toBe('Paused')
  expect(it.part('pause')?.textContent).toBe('Resume')
  expect(it.part('log-new')?.textContent).toBe('3 new lines')
  it.key(' ')
  expect(paused.resume).toHaveBeenCalledOnce()
  rerender(<LogTail log={log} render={show} />)
  it.key('Home')
  expect(it.status()).toBe('Standing still')
  it.fire('log-viewport', new Event('scroll'))
  await settle()
  expect(it.lines()[0]).toBe(0)
  it.key('End')
  expect(it.status()).toBe('Following')
  expect(it.lines().at(-1)).toBe(999)
})

test('it is a log that nobody has read out, and lines have their level', () => {
  const { container } = render(
    <LogTail
      log={logResult(events(0, 3), { isStale: true })}
      render={show}
      level={(e) => (e.data === 1 ? 'error' : 'info')}
    />,
  )
  const log = container.querySelector('[role="log"]')
  expect(log?.getAttribute('aria-live')).toBe('off')
  expect(container.querySelectorAll('[data-level="error"]')).toHaveLength(1)
  expect(parts(container).status()).toBe('Following, not connected')
})

test('a feed has the newest first, and no more than its limit', () => {
  const { container } = render(
    <ActivityFeed log={logResult(events(0, 50, 940_000))} render={show} limit={3} />,
  )
  const items = [...container.querySelectorAll('[data-sg="feed-item"]')]
  expect(items.map((item) => item.firstElementChild?.textContent)).toEqual([
    ...['line 49', 'line 48', 'line 47'],
  ])
  expect(container.querySelector('time')?.textContent).toBe('1 min ago')
})

test('ages go on, and an event without a time has none', async () => {
  const { container } = render(
    <ActivityFeed
      log={logResult(events(0, 2))}
      render={show}
      time={(e) => (e.data === 0 ? new Date(990_000).toISOString() : undefined)}
    />,
  )
  const times = () => [...container.querySelectorAll('time')].map((e) => e.textContent)
  expect(times()).toEqual(['10 s ago'])
  await advance(2000)
  expect(times()).toEqual(['12 s ago'])
})

test('news are read out together, what was there at first is not', async () => {
  const { container, rerender } = render(
    <ActivityFeed log={logResult(events(0, 5))} render={show} />,
  )
  const said = () => parts(container).part('feed-status')?.textContent
  await advance(6000)
  expect(said()).toBe('')
  rerender(<ActivityFeed log={logResult(events(0, 6))} render={show} />)
  rerender(<ActivityFeed log={logResult(events(0, 8))} render={show} />)
  expect(said()).toBe('')
  await advance(4000)
  expect(said()).toBe('3 new items')
  rerender(<ActivityFeed log={logResult(events(0, 9))} render={show} />)
  await advance(4000)
  expect(said()).toBe('line 8')
})

test('a feed stays for who has scrolled', async () => {
  const { container, rerender } = render(
    <ActivityFeed log={logResult(events(0, 50))} render={show} />,
  )
  const { part, fire, click } = parts(container)
  const first = () => container.querySelector('[data-sg="feed-item"]')?.textContent
  const list = part('feed-list')
  if (list) list.scrollTop = 100
  fire('feed-list', new Event('scroll'))
  await settle()
  rerender(<ActivityFeed log={logResult(events(0, 52))} render={show} />)
  expect(first()).toBe('line 49')
  expect(part('feed-new')?.textContent).toBe('2 new')
  click('feed-new')
  expect(first()).toBe('line 51')
  expect(list?.scrollTop).toBe(0)
})
