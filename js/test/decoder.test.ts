import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Decoder } from '../src/stream/decoder.js'

interface Vector {
  readonly name: string
  readonly input: string
  readonly events: readonly { id: string; type: string; data: string }[]
  readonly lastEventId: string
  readonly retry: number | null
  /** Given ways to cut the input, and how many events there are after each part. */
  readonly chunks?: readonly string[]
  readonly after?: readonly number[]
}

const file = new URL('../../protocol/vectors/decode.json', import.meta.url)
const vectors: readonly Vector[] = JSON.parse(readFileSync(file, 'utf8'))
const utf8 = new TextEncoder()

function decode(chunks: Iterable<Uint8Array>) {
  const events: { id: string; type: string; data: string }[] = []
  const after: number[] = []
  let retry: number | null = null
  const decoder = new Decoder({
    event: (e) => events.push({ id: e.lastEventId, type: e.type, data: e.data }),
    retry: (ms) => {
      retry = ms
    },
  })
  for (const chunk of chunks) {
    decoder.push(chunk)
    after.push(events.length)
  }
  return { events, after, retry, lastEventId: decoder.lastEventId }
}

function* cut(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size)
}

describe('the decoder gives what the shared vectors say, however the input is cut', () => {
  it('has vectors to go by', () => {
    expect(vectors.length).toBeGreaterThan(30)
  })

  it.each(vectors)('$name', (vector) => {
    const { events, lastEventId, retry } = vector
    const bytes = utf8.encode(vector.input)
    for (const size of [1, 2, 3, 5, 7, 16, bytes.length + 1]) {
      const got = decode(cut(bytes, size))
      expect({ ...got, after: [] }, `cut every ${size} bytes`).toEqual({
        events,
        lastEventId,
        retry,
        after: [],
      })
    }
    if (vector.chunks !== undefined) {
      expect(decode(vector.chunks.map((c) => utf8.encode(c))).after).toEqual(vector.after)
    }
  })
})

describe('the decoder', () => {
  it('tells an id of its own from one that it inherits', () => {
    const ids: (string | undefined)[] = []
    const decoder = new Decoder({ event: (e) => ids.push(e.id, e.lastEventId) })
    decoder.push(utf8.encode('id: a-1\ndata: x\n\ndata: y\n\n'))
    expect(ids).toEqual(['a-1', 'a-1', undefined, 'a-1'])
  })

  it('leaves out what is too long, and says so', () => {
    const seen: string[] = []
    let left = 0
    const decoder = new Decoder({ event: (e) => seen.push(e.data), tooLong: () => left++ })
    const push = (text: string) => decoder.push(utf8.encode(text))
    const chunk = 'a'.repeat(1 << 20)
    push('id: a-1\ndata: ')
    for (let i = 0; i < 20; i++) push(chunk)
    push('\ndata: the rest\n')
    expect(left).toBe(0)
    push('\n')
    expect(left).toBe(1)
    expect(decoder.lastEventId).toBe('a-1')
    push('data: next\n\n:')
    for (let i = 0; i < 20; i++) push(chunk)
    push('\ndata: after a long comment\n\n')
    expect(seen).toEqual(['next', 'after a long comment'])
    expect(left).toBe(1)
  })
})
