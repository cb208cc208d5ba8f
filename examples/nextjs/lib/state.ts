import 'server-only'

/**
 * Something that there is once in the process. Next.js bundles a module more than once, and
 * `next dev` runs it again after every change; what must not be there twice, or be lost, is
 * kept on globalThis.
 */
export function once<T>(name: string, make: () => T): T {
  const all = globalThis as unknown as Record<symbol, T | undefined>
  const key = Symbol.for(`slack-water.${name}`)
  all[key] ??= make()
  return all[key]
}
