// What is on the hub's streams, for the server that publishes and the browser that follows.
// Each event says `at` itself (epoch ms): what a server component hands over as a snapshot
// is data only.

/** How busy the site is: on every change, and every five seconds. */
export interface Traffic {
  readonly at: number
  /** Tabs that were looked at within the last minute. */
  readonly visitors: number
  /** Pages opened within the last minute. */
  readonly views: number
}

export interface View {
  readonly at: number
  readonly page: string
}

/** One measurement of one visit. */
export interface Vital {
  readonly at: number
  /** In ms; of CLS it is a score. */
  readonly value: number
  readonly page: string
}

export interface Activity {
  readonly at: number
  readonly actor: string
  readonly verb: string
  readonly object: string
  readonly href?: string
}

export interface LogLine {
  readonly at: number
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly [field: string]: unknown
}

export interface Streams {
  'site.visitors': Traffic
  'site.views': View
  // A stream for each, as each is a history of its own: "the last hundred LCPs".
  'site.vitals.lcp': Vital
  'site.vitals.inp': Vital
  'site.vitals.cls': Vital
  'site.activity': Activity
  'logs.site': LogLine
}

export type StreamName = keyof Streams

const ALL: Record<StreamName, true> = {
  'site.visitors': true,
  'site.views': true,
  'site.vitals.lcp': true,
  'site.vitals.inp': true,
  'site.vitals.cls': true,
  'site.activity': true,
  'logs.site': true,
}

/** Whether a text is exactly one of the streams: no pattern, no condition. */
export function isStreamName(text: string): text is StreamName {
  return Object.hasOwn(ALL, text)
}
