import { proxyEventStream } from 'streamgauge/next'
import { HUB, hubHeaders } from '@/lib/hub'
import { isAdmin } from '@/lib/session'
import { isStreamName } from '@/lib/streams'

/**
 * The hub, for who is signed in: it gets the token from here, and the browser never sees it.
 * The session is checked at every connection. The hub ends each after ten minutes or so, and
 * the client comes back by itself: so long may one go on that has been signed out.
 */
export const GET = proxyEventStream(
  (request) => {
    const wanted = new URL(request.url).searchParams.getAll('stream')
    // Patterns could select what is none of ours.
    if (wanted.length === 0 || !wanted.every(isStreamName)) {
      return Response.json({ status: 403, detail: 'There is no such stream.' }, { status: 403 })
    }
    return `${HUB}/v1/events?${new URLSearchParams(wanted.map((name) => ['stream', name]))}`
  },
  {
    authorize: () => isAdmin(),
    headers: () => hubHeaders(), // a function, as the environment is that of the request
    params: ['last', 'since'],
    onError: (error) => {
      // A stack each two seconds for as long as the hub is away helps nobody.
      const { message, cause } = error as Error
      console.warn(`The hub can't be followed: ${cause instanceof Error ? cause.message : message}`)
    },
  },
)
