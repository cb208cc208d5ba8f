/** What runs at the next frame: all together, so that React renders once for it. */
let due: Set<() => void> | undefined
let frame = 0

/**
 * Runs something at the next animation frame, or so many ms from now. In a page that
 * nobody sees frames stand still, so it doesn't wait for one for longer than 250 ms.
 *
 * @returns what calls it off
 */
export function soon(run: () => void, delay: 'frame' | number): () => void {
  let all: typeof due
  const now = () => {
    cancel()
    run()
  }
  const timer = setTimeout(now, delay === 'frame' ? 250 : delay)
  if (delay === 'frame') {
    if (!due?.size) {
      cancelAnimationFrame(frame) // it may never come
      frame = requestAnimationFrame(runDue)
    }
    due ??= new Set()
    all = due.add(now)
  }
  const cancel = () => {
    clearTimeout(timer)
    all?.delete(now)
  }
  return cancel
}

function runDue(): void {
  const all = due
  due = undefined
  // Who is called off meanwhile is no longer among them.
  for (const now of all ?? []) now()
}
