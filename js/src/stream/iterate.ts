import type { StreamError } from './error.js'
import type { EventStream, StreamEvent } from './subscription.js'

/** How many events may wait for a loop before reading stops. */
const AHEAD = 256

/**
 * Gives every event of a stream from the first step on, for as long as it is open.
 *
 * @param hold holds the stream up until the promise resolves
 */
export async function* iterate<T>(
  stream: EventStream<T>,
  hold: (until: Promise<void>) => void,
): AsyncGenerator<StreamEvent<T>> {
  const queue: StreamEvent<T>[] = []
  let full = false
  let wake = () => {}
  let release = () => {}
  const ends = [
    stream.on((event) => {
      if (queue.push(event) > AHEAD && !full) {
        full = true
        hold(
          new Promise((done) => {
            release = done
          }),
        )
      }
      wake()
    }),
    stream.onState(() => wake()),
    () => release(),
  ]
  try {
    for (;;) {
      const event = queue.shift()
      const { status, error } = stream.state as { status: string; error?: StreamError }
      if (event !== undefined) yield event
      else if (status === 'closed') {
        if (error !== undefined) throw error
        return
      } else {
        full = false
        release()
        await new Promise<void>((done) => {
          wake = done
        })
      }
    }
  } finally {
    for (const end of ends) end()
  }
}
