/** What is searched for. */
export type Pattern =
  | { readonly kind: 'none' }
  | { readonly kind: 'wrong'; readonly why: string }
  | { readonly kind: 'pattern'; readonly regexp: RegExp }

const NOTHING: Pattern = { kind: 'none' }

/** Reads what somebody searches for: a regular expression between slashes, which may
 * be followed by the flags i, s, m and u, or else plain text in upper or lower case. */
export function parsePattern(search: string): Pattern {
  if (search === '') return NOTHING
  const [, source, flags = ''] = /^\/(.+)\/([imsu]*)$/.exec(search) ?? []
  if (source === undefined) {
    return { kind: 'pattern', regexp: new RegExp(escaped(search), 'gi') }
  }
  try {
    return { kind: 'pattern', regexp: new RegExp(source, `g${flags}`) }
  } catch (error) {
    // "Invalid regular expression: /(/g: Unterminated group": the end is news.
    return { kind: 'wrong', why: String((error as Error).message).replace(/^.*\/[a-z]*: /s, '') }
  }
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}

/** Whether the pattern occurs. */
export function occurs(regexp: RegExp, text: string): boolean {
  regexp.lastIndex = 0
  return regexp.test(text)
}

/** Occurrences marked in one text; more are not. */
const MAX_MARKS = 100

/** Where the pattern occurs, as pairs of UTF-16 units: the first, and the one after the last. */
export function occurrences(regexp: RegExp, text: string): [number, number][] {
  const found: [number, number][] = []
  regexp.lastIndex = 0
  for (let m = regexp.exec(text); m !== null && found.length < MAX_MARKS; m = regexp.exec(text)) {
    if (m[0] === '') regexp.lastIndex++
    else found.push([m.index, m.index + m[0].length])
  }
  return found
}
