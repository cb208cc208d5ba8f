import { createElement, Fragment, useMemo } from 'react'
import { Panel } from '../Panel'
import type { PanelProps, PanelType } from '../registry'
import { markdown } from './markdown'
import './text.css'

/** What its author has to say, in Markdown. */
export const text: PanelType = {
  name: 'text',
  width: 6,
  height: 6,
  Component: TextPanel,
}

function TextPanel({ definition, source }: PanelProps) {
  const { text = '', title } = definition
  const content = useMemo(() => createElement(Fragment, null, ...markdown(text)), [text])
  return (
    <Panel definition={{ ...definition, title: title ?? '' }} source={source}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section className="prose" tabIndex={0} aria-label={title ?? 'Text'}>
        {content}
        {text.trim() === '' ? <p className="hint">Nothing is written here yet.</p> : null}
      </section>
    </Panel>
  )
}
