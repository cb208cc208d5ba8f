import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

// The output is committed and embedded in the Go binary, so its names carry no
// hash, nothing in it depends on when or where it was built, and every address
// is relative: the page works under any path that a proxy mounts it on.
export default defineConfig({
  base: './',
  plugins: [react()],
  build: {
    target: 'es2022',
    modulePreload: false,
    sourcemap: false,
    rolldownOptions: {
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
  },
})
