import { chromium } from 'playwright-core'

/** Starts Debian's Chromium, or the one that CHROMIUM names, talking to nobody else.
 * @param {string[]} more arguments */
export function launch(...more) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
      ...more,
    ],
  })
}
