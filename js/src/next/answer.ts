/** Without these, what is between us and the browser holds events back: compression in
 * Next.js and CDNs, buffering in nginx. */
export const UNBUFFERED = {
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
}

/** An error answer as RFC 9457 lays it down; its type and title are the status's. */
export function problem(status: number, detail: string, headers?: Record<string, string>) {
  return Response.json(
    { status, detail },
    { status, headers: { 'content-type': 'application/problem+json', ...headers } },
  )
}
