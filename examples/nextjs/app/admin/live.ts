'use client'

import { createLive } from 'streamgauge/react'
import type { Streams } from '@/lib/streams'

/** Everything in the admin area is on one connection: that of the provider in its layout. */
export const { LiveProvider, useConnection, useStream, useStreamLog, useStreamSeries } =
  createLive<Streams>()
