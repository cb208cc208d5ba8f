import { isObject } from './shape'

/** The value that a JSON pointer (RFC 6901) leads to, or undefined. The empty
 * pointer leads to the whole. */
export function valueAt(data: unknown, pointer: string): unknown {
  if (pointer === '') return data
  let value = data
  for (const token of pointer.slice(1).split('/')) {
    const name = token.replaceAll('~1', '/').replaceAll('~0', '~')
    if (Array.isArray(value)) value = /^\d+$/.test(name) ? value[Number(name)] : undefined
    else if (isObject(value)) value = Object.hasOwn(value, name) ? value[name] : undefined
    else return undefined
  }
  return value
}
