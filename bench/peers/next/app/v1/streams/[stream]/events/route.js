// The route handler that one finds in tutorials: an emitter in the process, and a
// ReadableStream for every reader.

import { EventEmitter } from 'node:events'

export const dynamic = 'force-dynamic'

const emitter = (globalThis.emitter ??= new EventEmitter().setMaxListeners(0))
globalThis.seq ??= 0
const encoder = new TextEncoder()

export async function GET(request, { params }) {
  const { stream } = await params
  let send
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(encoder.encode(': welcome\n\n'))
      send = (event) => controller.enqueue(encoder.encode(event))
      emitter.on(stream, send)
      request.signal.addEventListener('abort', () => emitter.off(stream, send))
    },
    cancel: () => emitter.off(stream, send),
  })
  return new Response(body, {
    headers: { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache, no-transform' },
  })
}

export async function POST(request, { params }) {
  const { stream } = await params
  const data = await request.text()
  emitter.emit(stream, `id: b-${++globalThis.seq}\ndata: ${data}\n\n`)
  return new Response(null, { status: 201 })
}
