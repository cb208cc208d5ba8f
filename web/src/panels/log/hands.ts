import type { LogPainter } from './logPainter'

/** The parts of a tail that a reader acts on. */
export interface Parts {
  readonly viewport: HTMLElement
  readonly lines: HTMLElement
  readonly unseen: HTMLElement
}

/** Lets pointer and keyboard act on a tail until the signal ends it. */
export function handle(
  log: LogPainter,
  { viewport, lines, unseen }: Parts,
  signal: AbortSignal,
): void {
  const resume = () => {
    log.follow()
    viewport.focus()
  }
  viewport.addEventListener('scroll', () => log.scrolled(), { signal, passive: true })
  viewport.addEventListener('keydown', (event) => onKey(log, event, resume), { signal })
  viewport.addEventListener('focusout', () => log.point(undefined), { signal })
  lines.addEventListener('click', (event) => onClick(log, event, lines), { signal })
  lines.addEventListener('pointerover', (event) => onPointer(log, event), { signal })
  lines.addEventListener('pointerout', () => log.point(undefined), { signal })
  // A branch of a tree that opens makes its line higher; toggle does not bubble.
  lines.addEventListener('toggle', () => log.remeasure(), { signal, capture: true })
  unseen.addEventListener('click', resume, { signal })
  document.addEventListener('selectionchange', () => log.select(isSelecting(lines)), { signal })
}

/** A click opens a line, unless it was to select a part of it. */
function onClick(log: LogPainter, { target }: MouseEvent, lines: HTMLElement): void {
  const element = target as Element
  const line = log.lineOf(element.closest('.line'))
  if (line === undefined || element.closest('.detail') !== null || isSelecting(lines)) return
  log.toggle(line.number)
  log.read(line.number, false)
}

function isSelecting(lines: HTMLElement): boolean {
  const selection = document.getSelection()
  return selection !== null && !selection.isCollapsed && lines.contains(selection.anchorNode)
}

/** A time that is pointed at is shown on all panels. */
function onPointer(log: LogPainter, { target, pointerType }: PointerEvent): void {
  const time = (target as Element).closest<HTMLElement>('.time')
  const line = log.lineOf(time?.closest('.line') ?? null)
  if (time === null || line === undefined || pointerType === 'touch') return
  time.title = new Date(line.time).toISOString()
  log.point(line.time)
}

function onKey(log: LogPainter, event: KeyboardEvent, resume: () => void): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return
  const inDetail = (event.target as Element).closest('.detail') !== null
  if (act(log, event.key, inDetail, resume)) event.preventDefault()
}

/** Does what a key stands for. Returns whether it stands for anything. */
function act(log: LogPainter, key: string, inDetail: boolean, resume: () => void): boolean {
  switch (key) {
    case 'ArrowUp':
    case 'ArrowDown':
      log.step(key === 'ArrowUp' ? -1 : 1)
      return true
    case 'PageUp':
    case 'PageDown':
      log.step(key === 'PageUp' ? -1 : 1, true)
      return true
    case 'Home':
      log.step(Number.NEGATIVE_INFINITY)
      return true
    case 'End':
      resume()
      return true
    case 'n':
    case 'N':
      log.find(key === 'n' ? 1 : -1)
      return true
    case 'Enter':
      return !inDetail && log.press()
    case 'Escape':
      if (!log.reads) return false
      resume()
      return true
    default:
      return false
  }
}
