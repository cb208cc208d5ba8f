// How much of a page the package takes, minified by esbuild and gzipped: what is loaded
// at first, and what is added by what is loaded when it is first asked for. It fails
// beyond a budget.

import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const source = new URL('../src', import.meta.url).pathname

/** @type {[name: string, code: string, budget: number][]} In bytes. */
const BUDGETS = [
  ['streamgauge', `export { openEventStream } from './index.js'`, 4250],
  [
    'with useEventStream',
    `export { openEventStream } from './index.js'
     export { useEventStream } from './react/index.js'`,
    5560,
  ],
  ['streamgauge/react', `export * from './react/index.js'`, 7950],
  ['streamgauge/next', `export * from './next/index.js'`, 1500],
]

/** The size of what the code loads at first, and the files that it loads later.
 * @param {string} contents */
async function measure(contents) {
  /** @type {Set<string>} */
  const later = new Set()
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: source, loader: 'ts' },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    external: ['react', 'react/jsx-runtime', 'react-dom', 'uplot'],
    write: false,
    plugins: [
      {
        name: 'later',
        setup(bundle) {
          bundle.onResolve({ filter: /./ }, ({ kind, path, resolveDir }) => {
            if (kind !== 'dynamic-import') return undefined
            later.add(new URL(path, `file://${resolveDir}/`).pathname)
            return { path, external: true }
          })
        },
      },
    ],
  })
  return { size: gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length, later }
}

for (const [name, code, budget] of BUDGETS) {
  const { size, later } = await measure(code)
  const added = []
  for (const file of later) {
    const both = await measure(`${code}\nexport * from '${file}'`)
    added.push(`${file.split('/').at(-1)} ${both.size - size}`)
  }
  const over = size > budget ? ', TOO MUCH' : ''
  if (over) process.exitCode = 1
  console.log(`${name.padEnd(20)} ${size} of ${budget}${over}; later: ${added.join(', ') || '-'}`)
}
