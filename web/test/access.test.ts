import { StreamError } from 'streamgauge'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Access, type Who } from '../src/page/access'
import { API } from '../src/page/api'
import { takeShare } from '../src/page/share'
import { snippets } from '../src/page/snippets'

const OPEN = { required: false, signed_in: false, admin: true, reads: true, writes: true }
const NOBODY = { required: true, signed_in: false, admin: false, reads: false, writes: false }
const ANYONE = { ...NOBODY, reads: true }
const VIEWER = { ...NOBODY, signed_in: true, name: 'token a (viewer)', reads: true }

afterEach(() => vi.unstubAllGlobals())

/** A page at an address and the server behind it, which knows nobody but who has "good". */
function visit(
  first: Who,
  { hash = '', before, shared }: { hash?: string; before?: string; shared?: string } = {},
) {
  const stored = new Map(before === undefined ? [] : [['streamgauge.access', before]])
  const server = { who: first as Who }
  const did: string[] = []
  const location = {
    hash,
    pathname: '/shop',
    search: '?window=1m',
    reload: () => did.push('reload'),
  }
  vi.stubGlobal('location', location)
  vi.stubGlobal('history', { replaceState: (_: null, __: string, to: string) => did.push(to) })
  vi.stubGlobal('addEventListener', () => {})
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => stored.set(key, value),
  })
  const sent: RequestInit[] = []
  vi.stubGlobal('fetch', async (_: URL, init: RequestInit) => {
    const { method, body } = init
    sent.push(init)
    if (shared !== undefined && !server.who.signed_in) {
      return Response.json({ detail: 'It is not valid.' }, { status: 401 })
    }
    if (method === 'POST' && !String(body).includes('good')) {
      return Response.json({ detail: 'It is wrong.' }, { status: 401 })
    }
    if (method === 'POST') server.who = VIEWER
    if (method !== 'DELETE') return Response.json(server.who)
    server.who = first
    return new Response(null, { status: 204 })
  })
  const sink = {
    reconnect: () => did.push('reconnect'),
    ask: () => did.push('ask'),
    goOn: (anew: boolean) => did.push(anew ? 'go on anew' : 'go on'),
    say: (text: string) => did.push(text),
  }
  const api = new API('http://hub.test/', shared === undefined ? undefined : 'sg_link')
  const access = new Access(api, sink, shared)
  return { access, server, did, stored, sent }
}

describe('who the reader is', () => {
  it('is nothing to ask for where nobody has to sign in', async () => {
    const { access, did, stored } = visit(OPEN)
    expect(access.gate.get()).toBe('open')
    expect(access.mayEdit).toBe(true)
    await access.check()
    expect(access.gate.get()).toBe('open')
    expect(did).toEqual([])
    expect(stored.size).toBe(0)
  })

  it('opens the page to who signs in', async () => {
    const { access, did } = visit(NOBODY)
    await access.check()
    expect(access.gate.get()).toBe('shut')
    await access.signIn({ token: 'bad' })
    expect(access.wrong.get()).toBe('It is wrong.')
    expect(access.gate.get()).toBe('shut')
    await access.signIn({ token: 'good' })
    expect([access.gate.get(), access.wrong.get(), access.mayEdit]).toEqual(['open', '', false])
    expect(did).toEqual(['go on anew'])
  })

  it('is taken out of a link before anything else', async () => {
    const { access, did } = visit(NOBODY, { hash: '#signin=good' })
    expect(did).toEqual(['/shop?window=1m'])
    expect(access.gate.get()).toBe('waiting')
    await vi.waitFor(() => expect(access.gate.get()).toBe('open'))
    expect(did.slice(1)).toEqual(['go on anew'])
  })

  it('is asked for again where a link is refused', async () => {
    const { access } = visit(NOBODY, { hash: '#signin=bad' })
    await vi.waitFor(() => expect(access.gate.get()).toBe('shut'))
    expect(access.wrong.get()).toBe('It is wrong.')
    const anyone = visit(ANYONE, { hash: '#signin=bad' })
    await vi.waitFor(() => expect(anyone.did).toContain('ask'))
    expect(anyone.access.gate.get()).toBe('open')
    const known = visit(VIEWER, { hash: '#signin=bad' })
    await vi.waitFor(() => expect(known.did).toContain('It is wrong.'))
    expect(known.access.gate.get()).toBe('open')
  })

  it('is told why a provider has not signed them in', async () => {
    const hash = '#signin-failed=100%25%20no'
    const { access, did } = visit(NOBODY, { hash })
    await vi.waitFor(() => expect(access.gate.get()).toBe('shut'))
    expect([access.wrong.get(), did]).toEqual(['100% no', ['/shop?window=1m']])
    const anyone = visit(ANYONE, { hash: '#signin-failed=%' })
    await vi.waitFor(() => expect(anyone.did).toContain('ask'))
    expect(anyone.access.wrong.get()).toBe('%')
    const known = visit(VIEWER, { hash })
    await vi.waitFor(() => expect(known.did).toContain('100% no'))
  })

  it('is asked for over a page whose session has ended, which then goes on', async () => {
    const { access, server, did } = visit(VIEWER)
    await access.check()
    const over = new StreamError('closed', 'the server ended the stream')
    expect(access.ends(over)).toBe(false)
    access.dismiss()
    expect(access.ends(over)).toBe(true)
    server.who = ANYONE // which is less
    await access.check()
    await access.check()
    expect([access.gate.get(), access.ended.get()]).toEqual(['open', true])
    expect(did).toEqual(['ask'])
    server.who = VIEWER // in another tab
    await access.check()
    expect([access.ended.get(), access.ends(over)]).toEqual([false, false])
    expect(did.at(-1)).toBe('go on')
  })

  it('shows all from its beginning on to who did not have to sign in', async () => {
    const { access, did } = visit(ANYONE)
    await access.check()
    expect(access.gate.get()).toBe('open')
    await access.signIn({ token: 'good' })
    expect(did).toEqual(['reconnect', 'reload'])
  })

  it('is forgotten, and nothing is shown meanwhile', async () => {
    const { access, did, stored } = visit(VIEWER)
    await access.check()
    expect(stored.get('streamgauge.access')).toBe('in')
    await access.signOut()
    expect(access.gate.get()).toBe('waiting')
    expect(did).toEqual(['reconnect', 'reload'])
    expect(stored.get('streamgauge.access')).toBe('out')
    const next = visit(ANYONE, { before: 'out' })
    expect(next.access.gate.get()).toBe('waiting')
    await next.access.check()
    expect([next.access.gate.get(), ...next.did]).toEqual(['open', 'go on'])
  })

  it('makes another attempt after a 401 senseless only where the server says so', async () => {
    const refused = new StreamError('http', 'the server answered 401', { status: 401 })
    const { access } = visit(OPEN)
    await access.check()
    expect(access.ends(refused)).toBe(false) // it is a proxy's
    const locked = visit(VIEWER)
    await locked.access.check()
    expect(locked.access.ends(refused)).toBe(true)
  })
})

describe('a share link', () => {
  const LINK = { ...VIEWER, name: 'share a (shop)', share: 'shop' }

  it('shows its dashboard, by itself and nobody’s session', async () => {
    const { access, did, sent, stored } = visit(LINK, { shared: 'shop' })
    expect(access.gate.get()).toBe('waiting')
    await access.check()
    expect([access.gate.get(), access.mayEdit, did]).toEqual(['open', false, ['go on']])
    expect(stored.size).toBe(0) // which is of the browser’s session
    for (const { credentials, headers } of sent) {
      expect(credentials).toBe('omit')
      expect(headers).toMatchObject({ Authorization: 'Bearer sg_link' })
    }
  })

  it('shows no other, nor what another token would', async () => {
    for (const [who, shared] of [
      [LINK, 'other'],
      [LINK, ''],
      [{ ...VIEWER, admin: true }, 'shop'],
    ] as const) {
      const { access, did } = visit(who, { shared })
      await access.check()
      expect([access.gate.get(), did]).toEqual(['over', []])
    }
  })

  it('ends with a note, and asks nobody to sign in', async () => {
    const { access, server, did } = visit(LINK, { shared: 'shop' })
    await access.check()
    access.dismiss()
    expect(access.ends(new StreamError('closed', 'it has'))).toBe(true)
    await access.check()
    expect(did).toEqual(['go on', 'go on']) // it is valid still
    server.who = NOBODY
    await access.check()
    expect(access.gate.get()).toBe('over')
    expect(did).toEqual(['go on', 'go on'])
  })

  it('is kept for its own page in this tab, and not in the address', () => {
    const kept = new Map<string, string>()
    const went: string[] = []
    vi.stubGlobal('sessionStorage', {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => kept.set(key, value),
    })
    vi.stubGlobal('history', { replaceState: (_: null, __: string, to: string) => went.push(to) })
    const at = (pathname: string, hash = '') => {
      vi.stubGlobal('location', { pathname, search: '?embed', hash })
      return takeShare()
    }
    expect(at('/shop')).toBeUndefined()
    expect(at('/shop', '#share=sg_1')).toBe('sg_1')
    expect(went).toEqual(['/shop?embed'])
    expect(at('/shop')).toBe('sg_1')
    expect(at('/')).toBeUndefined()
    expect(at('/shop', '#share=sg_2')).toBe('sg_2')
    expect(at('/shop')).toBe('sg_2')
    vi.stubGlobal('sessionStorage', undefined)
    expect(at('/shop', '#share=sg_3')).toBe('sg_3')
    expect(at('/shop')).toBeUndefined()
  })
})

describe('code to copy', () => {
  const all = (locked: boolean) => {
    const { publish, subscribe } = snippets('http://hub.test/', 'a.b', { locked })
    return [...publish, ...subscribe].filter(({ language }) => /curl|Node|Python|Go/.test(language))
  }

  it('shows a token where one is wanted, and only there', () => {
    for (const { code } of all(true)) expect(code).toMatch(/Authorization.*STREAMGAUGE_TOKEN/)
    for (const { code } of all(false)) expect(code).not.toMatch(/Authorization|TOKEN|\bos\b/)
  })
})
