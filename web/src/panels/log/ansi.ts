import Anser from 'anser'
import { visible } from '../../data/visible'

/** A part of a text, from one UTF-16 unit to before another, and its CSS classes. */
export interface Style {
  readonly from: number
  readonly to: number
  readonly classes: string
}

/** A text as it is shown. */
export interface Styled {
  readonly text: string
  readonly styles: readonly Style[]
}

const NONE: readonly Style[] = []

/** What begins something that a terminal obeys. */
const ESCAPES = ['\x1b', '\x9b', '\x9d']

/* Everything that a terminal obeys and that sets no colour: strings to it, such as
 * titles and links (OSC 8: what they lead to is not shown here, and leads nowhere),
 * movements, modes. What is not ended as it should be stays, to be seen. */
const OBEYED =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for
  /(?:\x1b[\]PX^_]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)|\x1b\[[0-?]*[ -/]*[@-ln-~]|\x1b(?:[()*+][0-9A-Z]|[78=>cM])/g

const DECORATIONS: Readonly<Record<string, string>> = {
  bold: 'bold',
  dim: 'dim',
  italic: 'italic',
  underline: 'underline',
  strikethrough: 'strike',
  reverse: 'reverse',
}

/** Reads the colours that a terminal would show (SGR): the text without them, fit to
 * be seen, and what of it is how. Blinking and hiding are left out. */
export function parseANSI(text: string): Styled {
  if (!ESCAPES.some((start) => text.includes(start))) return { text: visible(text), styles: NONE }
  const [first = '', ...chunks] = text
    .replaceAll('\x9b', '\x1b[')
    .replace(OBEYED, '')
    .split('\x1b[')
  const parser = new Anser()
  const styles: Style[] = []
  let shown = visible(first)
  for (const chunk of chunks) {
    // One chunk after the other: Anser's whole lists share their decorations.
    const { content, fg, bg, decorations } = parser.processChunkJson(chunk, { json: true }, true)
    const from = shown.length
    shown += visible(content)
    const names = new Set(decorations.flatMap((name) => DECORATIONS[name] ?? []))
    const classes = [
      ...(fg ? [`fg-${colourName(fg)}`] : []),
      ...(bg ? [`bg-${colourName(bg)}`] : []),
      ...names,
    ].join(' ')
    if (classes !== '' && shown.length > from) styles.push({ from, to: shown.length, classes })
  }
  return { text: shown, styles }
}

const HUES = ['red', 'yellow', 'green', 'cyan', 'blue', 'magenta'] as const

/** The theme's colour that is nearest in hue to one of the terminal's "r, g, b": its
 * own lightness would fail on one of the themes. */
function colourName(rgb: string): string {
  const [r = 0, g = 0, b = 0] = rgb.split(',').map(Number)
  const max = Math.max(r, g, b)
  const spread = max - Math.min(r, g, b)
  if (spread < 32) return max < 60 ? 'black' : max < 140 ? 'grey' : max < 230 ? 'silver' : 'white'
  const sector =
    max === r ? (g - b) / spread : max === g ? 2 + (b - r) / spread : 4 + (r - g) / spread
  return HUES[(Math.round(sector) + 6) % 6] as string
}
