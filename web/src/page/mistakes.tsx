import type { Mistake } from './api'

/** Where in a file's text a mistake is: `shop.yaml:3:7`. */
export function placeOf({ file, line, column }: Mistake): string {
  return [file, line, column].filter((part) => part !== undefined).join(':')
}

/** A JSON pointer as people write it: `rows[0].panels[2].width`. */
export function dotted(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map((token) => {
      if (/^\d+$/.test(token)) return `[${token}]`
      return `.${token.replaceAll('~1', '/').replaceAll('~0', '~')}`
    })
    .join('')
    .replace(/^\./, '')
}

/** What a mistake says of what is at a place; `within` is where the reader is already. */
export function sentence({ path = '', message }: Mistake, within = ''): string {
  const key = dotted(path.startsWith(`${within}/`) ? path.slice(within.length) : path)
  return key === '' || path === within ? message : `${key} ${message}`
}

/** What is wrong with a panel of the page, by its JSON pointer. */
export function mistakesOf(errors: readonly Mistake[] | undefined, panel: string): string {
  const own = (errors ?? []).filter(({ path }) => path === panel || path?.startsWith(`${panel}/`))
  return own.map((mistake) => sentence(mistake, panel)).join('\n')
}

/** A mistake: its place, the key, and what is wrong with it. */
export function MistakeLine({ mistake }: { mistake: Mistake }) {
  const place = placeOf(mistake)
  const key = dotted(mistake.path ?? '')
  return (
    <>
      {place === '' ? null : (
        <>
          <code>{place}</code>{' '}
        </>
      )}
      {key === '' ? null : (
        <>
          <code className="key">{key}</code>{' '}
        </>
      )}
      {mistake.message}
    </>
  )
}
