'use client'

import { ConnectionStatus } from 'streamgauge/components'
import { useConnection } from '../live'

export function Connection() {
  return <ConnectionStatus {...useConnection()} />
}
