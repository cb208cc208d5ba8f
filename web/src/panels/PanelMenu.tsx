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
          <MenuItem onSelect={() => onFull(!full)} hint="f">
            {full ? 'Leave full screen' : 'Full screen'}
          </MenuItem>
          {twin ? (
            <MenuItem onSelect={() => onTable(!asTable)}>
              {asTable ? 'Show as picture' : 'Show as table'}
            </MenuItem>
          ) : null}
          <DropdownMenu.Separator className="separator" />
          <MenuItem onSelect={() => void savePicture(panel.current, name, session)}>
            Download PNG
          </MenuItem>
          {twin ? <MenuItem onSelect={() => saveCSV(twin(), name)}>Download CSV</MenuItem> : null}
          {id === undefined ? null : (
            <>
              <DropdownMenu.Separator className="separator" />
              <MenuItem
                onSelect={() => void session.copy(linkTo(session, id), 'Link to the panel copied')}
              >
                Copy link
              </MenuItem>
              <MenuItem
                onSelect={() =>
                  void session.copy(embedOf(session, id, name), 'Code to embed copied')
                }
              >
                Copy code to embed
              </MenuItem>
            </>
          )}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}

interface MenuItemProps {
  readonly children: string
  readonly hint?: string
  onSelect(): void
}

/** What can be chosen from a menu. */
export function MenuItem({ children, hint, onSelect }: MenuItemProps) {
  return (
    <DropdownMenu.Item className="item" onSelect={onSelect}>
      {children}
      {hint === undefined ? null : <kbd>{hint}</kbd>}
    </DropdownMenu.Item>
  )
}

function linkTo(session: Session, id: string): string {
  return session.link({ panel: id })
}

/** The markup that shows the panel, and nothing else, on another page. */
function embedOf(session: Session, id: string, name: string): string {
  const link = session.link({ panel: id, embed: '' })
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
