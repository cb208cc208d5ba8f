// Characters that show nothing but change what is read: controls, marks and
// overrides of direction, and what has no width.
const HIDDEN = new RegExp(
  [
    '[\\0-\\x08\\x0b-\\x1f\\x7f-\\x9f]', // controls, but for tab and line feed
    '[\\xad\\u061c\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb]',
    '\\u034f|[\\u115f\\u1160\\u3164\\uffa0]|[\\u17b4\\u17b5]', // joiners and fillers
    '[\\u{e0000}-\\u{e007f}]', // tags
  ].join('|'),
  'gu',
)

/** What joins emoji, or shapes the letters of some scripts, belongs to its word. */
const JOINERS = /\p{Extended_Pictographic}|\p{Emoji_Modifier}|\ufe0f|\p{L}|\p{M}/u

/**
 * The text with every character that would hide, or reorder what stands around it,
 * replaced by a name that can be seen, such as `⟨U+202E⟩`. Tabs and line feeds stay; a
 * carriage return before a line feed goes.
 */
export function visible(text: string): string {
  HIDDEN.lastIndex = 0
  if (!HIDDEN.test(text)) return text
  return text.replaceAll('\r\n', '\n').replace(HIDDEN, (c, at: number, whole: string) => {
    const code = c.codePointAt(0) as number
    if ((code === 0x200c || code === 0x200d) && joins(whole, at)) return c
    return `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`
  })
}

/** Whether the joiner there stands between two things that can be joined. Between
 * plain Latin letters it only hides. */
function joins(text: string, at: number): boolean {
  const before = text.slice(Math.max(0, at - 2), at)
  const after = text.slice(at + 1, at + 3)
  return isJoined(before.at(-1), before) && isJoined(after[0], after)
}

function isJoined(unit: string | undefined, pair: string): boolean {
  if (unit === undefined || /[\0-\u024f]/.test(unit)) return false
  return JOINERS.test(pair)
}
