import { createParser } from 'eventsource-parser'
import { describe, expect, it } from 'vitest'
import { Decoder } from '../src/stream/decoder.js'

interface Seen {
  readonly id: string | undefined
  readonly type: string
  readonly data: string
}

const utf8 = new TextEncoder()

/** A random source that a seed repeats (mulberry32). */
function random(seed: number): () => number {
  let a = seed
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** What streams are made of, what is right as often as what is nearly right. */
const PIECES = [
  'data: one\n',
  'data:two\r\n',
  'data\n',
  'data:\r',
  'data:  three\n',
  'id: 1\n',
  'id\n',
  'id: a\0b\n',
  'id:π\n',
  'event: ping\n',
  'event\n',
  'event:\r\n',
  'retry: 100\n',
  'retry: 1e3\n',
  'retry:\n',
  ': comment\n',
  ':\n',
  ' data: no\n',
  'Data: no\n',
  'data : no\n',
  'other: x\n',
  '\n',
  '\n',
  '\r',
  '\r\n',
  '\n\n',
  ':',
  ' ',
  'data',
  'id',
  '\0',
  'é',
  '😀',
  '\u2028',
  '{"a":1}',
]

function stream(next: () => number): Uint8Array {
  let text = next() < 0.1 ? '\uFEFF' : ''
  const pieces = 1 + Math.floor(next() * 30)
  for (let i = 0; i < pieces; i++) text += PIECES[Math.floor(next() * PIECES.length)]
  const bytes = utf8.encode(text)
  // What is no UTF-8 may come too.
  if (next() < 0.05 && bytes.length > 0) bytes[Math.floor(next() * bytes.length)] = 0xff
  return bytes
}

function* cut(bytes: Uint8Array, next: () => number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + Math.floor(next() ** 3 * bytes.length)
    yield bytes.subarray(at, end)
    at = end
  }
}

function ours(chunks: readonly Uint8Array[]) {
  const events: Seen[] = []
  const retries: number[] = []
  const decoder = new Decoder({
    event: ({ id, type, data }) => events.push({ id, type, data }),
    retry: (ms) => retries.push(ms),
  })
  for (const chunk of chunks) decoder.push(chunk)
  return { events, retries }
}

function theirs(chunks: readonly Uint8Array[]) {
  const events: Seen[] = []
  const retries: number[] = []
  const parser = createParser({
    onEvent: ({ id, event, data }) => events.push({ id, type: event || 'message', data }),
    onRetry: (ms) => retries.push(ms),
  })
  const decoder = new TextDecoder()
  for (const chunk of chunks) parser.feed(decoder.decode(chunk, { stream: true }))
  return { events, retries }
}

describe('the decoder and eventsource-parser', () => {
  it('make the same of 20,000 random streams, cut at random', () => {
    let events = 0
    for (let seed = 0; seed < 20_000; seed++) {
      const next = random(seed)
      // The reference waits for what follows a CR; what ends a stream must not be one.
      const bytes = new Uint8Array([...stream(next), 0x0a])
      const chunks = [...cut(bytes, next)]
      const got = ours(chunks)
      events += got.events.length
      expect(got, `seed ${seed}: ${JSON.stringify(new TextDecoder().decode(bytes))}`).toEqual(
        theirs(chunks),
      )
      expect(ours([bytes])).toEqual(got)
    }
    expect(events).toBeGreaterThan(15_000)
  })
})
