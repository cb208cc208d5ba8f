import {
  closestCenter,
  DndContext,
  type DragEndEvent,
  KeyboardSensor,
  PointerSensor,
  useSensor,
  useSensors,
} from '@dnd-kit/core'
import {
  rectSortingStrategy,
  SortableContext,
  sortableKeyboardCoordinates,
  useSortable,
} from '@dnd-kit/sortable'
import { Copy, GripVertical, Pencil, Trash2 } from 'lucide-react'
import { type CSSProperties, type PointerEvent, useRef, useState } from 'react'
import { mistakesOf } from '../page/mistakes'
import type { PanelItem, PanelRow } from '../page/page'
import { useValue } from '../page/value'
import { panelTypes } from '../panels/registry'
import type { Draft, Operation } from './draft'

/** Props of {@link EditGrid}. */
export interface EditGridProps {
  readonly draft: Draft
  readonly rows: readonly PanelRow[]
  /** The panel whose form is open, as a JSON pointer. */
  readonly selected: string | undefined
  select(path: string | undefined): void
}

/** A dashboard's panels, to be moved, resized, added and taken away. */
export function EditGrid({ draft, rows, selected, select }: EditGridProps) {
  const sensors = useSensors(
    useSensor(PointerSensor, { activationConstraint: { distance: 4 } }),
    useSensor(KeyboardSensor, { coordinateGetter: sortableKeyboardCoordinates }),
  )
  const drop = ({ active, over }: DragEndEvent) => {
    if (over === null || active.id === over.id) return
    select(undefined)
    void draft.apply({ op: 'move', from: String(active.id), path: String(over.id) })
  }
  return (
    <DndContext sensors={sensors} collisionDetection={closestCenter} onDragEnd={drop}>
      {rows.map((row, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row has no other name
        <EditRow key={i} {...{ draft, row, path: `/rows/${i}`, selected, select }} />
      ))}
      <button
        type="button"
        className="add"
        onClick={() =>
          void draft.apply({
            op: 'add',
            path: '/rows/-',
            value: { title: 'New row', panels: [NEW_PANEL] },
          })
        }
      >
        Add a row
      </button>
    </DndContext>
  )
}

const NEW_PANEL = { type: 'timeseries', title: 'New panel', stream: 'hub.stats' }

interface EditRowProps extends Omit<EditGridProps, 'rows'> {
  readonly row: PanelRow
  readonly path: string
}

function EditRow({ draft, row, path, selected, select }: EditRowProps) {
  const add = async () => {
    const added = `${path}/panels/${row.items.length}`
    if (await draft.apply({ op: 'add', path: `${path}/panels/-`, value: NEW_PANEL })) select(added)
  }
  return (
    <div className="row">
      <header className="row-tools">
        <input
          key={row.title}
          defaultValue={row.title ?? ''}
          placeholder="Title of the row"
          aria-label="Title of the row"
          onBlur={({ target: { value } }) => {
            if (value !== (row.title ?? '')) void draft.apply(...titled(path, row, value))
          }}
        />
        <button type="button" onClick={() => void add()}>
          Add a panel
        </button>
        <button type="button" onClick={() => void draft.apply({ op: 'remove', path })}>
          Remove the row
        </button>
      </header>
      <SortableContext items={row.items.map(({ id }) => id)} strategy={rectSortingStrategy}>
        <div className="grid">
          {row.items.map((item) => (
            <EditCell key={item.id} {...{ draft, item, selected: selected === item.id, select }} />
          ))}
        </div>
      </SortableContext>
    </div>
  )
}

function titled(path: string, { title }: PanelRow, to: string): Operation[] {
  if (to !== '') return [{ op: 'add', path: `${path}/title`, value: to }]
  return title === undefined ? [] : [{ op: 'remove', path: `${path}/title` }]
}

interface EditCellProps {
  readonly draft: Draft
  readonly item: PanelItem
  readonly selected: boolean
  select(path: string | undefined): void
}

function EditCell({ draft, item: { id, definition, source }, selected, select }: EditCellProps) {
  const { attributes, listeners, setNodeRef, transform, transition, isDragging } = useSortable({
    id,
  })
  const [size, setSize] = useState<Size>()
  const wrong = mistakesOf(useValue(draft.mistakes), id)
  const type = panelTypes[definition.type]
  const width = size?.width ?? definition.width ?? type.width
  const height = size?.height ?? definition.height ?? type.height
  const name = definition.title ?? definition.type
  const style = {
    '--width': width,
    '--half': Math.min(6, Math.max(2, Math.ceil(width / 2))),
    '--height': height,
    transform: transform === null ? undefined : `translate(${transform.x}px, ${transform.y}px)`,
    transition,
  } as CSSProperties
  const resize = (to: Size) => {
    setSize(undefined)
    void draft.apply(
      { op: 'add', path: `${id}/width`, value: to.width },
      { op: 'add', path: `${id}/height`, value: to.height },
    )
  }
  const copy = () => {
    const value = Object.fromEntries(
      Object.entries(definition).filter(([, member]) => member !== undefined),
    )
    // As it stands in the file, not as variables make it.
    void draft.apply({ op: 'add', path: id, value: written(draft, id) ?? value })
  }
  return (
    <div
      ref={setNodeRef}
      className="cell editable"
      style={style}
      data-type={definition.type}
      data-selected={selected || undefined}
      data-wrong={wrong || undefined}
      title={wrong || undefined}
      data-dragging={isDragging || undefined}
    >
      <div className="preview" inert>
        <type.Component definition={definition} source={source} />
      </div>
      <div className="tools">
        <button
          type="button"
          className="move"
          aria-label={`Move ${name}`}
          title="Move"
          {...attributes}
          {...listeners}
        >
          <GripVertical aria-hidden="true" />
        </button>
        <button
          type="button"
          aria-label={`Edit ${name}`}
          title="Edit"
          aria-pressed={selected}
          onClick={() => select(selected ? undefined : id)}
        >
          <Pencil aria-hidden="true" />
        </button>
        <button type="button" aria-label={`Copy ${name}`} title="Copy" onClick={copy}>
          <Copy aria-hidden="true" />
        </button>
        <button
          type="button"
          aria-label={`Remove ${name}`}
          title="Remove"
          onClick={() => {
            select(undefined)
            void draft.apply({ op: 'remove', path: id })
          }}
        >
          <Trash2 aria-hidden="true" />
        </button>
      </div>
      <Resize name={name} size={{ width, height }} preview={setSize} commit={resize} />
    </div>
  )
}

/** The panel as the draft's dashboard has it. */
function written(draft: Draft, path: string): unknown {
  const [, , row = '', , panel = ''] = path.split('/')
  return draft.preview.get().definition.rows[Number(row)]?.panels[Number(panel)]
}

interface Size {
  readonly width: number
  readonly height: number
}

const KEYS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
}

interface ResizeProps {
  readonly name: string
  readonly size: Size
  preview(size: Size): void
  commit(size: Size): void
}

/** The corner by which a panel is made larger or smaller, also by the arrow keys. */
function Resize({ name, size, preview, commit }: ResizeProps) {
  const start = useRef<{ x: number; y: number; size: Size; column: number }>(undefined)
  const at = (event: PointerEvent<HTMLElement>): Size | undefined => {
    if (start.current === undefined) return undefined
    const { x, y, size: from, column } = start.current
    return bounded(
      from.width + Math.round((event.clientX - x) / column),
      from.height + Math.round((event.clientY - y) / 52),
    )
  }
  return (
    <button
      type="button"
      className="resize"
      aria-label={`Resize ${name}: ${size.width} columns, ${size.height} rows`}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId)
        const grid = event.currentTarget.closest('.grid')
        const column = ((grid?.clientWidth ?? 1200) + 12) / 12
        start.current = { x: event.clientX, y: event.clientY, size, column }
      }}
      onPointerMove={(event) => {
        const to = at(event)
        if (to !== undefined && (to.width !== size.width || to.height !== size.height)) preview(to)
      }}
      onPointerUp={(event) => {
        const to = at(event)
        start.current = undefined
        if (to !== undefined) commit(to)
      }}
      onKeyDown={(event) => {
        const step = KEYS[event.key]
        if (step === undefined) return
        event.preventDefault()
        commit(bounded(size.width + step[0], size.height + step[1]))
      }}
    />
  )
}

function bounded(width: number, height: number): Size {
  return { width: Math.min(12, Math.max(1, width)), height: Math.min(30, Math.max(1, height)) }
}
