import { problem, UNBUFFERED } from './answer.js'

type Awaitable<T> = T | Promise<T>

/**
 * Where a proxied stream comes from: an absolute address, or a function of the visitor's
 * request that gives one. What it answers with a Response is sent to the visitor as it is,
 * and nothing is fetched.
 */
export type Upstream = string | URL | ((request: Request) => Awaitable<string | URL | Response>)

/** What {@link proxyEventStream} adds, lets through and asks before. */
export interface ProxyOptions {
  /**
   * Request headers for upstream only, such as a secret token: the visitor never sees them.
   * They replace what `forward` let through. A function is run for every request.
   */
  readonly headers?: HeadersInit | ((request: Request) => Awaitable<HeadersInit>)
  /**
   * Asked before anything is fetched. Only `true` goes on; `false` answers 403, and a
   * Response is sent as it is.
   */
  readonly authorize?: (request: Request) => Awaitable<boolean | Response>
  /**
   * Names of the visitor's request headers that upstream gets besides Accept and
   * Last-Event-ID. Default none: name `cookie` or `authorization` only if upstream is yours.
   */
  readonly forward?: readonly string[]
  /**
   * Names of the visitor's query parameters that upstream gets besides `last-event-id`, such
   * as `since` and `last`. Default none. What the upstream address has itself stays.
   */
  readonly params?: readonly string[]
  /** Told why upstream gave no answer, or that it redirects. Default: console.error. */
  readonly onError?: (error: unknown) => void
}

/** The header, and the query parameter in which clients on other origins send their Last-Event-ID. */
const CURSOR = 'last-event-id'

/**
 * Makes a route handler that passes an event stream on from a server that the visitor can't
 * reach, or only with a secret. The visitor's request decides nothing but where to resume:
 * its path, its other parameters, its cookies and its Authorization stay here unless named.
 *
 * Upstream's connection ends when the visitor leaves, whether the platform says so by the
 * request's signal or by cancelling the body. An answer other than 200 is passed on with its
 * body and Retry-After. Without an answer the visitor gets 503 with `Retry-After: 2`, and so
 * for a redirect, which is never followed: it could take the secret to another host. Errors
 * are RFC 9457 problems.
 *
 * @param upstream an absolute address; exceptions of a function, and those of `headers` and
 * `authorize`, are left to Next.js
 * @returns a handler to export as GET. It throws a TypeError if the address is not absolute.
 * A HEAD request, which Next.js hands to GET, is authorized and not passed on, as many servers
 * of streams never answer it.
 *
 * @example
 * // app/live/route.ts
 * export const GET = proxyEventStream(`${process.env.STREAM_URL}/v1/events?stream=orders.>`, {
 *   headers: { authorization: `Bearer ${process.env.STREAM_TOKEN}` },
 *   authorize: async (request) => (await userOf(request)) !== undefined,
 *   params: ['since'],
 * })
 */
export function proxyEventStream(
  upstream: Upstream,
  options: ProxyOptions = {},
): (request: Request) => Promise<Response> {
  return async (request) => {
    // Read before all else: with `cacheComponents` it tells Next.js not to run this at build.
    const visitor = request.headers
    const { authorize, onError = console.error } = options

    const allowed = authorize ? await authorize(request) : true
    if (allowed instanceof Response) return allowed
    if (allowed !== true) return problem(403, 'You may not follow this stream.')

    const target = await resolve(upstream, request)
    if (target instanceof Response) return target
    const url = address(target, request, options.params)

    const headers = new Headers(await resolve(options.headers, request))
    copy(['accept', CURSOR, ...(options.forward ?? [])], visitor, headers)

    const { signal } = request
    if (request.method === 'HEAD') return new Response(null, { headers: UNBUFFERED })
    try {
      // The signal matters twice: without one, Next.js tees the body, and then cancelling it
      // does not reach upstream either.
      const init = { headers, signal, cache: 'no-store', redirect: 'error' } as const
      const answer = await fetch(url, init)
      // Only what is named: a content-encoding has been undone, cookies are upstream's own.
      const out = new Headers(UNBUFFERED)
      copy(['content-type', 'retry-after'], answer.headers, out)
      // Piped since Node ends a body that nobody reads yet when its Response is collected as
      // garbage, and forgets a signal with its Request: the pipe holds on to both.
      const hold = new TransformStream({ flush: () => void request })
      const body = answer.body?.pipeThrough(hold, { signal })
      return new Response(body, { status: answer.status, headers: out })
    } catch (error) {
      if (!signal.aborted) onError(error)
      return problem(503, 'This stream is away; try again.', {
        'retry-after': '2',
      })
    }
  }
}

function resolve<T>(
  given: T | ((request: Request) => Awaitable<T>),
  request: Request,
): Awaitable<T> {
  return given instanceof Function ? given(request) : given
}

/** The upstream address, with those of the visitor's parameters that may pass. */
function address(target: string | URL, request: Request, params: readonly string[] = []): URL {
  const url = new URL(target)
  const own = url.searchParams
  const asked = new URL(request.url).searchParams
  // What the developer has decided stays.
  const may = [CURSOR, ...params].filter((name) => !own.has(name))
  for (const [name, value] of asked) {
    if (may.includes(name)) own.append(name, value)
  }
  return url
}

/** Copies the named headers, as far as there is none of that name yet. */
function copy(names: readonly string[], from: Headers, to: Headers): void {
  for (const name of names) {
    const value = from.get(name)
    if (value !== null && !to.has(name)) to.set(name, value)
  }
}
