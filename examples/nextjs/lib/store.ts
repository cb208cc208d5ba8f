import 'server-only'
import { once } from './state'

// There is no database: all of this is gone when the site restarts.

export interface Comment {
  readonly id: number
  readonly name: string
  readonly text: string
  readonly date: string
}

const MOST_COMMENTS = 200
const MOST_READERS = 10_000

const SEED: Readonly<Record<string, readonly Omit<Comment, 'id'>[]>> = {
  'the-gauge-at-sandholm-quay': [
    {
      name: 'P. Holm',
      date: '2026-11-22',
      text: 'My aunt had the book before Greta’s father. She used to say the three waves were for the reader, not for the reading.',
    },
    {
      name: 'Agnes',
      date: '2026-11-23',
      text: '“It looks exactly like good weather” is going up on the wall of our control room.',
    },
  ],
  'leaves-when-full': [
    {
      name: 'Sture',
      date: '2026-11-15',
      text: 'Everyone goes home early on Thursdays because of the pea soup. I thought this was known.',
    },
  ],
  'what-the-fog-signal-said': [
    {
      name: 'Inger V.',
      date: '2026-10-21',
      text: 'I was one of those who woke up. I thought that I had gone deaf.',
    },
  ],
}

class Store {
  readonly #comments = new Map<string, Comment[]>()
  readonly #readers = new Set<string>()
  #lastId = 0

  constructor() {
    for (const [slug, comments] of Object.entries(SEED)) {
      for (const comment of comments) this.addComment(slug, comment)
    }
  }

  comments(slug: string): readonly Comment[] {
    return this.#comments.get(slug) ?? []
  }

  addComment(slug: string, comment: Omit<Comment, 'id'>): void {
    const all = [...this.comments(slug), { ...comment, id: ++this.#lastId }]
    this.#comments.set(slug, all.slice(-MOST_COMMENTS))
  }

  /** False if there is no room. Who has signed up already is welcome again. */
  addReader(email: string): boolean {
    if (this.#readers.size >= MOST_READERS) return false
    this.#readers.add(email.toLowerCase())
    return true
  }
}

export const store = () => once('store', () => new Store())
