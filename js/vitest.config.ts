import { defineConfig } from 'vitest/config'

// REACT=18 runs the hooks and components on the oldest React that they are for.
const old = process.env.REACT === '18'
const react18 = new URL('test/react18/node_modules', import.meta.url).pathname

export default defineConfig({
  resolve: {
    alias: old
      ? [
          { find: /^react-dom(?=$|\/)/, replacement: `${react18}/react-dom` },
          { find: /^react(?=$|\/)/, replacement: `${react18}/react` },
        ]
      : [],
  },
  test: {
    include: [old ? 'test/{react,components}/*.test.tsx' : 'test/**/*.test.{ts,tsx}'],
    environment: 'node',
    globalSetup: 'test/build.ts',
    // On a busy machine a second, which is what expect.poll waits by itself, is not long.
    expect: { poll: { timeout: 10_000 } },
    testTimeout: 20_000,
    server: { deps: { inline: old ? [/react/] : [] } },
  },
})
