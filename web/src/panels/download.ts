/** Hands the reader a file. */
export function download(content: Blob, name: string): void {
  const url = URL.createObjectURL(content)
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // The browser has begun to read by then, and keeps what it reads.
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}

/** A name for a file about something, at a time: `orders-2026-01-31-1204.csv`. */
export function fileName(about: string, extension: string, at = new Date()): string {
  const words = about.toLowerCase().match(/[a-z0-9]+/g) ?? ['panel']
  const time = at.toISOString().slice(0, 16).replace('T', '-').replace(':', '')
  return `${words.join('-').slice(0, 60)}-${time}.${extension}`
}
