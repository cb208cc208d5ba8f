import { DropdownMenu } from 'radix-ui'
import type { ReactNode, RefObject } from 'react'
import { LEVELS, type Level } from '../../data/shape'
import type { Source } from '../../data/source'
import { useSession } from '../../page/session'
import { useValue } from '../../page/value'
import { download, fileName } from '../download'
import { asNDJSON, asText } from './export'
import { levelText } from './LogTools'
import type { LogPainter } from './logPainter'
import type { LogView } from './view'

interface ItemsProps {
  readonly view: LogView
  readonly source: Source
  readonly painter: RefObject<LogPainter | undefined>
}

/** What a log has in its panel's menu: how lines look, and taking them along. */
export function LogItems({ view, source, painter }: ItemsProps) {
  const session = useSession()
  const { relative } = useValue(view.settings)
  const wraps = painter.current?.wraps ?? false
  const listed = () => painter.current?.listed() ?? []
  const copy = () => {
    const texts = asText(listed())
    void session.copy(texts.join(''), `${texts.length} lines copied`)
  }
  const save = (extension: string, type: string, texts: string[]) =>
    download(new Blob(texts, { type }), fileName(source.name, extension))
  return (
    <>
      {source.content?.kind === 'log' && painter.current?.narrow ? (
        <Levels view={view} count={source.content} />
      ) : null}
      <Check checked={wraps} onChange={() => view.change({ wrap: !wraps })}>
        Wrap long lines
      </Check>
      <Check checked={relative} onChange={() => view.change({ relative: !relative })}>
        Times as ages
      </Check>
      <DropdownMenu.Separator className="separator" />
      <DropdownMenu.Item className="item" onSelect={copy}>
        Copy these lines
      </DropdownMenu.Item>
      <DropdownMenu.Item
        className="item"
        onSelect={() => save('log', 'text/plain', asText(listed()))}
      >
        Download these lines
      </DropdownMenu.Item>
      <DropdownMenu.Item
        className="item"
        onSelect={() => save('ndjson', 'application/x-ndjson', asNDJSON(listed()))}
      >
        Download as NDJSON
      </DropdownMenu.Item>
    </>
  )
}

/** The least level, where there is no room for it in the header. */
function Levels({ view, count }: { view: LogView; count: { count(level?: Level): number } }) {
  const { level } = useValue(view.settings)
  const item = (value: string, text: string, n: number) => (
    <DropdownMenu.RadioItem key={value} className="item" value={value}>
      <Tick />
      {text}
      <kbd>{n}</kbd>
    </DropdownMenu.RadioItem>
  )
  return (
    <DropdownMenu.RadioGroup
      className="levels"
      aria-label="Least level"
      value={level ?? ''}
      onValueChange={(value) => view.change({ level: (value || undefined) as Level | undefined })}
    >
      {item('', 'All levels', count.count())}
      {LEVELS.slice(1).map((least) => item(least, levelText(least), count.count(least)))}
      <DropdownMenu.Separator className="separator" />
    </DropdownMenu.RadioGroup>
  )
}

interface CheckProps {
  readonly checked: boolean
  readonly children: ReactNode
  onChange(): void
}

function Check({ checked, children, onChange }: CheckProps) {
  return (
    <DropdownMenu.CheckboxItem className="item" checked={checked} onCheckedChange={onChange}>
      <Tick />
      {children}
    </DropdownMenu.CheckboxItem>
  )
}

function Tick() {
  return (
    <span className="tick">
      <DropdownMenu.ItemIndicator>✓</DropdownMenu.ItemIndicator>
    </span>
  )
}
