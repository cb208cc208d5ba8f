import type { Metadata } from 'next'
import { notFound } from 'next/navigation'
import { connection } from 'next/server'
import { articleAt, dateText } from '@/lib/articles'
import { store } from '@/lib/store'
import { CommentForm } from './CommentForm'

interface Props {
  readonly params: Promise<{ slug: string }>
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const article = articleAt((await params).slug)
  return article ? { title: article.title, description: article.lead } : {}
}

export default async function ArticlePage({ params }: Props) {
  await connection()
  const { slug } = await params
  const article = articleAt(slug)
  if (article === undefined) notFound()
  const comments = store().comments(slug)
  return (
    <main className="reading">
      <article>
        <h1>{article.title}</h1>
        <p className="lead">{article.lead}</p>
        <p className="meta">
          {article.author}, {dateText(article.date)}
        </p>
        <div className="text">
          {article.text.map((paragraph) => (
            <p key={paragraph.slice(0, 40)}>{paragraph}</p>
          ))}
        </div>
      </article>
      <section id="comments" className="comments">
        <h2>{comments.length === 0 ? 'No comments yet' : 'Comments'}</h2>
        <ol>
          {comments.map(({ id, name, text, date }) => (
            <li key={id}>
              <p>{text}</p>
              <p className="meta">
                {name}, {dateText(date)}
              </p>
            </li>
          ))}
        </ol>
        <CommentForm slug={slug} />
      </section>
    </main>
  )
}
