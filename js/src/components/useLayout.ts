import { useEffect, useLayoutEffect } from 'react'

/** useLayoutEffect, of which React 18 complains on a server, where neither does anything. */
export const useLayout = typeof document === 'undefined' ? useEffect : useLayoutEffect
