/**
 * Runs something at the next animation frame, or so many ms from now. In a page that
 * nobody sees frames stand still, so it doesn't wait for one for longer than 250 ms.
 *
 * @returns what calls it off
 */
export function soon(run: () => void, delay: 'frame' | number): () => void {
  let frame = 0
  const timer = setTimeout(now, delay === 'frame' ? 250 : delay)
  if (delay === 'frame') frame = requestAnimationFrame(now)
  function now() {
    cancel()
    run()
  }
  function cancel() {
    clearTimeout(timer)
    cancelAnimationFrame(frame)
  }
  return cancel
}
