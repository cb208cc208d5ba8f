import { DropdownMenu } from 'radix-ui'
import { type ReactNode, type RefObject, useContext } from 'react'
import { type Session, useSession } from '../page/session'
import { download, fileName } from './download'
import { PanelContext } from './PanelContext'
import { drawPicture } from './picture'
import { type Twin, toCSV } from './twin'

/** Props of {@link PanelMenu}. */
export interface PanelMenuProps {
  /** Items of the panel's own, which stand first. */
  readonly items: ReactNode
  readonly name: string
  readonly panel: RefObject<HTMLElement | null>
  readonly twin: (() => Twin) | undefined
  readonly full: boolean
  onFull(full: boolean): void
  readonly asTable: boolean
  onTable(asTable: boolean): void
}

/** What can be done with a panel. */
export function PanelMenu({
  items,
  name,
  panel,
  twin,
  full,
  onFull,
  asTable,
  onTable,
}: PanelMenuProps) {
  const session = useSession()
  const { id } = useContext(PanelContext)
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className="more" aria-label={`More of ${name}`}>
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path d="M3 8h.01M8 8h.01M13 8h.01" />
        </svg>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align="end" sideOffset={4}>
          {items ? (
            <>
              {items}
              <DropdownMenu.Separator className="separator" />
            </>
          ) : null}
          <Item onSelect={() => onFull(!full)} hint="f">
            {full ? 'Leave full screen' : 'Full screen'}
          </Item>
          {twin ? (
            <Item onSelect={() => onTable(!asTable)}>
              {asTable ? 'Show as picture' : 'Show as table'}
            </Item>
          ) : null}
          <DropdownMenu.Separator className="separator" />
          <Item onSelect={() => void savePicture(panel.current, name, session)}>Download PNG</Item>
          {twin ? <Item onSelect={() => saveCSV(twin(), name)}>Download CSV</Item> : null}
          {id === undefined ? null : (
            <>
              <DropdownMenu.Separator className="separator" />
              <Item
                onSelect={() => void session.copy(linkTo(session, id), 'Link to the panel copied')}
              >
                Copy link
              </Item>
              <Item
                onSelect={() =>
                  void session.copy(embedOf(session, id, name), 'Code to embed copied')
                }
              >
                Copy code to embed
              </Item>
            </>
          )}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}

interface ItemProps {
  readonly children: string
  readonly hint?: string
  onSelect(): void
}

function Item({ children, hint, onSelect }: ItemProps) {
  return (
    <DropdownMenu.Item className="item" onSelect={onSelect}>
      {children}
      {hint === undefined ? null : <kbd>{hint}</kbd>}
    </DropdownMenu.Item>
  )
}

function linkTo({ location }: Session, id: string): string {
  return location.with({ panel: id })
}

/** The markup that shows the panel, and nothing else, on another page. */
function embedOf({ location }: Session, id: string, name: string): string {
  const link = location.with({ panel: id, embed: '' })
  return `<iframe src="${attribute(link)}" title="${attribute(name)}" width="600" height="300"></iframe>`
}

function attribute(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')
}

function saveCSV(twin: Twin, name: string): void {
  download(new Blob([toCSV(twin)], { type: 'text/csv' }), fileName(name, 'csv'))
}

async function savePicture(
  panel: HTMLElement | null,
  name: string,
  session: Session,
): Promise<void> {
  if (panel === null) return
  const blob = await drawPicture(panel)
  if (blob === null) session.say('This browser could not make a picture of the panel')
  else download(blob, fileName(name, 'png'))
}
