import './dom.js'
import { execFileSync } from 'node:child_process'
import { act, StrictMode } from 'react'
import { hydrateRoot } from 'react-dom/client'
import { renderToString } from 'react-dom/server'
import { afterEach, expect, test, vi } from 'vitest'
import { LiveChart } from '../../src/chart/index.js'
import {
  ActivityFeed,
  ConnectionStatus,
  LogTail,
  MetricCard,
  Sparkline,
} from '../../src/components/index.js'
import { events, logResult, seriesResult, streamResult } from './results.js'

const cpu = seriesResult([1, 2], [3, 4])
const log = logResult(events(0, 100))

function All() {
  return (
    <>
      <ConnectionStatus status="connecting" />
      <MetricCard source={streamResult(1234.5)} value={(n) => n} label="CPU">
        <Sparkline series={cpu.series} />
      </MetricCard>
      <LiveChart series={cpu.series} labels={['User']} />
      <LogTail log={log} render={(e) => e.data} />
      <LogTail log={log} render={(e) => e.data} wrap />
      <ActivityFeed log={log} render={(e) => e.data} time={(e) => 1e12 + e.data} />
    </>
  )
}

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

test('all is rendered on a server, where there is no page', () => {
  for (const name of ['window', 'document', 'navigator', 'matchMedia', 'ResizeObserver']) {
    vi.stubGlobal(name, undefined)
  }
  const html = renderToString(<All />)
  expect(html).toContain('1235')
  expect(html).toContain('>99</div>')
  expect(html).toContain('2001-09-09\u00a001:46')
  expect(html.match(/data-sg="log-line"/g)?.length).toBe(60)
})

test('what a server rendered is hydrated as it is', async () => {
  const container = document.createElement('div')
  container.innerHTML = renderToString(
    <StrictMode>
      <All />
    </StrictMode>,
  )
  document.body.append(container)
  const wrong = vi.fn()
  const complaints = vi.spyOn(console, 'error')
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true)
  const root = await act(async () =>
    hydrateRoot(
      container,
      <StrictMode>
        <All />
      </StrictMode>,
      { onRecoverableError: wrong },
    ),
  )
  expect(wrong).not.toHaveBeenCalled()
  expect(complaints).not.toHaveBeenCalled()
  expect(container.querySelector('time')?.textContent).toMatch(/d ago$/)
  await act(async () => root.unmount())
})

test('both entries can be imported where there is no page', () => {
  const source = new URL('../../src', import.meta.url).pathname
  const script = `
    const { build } = await import('vite')
    const { pathToFileURL } = await import('node:url')
    const [{ output }] = [await build({ configFile: false, logLevel: 'error', build: {
      write: false, ssr: true, rolldownOptions: { input: '${source}/chart/index.ts' } } })]
    if (!/from "uplot"/.test(output[0].code)) throw new Error('uplot is not imported')
    await import('uplot')
  `
  execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: new URL('../..', import.meta.url),
  })
})
