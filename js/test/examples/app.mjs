// Makes projects of the examples, as somebody would who copies their folder, with the
// package as npm would publish it.

import { execFile } from 'node:child_process'
import { cp, mkdir, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { env, execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export const run = promisify(execFile)
const root = fileURLToPath(new URL('../../..', import.meta.url))
// Not in node_modules: what has that in its path, Next.js 15 does not compile.
const cache = env.EXAMPLES_TEST_CACHE ?? join(root, '.cache/examples')

/** What npm leaves in a project, and what Next.js does. */
const KEPT = ['node_modules', 'installed', '.next']

/**
 * Copies an example, installs what it needs, and returns its folder. What was installed
 * before stays, as long as package.json says the same; the package is always the tarball's.
 * @param {string} example the name of a folder in examples
 * @param {string} tarball
 * @param {Record<string, string>} [versions] other versions than package.json has
 */
export async function project(example, tarball, versions = {}) {
  const name = [example, ...Object.values(versions)].join('-')
  await mkdir(join(cache, name), { recursive: true })
  const folder = await realpath(join(cache, name)) // Next.js looks for it by its real name
  const from = join(root, 'examples', example)
  const { stdout } = await run('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: from,
  })
  await run('find', [
    ...[folder, '-mindepth', '1', '-maxdepth', '1'],
    ...KEPT.flatMap((kept) => ['!', '-name', kept]),
    ...['-exec', 'rm', '-rf', '{}', '+'],
  ])
  for (const file of stdout.split('\n').filter((line) => line !== '')) {
    await cp(join(from, file), join(folder, file))
  }
  const settings = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  Object.assign(settings.dependencies, versions)
  const wanted = JSON.stringify(settings, null, 2)
  await writeFile(join(folder, 'package.json'), wanted)
  if ((await readFile(join(folder, 'installed'), 'utf8').catch(() => '')) !== wanted) {
    // As the READMEs say.
    await run('npm', ['install', '--no-audit', '--no-fund', '--no-save', tarball], { cwd: folder })
    await writeFile(join(folder, 'installed'), wanted)
  }
  const own = join(folder, 'node_modules/streamgauge')
  await rm(own, { recursive: true, force: true })
  await mkdir(own)
  await run('tar', ['-xzf', tarball, '-C', own, '--strip-components=1'])
  return folder
}

/** Runs a program that a project has installed. @param {string} folder @param {string[]} args */
export function node(folder, ...args) {
  return run(execPath, args, { cwd: folder })
}
