// Nothing here makes a page: it is rendered where there is none.

import { renderToString } from 'react-dom/server'
import { expect, test, vi } from 'vitest'
import { All } from './all.js'

test('all is rendered on a server', () => {
  expect(typeof window).toBe('undefined')
  const complaints = vi.spyOn(console, 'error')
  const html = renderToString(<All />)
  expect(complaints).not.toHaveBeenCalled()
  expect(html).toContain('1235')
  expect(html).toContain('>99</div>')
  expect(html).toContain('2001-09-09\u00a001:46')
  expect(html.match(/data-sg="log-line"/g)?.length).toBe(60)
})
