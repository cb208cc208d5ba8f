import {
  type KeyboardEvent,
  type PointerEvent,
  type RefObject,
  type TouchEvent,
  useEffect,
  useMemo,
  useRef,
  useState,
  type WheelEvent,
} from 'react'
import { evenRows, type Rows, unevenRows } from './rows.js'
import { countUntil, type Held, useHeld } from './useHeld.js'
import { useLayout } from './useLayout.js'

/** Rows that are drawn above and below what is seen, so that scrolling meets no void. */
const SPARE = 6

/** Rows that are drawn before the height is known, as on a server. */
const AT_FIRST = 30

/** As near to the end, in px, it follows again. */
const NEAR = 4

/** What {@link useTail} needs to know. */
export interface TailOptions {
  /** The height of a row in px; where rows are measured, what is expected of them. */
  readonly rowHeight: number
  readonly isMeasured: boolean
}

/** A list that stays at its end, of which only what is seen is in the document. */
export interface Tail<E> extends Held<E> {
  /** The element that scrolls. */
  readonly viewport: RefObject<HTMLDivElement | null>
  /** The element whose children are the rows that are drawn. */
  readonly lines: RefObject<HTMLDivElement | null>
  /** The first row that is drawn, and the one after the last. */
  readonly first: number
  readonly end: number
  /** Where the first one is, and how high all would be, in px. */
  readonly top: number
  readonly total: number
  /** Goes to the oldest row, and stays. */
  toStart(): void
  /** What the viewport has to listen to. */
  readonly handlers: {
    onScroll(): void
    onWheel(event: WheelEvent): void
    onPointerDown(event: PointerEvent): void
    onTouchMove(event: TouchEvent): void
  }
  /** What keys do that scroll. */
  onKeyDown(event: KeyboardEvent): void
}

/** Follows the end of a list until the reader scrolls up, then stands still. */
export function useTail<E extends { readonly seq: number }>(
  events: readonly E[],
  options: TailOptions,
): Tail<E> {
  const held = useHeld(events)
  const { shown, isHeld, hold, release } = held
  const viewport = useRef<HTMLDivElement>(null)
  const lines = useRef<HTMLDivElement>(null)
  const [scrolled, setScrolled] = useState(0)
  const height = useHeight(viewport)
  const rows = useRows(shown, options, lines)
  const anchor = useRef({ seq: -1, top: 0 })
  const lastTop = useRef(0)
  const finger = useRef(0)

  const isUnknown = height === 0
  const from = isHeld ? scrolled : rows.total - height
  const count = shown.length
  const first = isUnknown ? Math.max(0, count - AT_FIRST) : Math.max(0, rows.at(from) - SPARE)
  const end = isUnknown ? count : Math.min(count, rows.at(from + height) + 1 + SPARE)
  // Nobody has scrolled yet: what is drawn is all there is.
  const skipped = isUnknown && count > 0 ? rows.top(first) : 0

  useLayout(() => {
    const element = viewport.current
    if (element === null || isUnknown) return
    if (!isHeld) {
      element.scrollTop = rows.total
      lastTop.current = element.scrollTop
      return
    }
    const index = countUntil(shown, anchor.current.seq) - 1
    const by = index < 0 ? 0 : rows.top(index) - anchor.current.top
    if (by === 0) return
    // What is above the reader turned out to be of another height.
    element.scrollTop += by
    anchor.current.top += by
    lastTop.current += by
  })

  /** Notes where the reader is. */
  const settle = (element: HTMLElement) => {
    const { scrollTop } = element
    const index = rows.at(scrollTop)
    anchor.current = { seq: shown[index]?.seq ?? -1, top: count > 0 ? rows.top(index) : 0 }
    lastTop.current = scrollTop
    setScrolled(scrollTop)
  }
  const stop = () => {
    const element = viewport.current
    if (isHeld || element === null || element.scrollHeight <= element.clientHeight) return
    settle(element)
    hold()
  }
  const onScroll = () => {
    const element = viewport.current
    if (element === null) return
    const by = element.scrollTop - lastTop.current
    if (by === 0) return
    const toEnd = element.scrollHeight - element.clientHeight - element.scrollTop
    if (isHeld && by > 0 && toEnd <= NEAR) release()
    else if (!isHeld && by < 0 && toEnd > NEAR) stop()
    else if (isHeld) settle(element)
  }
  return {
    ...held,
    viewport,
    lines,
    first,
    end,
    top: count === 0 ? 0 : rows.top(first) - skipped,
    total: rows.total - skipped,
    toStart() {
      const element = viewport.current
      stop()
      if (element === null) return
      element.scrollTop = 0
      settle(element)
    },
    handlers: {
      onScroll,
      // It stops as soon as somebody wants to scroll: the next line would undo it.
      onWheel: (event) => {
        if (event.deltaY < 0) stop()
      },
      onTouchMove: (event) => {
        const y = event.touches[0]?.clientY ?? 0
        // A finger that goes down pulls what is above into view.
        if (y > finger.current) stop()
        finger.current = y
      },
      onPointerDown: (event) => {
        finger.current = event.clientY
        const element = viewport.current
        const isBar = element !== null && event.nativeEvent.offsetX >= element.clientWidth
        if (isBar && event.target === element) stop()
      },
    },
    onKeyDown(event) {
      if (event.key === 'ArrowUp' || event.key === 'PageUp') stop()
    },
  }
}

/** The height of what scrolls, in px; 0 until it is known. */
function useHeight(viewport: RefObject<HTMLElement | null>): number {
  const [height, setHeight] = useState(0)
  useLayout(() => {
    const element = viewport.current
    if (element === null) return
    const measure = () => setHeight(element.clientHeight)
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    return () => observer.disconnect()
  }, [viewport])
  return height
}

/** Where the rows are. Those that may be of any height are measured when they are drawn. */
function useRows<E extends { readonly seq: number }>(
  shown: readonly E[],
  { rowHeight, isMeasured }: TailOptions,
  lines: RefObject<HTMLDivElement | null>,
): Rows {
  const heights = useRef(new Map<number, number>())
  const [version, setVersion] = useState(0)
  // biome-ignore lint/correctness/useExhaustiveDependencies: the version stands for the heights
  const rows = useMemo(() => {
    if (!isMeasured) return evenRows(shown.length, rowHeight)
    const known = heights.current
    return unevenRows(shown.length, (i) => known.get((shown[i] as E).seq) ?? rowHeight)
  }, [shown, rowHeight, isMeasured, version])

  const measure = useRef(() => {})
  useLayout(() => {
    measure.current = () => {
      const known = heights.current
      let isNew = false
      for (const row of lines.current?.children ?? []) {
        const seq = Number((row as HTMLElement).dataset.seq)
        const { height } = row.getBoundingClientRect()
        if (height === 0 || known.get(seq) === height) continue
        known.set(seq, height)
        isNew = true
      }
      if (isNew) setVersion((n) => n + 1)
    }
    if (isMeasured) measure.current()
    const oldest = shown[0]?.seq ?? 0
    if (heights.current.size > 2 * shown.length + 100) {
      for (const seq of heights.current.keys()) if (seq < oldest) heights.current.delete(seq)
    }
  })
  useEffect(() => {
    const element = lines.current
    if (!isMeasured || element === null) return
    let width = 0
    // Its height is that of the rows in it: it changes when one is opened.
    const observer = new ResizeObserver(([entry]) => {
      const now = entry?.contentRect.width ?? 0
      if (now !== width) heights.current.clear()
      width = now
      measure.current()
    })
    observer.observe(element)
    return () => observer.disconnect()
  }, [isMeasured, lines])
  return rows
}
