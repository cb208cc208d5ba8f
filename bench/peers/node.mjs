// The plainest server of events that one would write with Node: every event is
// written to every response as it comes. It has no log and no replay.
//
//   node node.mjs ADDRESS

import { createServer } from 'node:http'

const [host, port] = process.argv[2].split(':')
const subscribers = new Map() // by path
let seq = 0

createServer((request, response) => {
  const path = request.url.split('?')[0]
  if (request.method === 'GET') {
    if (!subscribers.has(path)) subscribers.set(path, new Set())
    const all = subscribers.get(path)
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' })
    response.write(': welcome\n\n')
    all.add(response)
    request.on('close', () => all.delete(response))
    return
  }
  const body = []
  request.on('data', (piece) => body.push(piece))
  request.on('end', () => {
    const event = `id: b-${++seq}\ndata: ${Buffer.concat(body)}\n\n`
    for (const subscriber of subscribers.get(path) ?? []) subscriber.write(event)
    response.writeHead(201).end()
  })
}).listen(Number(port), host)
