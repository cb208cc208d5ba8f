import Link from 'next/link'
import { articles, dateText } from '@/lib/articles'
import { store } from '@/lib/store'
import { SignUp } from './SignUp'

export default function FrontPage() {
  const [first, ...others] = articles
  return (
    <main className="front">
      {first && (
        <article className="opener">
          <p className="meta">
            {first.author}, {dateText(first.date)}
          </p>
          <h1>
            <Link href={`/articles/${first.slug}`}>{first.title}</Link>
          </h1>
          <p className="lead">{first.lead}</p>
          <p>{first.text[0]}</p>
          <Remarks slug={first.slug} minutes={first.minutes} />
        </article>
      )}
      <div className="list">
        {others.map((article) => (
          <article key={article.slug}>
            <p className="meta">
              {article.author}, {dateText(article.date)}
            </p>
            <h2>
              <Link href={`/articles/${article.slug}`}>{article.title}</Link>
            </h2>
            <p>{article.lead}</p>
            <Remarks slug={article.slug} minutes={article.minutes} />
          </article>
        ))}
      </div>
      <SignUp />
    </main>
  )
}

function Remarks({ slug, minutes }: { readonly slug: string; readonly minutes: number }) {
  const { length } = store().comments(slug)
  return (
    <p className="meta">
      {minutes} minutes
      {length > 0 && (
        <>
          {' · '}
          <Link href={`/articles/${slug}#comments`}>
            {length} {length === 1 ? 'comment' : 'comments'}
          </Link>
        </>
      )}
    </p>
  )
}
