'use client'

import { useActionState } from 'react'
import { postComment } from '../../actions'
import { Trap } from '../../Trap'

export function CommentForm({ slug }: { readonly slug: string }) {
  const [answer, action, isSending] = useActionState(postComment.bind(null, slug), undefined)
  return (
    <form action={action} className="comment-form">
      <label>
        Name
        <input
          name="name"
          required
          maxLength={60}
          autoComplete="name"
          defaultValue={answer?.values?.name}
        />
      </label>
      <label>
        Comment
        <textarea
          name="text"
          required
          maxLength={1000}
          rows={4}
          defaultValue={answer?.values?.text}
        />
      </label>
      <Trap />
      <button type="submit" disabled={isSending}>
        Post comment
      </button>
      <p role="status" data-ok={answer?.ok}>
        {answer?.text}
      </p>
    </form>
  )
}
