import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

const client = fileURLToPath(new URL('../js/src', import.meta.url))

// The output is committed and embedded in the Go binary, so its names carry no
// hash, nothing in it depends on when or where it was built, and every address
// is relative: the page works under any path that a proxy mounts it on.
export default defineConfig({
  base: './',
  plugins: [react()],
  // The page is written for React. Preact runs the same code and is 59 kB smaller,
  // compressed, which is a third of the whole page.
  resolve: {
    dedupe: ['preact'], // the client's components too
    alias: [
      // The client that everybody gets, from its sources.
      { find: /^streamgauge(?:\/(live|react|components))?$/, replacement: `${client}/$1` },
      { find: 'react-dom/client', replacement: 'preact/compat/client' },
      { find: 'react-dom', replacement: 'preact/compat' },
      { find: 'react/jsx-runtime', replacement: 'preact/jsx-runtime' },
      { find: 'react', replacement: 'preact/compat' },
    ],
  },
  build: {
    target: 'es2022',
    modulePreload: false,
    sourcemap: false,
    rolldownOptions: {
      // All that it does is to name functions for who debugs the libraries it comes with;
      // that would keep those that nobody calls.
      treeshake: { manualPureFunctions: ['__name'] },
      output: {
        entryFileNames: 'assets/app.js',
        chunkFileNames: 'assets/[name].js',
        assetFileNames: 'assets/app[extname]',
      },
    },
  },
  server: {
    proxy: { '/v1': process.env.STREAMGAUGE_URL ?? 'http://127.0.0.1:7070' },
  },
  test: {
    include: ['test/**/*.test.{ts,tsx}'],
    environment: 'node',
    expect: { poll: { timeout: 10_000 } },
    testTimeout: 20_000,
  },
})
