import { StreamError } from './error.js'

const CONTROL = ['hub.hello', 'hub.heartbeat', 'hub.gap', 'hub.bye']

/**
 * A fetch that asks by the browser's own EventSource and answers with what that
 * receives. It is done at the first error: trying again is the caller's part, who sends
 * the last id as a parameter.
 *
 * @param types what to listen for, beside messages and control events
 */
export function sourceFetch(types: readonly string[] = []): typeof fetch {
  return async (url, { signal, credentials } = {}) => {
    signal?.throwIfAborted() // as it may be since this was loaded
    const source = new EventSource(String(url), { withCredentials: credentials === 'include' })
    return new Promise((answer, refuse) => {
      const encoder = new TextEncoder()
      const start = (stream: ReadableStreamDefaultController<Uint8Array>) => {
        const put = (text: string) => stream.enqueue(encoder.encode(text))
        const end = (why: unknown) => {
          source.close()
          stream.error(why)
          refuse(why)
        }
        let last = ''
        const hear = ({ type, data, lastEventId }: MessageEvent<string>) => {
          // Whether a block had an id can't be told from one that had the same.
          const id = lastEventId === last ? '' : `id:${lastEventId}\n`
          last = lastEventId
          put(`${id}event:${type}\ndata:${data.replaceAll('\n', '\ndata:')}\n\n`)
        }
        for (const type of new Set(['message', ...CONTROL, ...types])) {
          source.addEventListener(type, hear)
        }
        source.onopen = () => {
          put(':\n\n')
          answer(new Response(body, { headers: { 'content-type': 'text/event-stream' } }))
        }
        source.onerror = () => {
          end(new StreamError('connect', 'the EventSource failed, without saying why'))
        }
        signal?.addEventListener('abort', () => end(signal.reason))
      }
      const body = new ReadableStream<Uint8Array>({ start, cancel: () => source.close() })
    })
  }
}
