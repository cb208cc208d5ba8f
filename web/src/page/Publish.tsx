import { useState } from 'react'
import { useSession } from './session'

const STREAM = 'site.visitors'

/** What to do when nobody has published anything: the exact command, to copy. */
export function Publish() {
  const { api } = useSession()
  const [copied, setCopied] = useState(false)
  const command = `curl -d '{"visitors": 523}' ${api.publish(STREAM)}`
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(command)
      setCopied(true)
    } catch {
      setCopied(false) // not allowed here; the text can be selected
    }
  }
  return (
    <div className="publish">
      <p>
        Nothing here yet. Publish any JSON and it shows itself at once, in a panel that fits it:
      </p>
      <div className="command">
        <code>{command}</code>
        {isSecureContext ? (
          <button type="button" onClick={copy}>
            {copied ? 'Copied' : 'Copy'}
          </button>
        ) : null}
      </div>
      <p className="hint">Listening to every stream</p>
    </div>
  )
}
