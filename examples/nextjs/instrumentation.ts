import type { Instrumentation } from 'next'

/** Runs once when the server starts, and not at build: the place for what runs by itself. */
export async function register() {
  if (process.env.NEXT_RUNTIME !== 'nodejs') return
  const { startSampling } = await import('@/lib/presence')
  const { log } = await import('@/lib/log')
  startSampling()
  log('info', 'site started')
}

export const onRequestError: Instrumentation.onRequestError = async (error, request) => {
  if (process.env.NEXT_RUNTIME !== 'nodejs') return
  const { log } = await import('@/lib/log')
  // The message stays on the console: who knows what is in it.
  log('error', `${request.method} ${request.path.split('?')[0]} failed`, {
    digest: (error as { digest?: string }).digest,
  })
}
