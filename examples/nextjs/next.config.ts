import type { NextConfig } from 'next'

const hub = process.env.STREAM_URL ?? 'http://127.0.0.1:7070'

const config: NextConfig = {
  poweredByHeader: false,
  rewrites: async () => [
    {
      // One stream, named: what a path matches, every visitor may ask for.
      source: '/hub/v1/streams/site.visitors/events',
      destination: `${hub}/v1/streams/site.visitors/events`,
      // The same path with POST would publish, and rewrites know no methods. What has no
      // body can't publish anything.
      missing: [
        { type: 'header', key: 'content-length' },
        { type: 'header', key: 'transfer-encoding' },
      ],
    },
  ],
}

export default config
