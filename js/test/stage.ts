import { afterAll, afterEach, expect } from 'vitest'
import { Hub } from './hub.js'
import { type Answer, Scripted } from './scripted.js'

/**
 * What the tests of a file play on: a real hub for all of them, and what each opens. After
 * each test that is closed, and nobody may be connected to the hub any more.
 */
export async function stage() {
  const hub = await Hub.start()
  const ends: (() => unknown)[] = []
  let count = 0
  afterEach(async () => {
    for (const end of ends.splice(0)) await end()
    await expect.poll(() => hub.subscribers()).toBe(0)
  })
  afterAll(() => hub.close())
  return {
    hub,
    /** Runs after the test. */
    ends,
    /** A stream's name that no other test has. */
    newName: () => `s${count++}`,
    /** A server that answers as it is told. */
    async scripted(...answers: Answer[]): Promise<Scripted> {
      const server = await Scripted.start(...answers)
      ends.push(() => server.close())
      return server
    },
  }
}

/** The numbers up to n. */
export function upTo(n: number, from = 1): number[] {
  return Array.from({ length: n - from + 1 }, (_, i) => from + i)
}
