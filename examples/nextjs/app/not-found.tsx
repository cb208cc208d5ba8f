import Link from 'next/link'

export default function NotFound() {
  return (
    <main className="reading">
      <h1>Nothing here</h1>
      <p className="lead">
        The tide has been. <Link href="/">Back to the front page</Link>
      </p>
    </main>
  )
}
