import './dom.js'
import { StrictMode } from 'react'
import { hydrateRoot } from 'react-dom/client'
import { renderToString } from 'react-dom/server'
import { expect, test, vi } from 'vitest'
import { All } from './all.js'
import { settle } from './dom.js'

test('what a server rendered is hydrated as it is', async () => {
  const container = document.createElement('div')
  const all = (
    <StrictMode>
      <All />
    </StrictMode>
  )
  container.innerHTML = renderToString(all)
  document.body.append(container)
  const wrong = vi.fn()
  const complaints = vi.spyOn(console, 'error')
  const root = hydrateRoot(container, all, { onRecoverableError: wrong })
  await settle()
  expect(wrong).not.toHaveBeenCalled()
  expect(complaints).not.toHaveBeenCalled()
  expect(container.querySelector('time')?.textContent).toMatch(/d ago$/)
  root.unmount()
  await settle()
})
