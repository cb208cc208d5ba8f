'use server'

import { revalidatePath } from 'next/cache'
import { articleAt } from '@/lib/articles'
import { mayOnceMore } from '@/lib/budget'
import { log } from '@/lib/log'
import { publish } from '@/lib/publish'
import { store } from '@/lib/store'

/** What a form says after it was sent. */
export interface Answer {
  readonly ok: boolean
  readonly text: string
  /** What was typed in, to be put back where it was refused. */
  readonly values?: Readonly<Record<string, string>>
}

export async function postComment(
  slug: string,
  _: Answer | undefined,
  form: FormData,
): Promise<Answer> {
  const article = articleAt(slug)
  const [name, text] = [field(form, 'name'), field(form, 'text')]
  const refuse = (why: string) => ({ ok: false, text: why, values: { name, text } })
  if (article === undefined) return refuse('This article is gone.')
  if (name === '' || text === '') return refuse('A comment needs a name and some words.')
  if (name.length > 60) return refuse('That name is too long: 60 letters at most.')
  if (text.length > 1000) return refuse('That is too long: 1,000 letters at most.')
  if (!mayOnceMore('comment', 30)) return refuse('Too many comments just now. Wait a minute.')
  if (isBot(form)) return { ok: true, text: 'Thank you.' }
  store().addComment(slug, { name, text, date: new Date().toISOString().slice(0, 10) })
  revalidatePath(`/articles/${slug}`)
  publish('site.activity', {
    ...{ at: Date.now(), actor: name, verb: 'commented on', object: article.title },
    href: `/articles/${slug}#comments`,
  })
  log('info', `comment on /articles/${slug}`, { letters: text.length })
  return { ok: true, text: 'Thank you. Your comment is below the others.' }
}

export async function signUp(_: Answer | undefined, form: FormData): Promise<Answer> {
  const [name, email] = [field(form, 'name'), field(form, 'email')]
  const refuse = (why: string) => ({ ok: false, text: why, values: { name, email } })
  if (!/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email) || email.length > 254) {
    return refuse('That does not look like an address for mail.')
  }
  if (name.length > 60) return refuse('That name is too long: 60 letters at most.')
  if (!mayOnceMore('sign-up', 30)) return refuse('Too many at once just now. Wait a minute.')
  if (!isBot(form)) {
    if (!store().addReader(email)) return refuse('The list is full. We are surprised, too.')
    // The address is nobody's business but the store's.
    publish('site.activity', {
      ...{ at: Date.now(), actor: name || 'A reader', verb: 'signed up for' },
      object: 'the letter',
    })
    log('info', 'sign-up for the letter')
  }
  return { ok: true, text: 'Thank you. (This magazine is an example: no letter will come.)' }
}

function field(form: FormData, name: string): string {
  const value = form.get(name)
  return typeof value === 'string' ? value.trim() : ''
}

/** A field that people don't see is filled in by those who fill in everything. */
function isBot(form: FormData): boolean {
  if (field(form, 'website') === '') return false
  log('warn', 'refused what looks like a bot')
  return true
}
