import { env } from 'node:process'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [react()],
  // The hub on the page's own origin, as a proxy has it in production. /v1 is all there is.
  server: { proxy: { '/v1': env.STREAM_URL ?? 'http://127.0.0.1:7070' } },
})
