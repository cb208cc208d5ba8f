/** A piece of code to copy. */
export interface Snippet {
  readonly language: string
  readonly code: string
}

/** Code that publishes to a stream of a server and follows it. */
export function snippets(
  base: string,
  stream: string,
): { readonly publish: readonly Snippet[]; readonly subscribe: readonly Snippet[] } {
  const url = `${base}v1/streams/${stream}/events`
  return {
    publish: [
      { language: 'curl', code: `curl -d '{"total": 59.90, "country": "de"}' ${url}` },
      {
        language: 'Node',
        code: `await fetch('${url}', {
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify({ total: 59.9, country: 'de' }),
})`,
      },
      {
        language: 'Python',
        code: `import json, urllib.request

request = urllib.request.Request(
    '${url}',
    data=json.dumps({'total': 59.90, 'country': 'de'}).encode(),
    headers={'Content-Type': 'application/json'},
)
urllib.request.urlopen(request)`,
      },
      {
        language: 'Go',
        code: `body := strings.NewReader(\`{"total": 59.90, "country": "de"}\`)
resp, err := http.Post("${url}", "application/json", body)
if err != nil {
	return err
}
defer resp.Body.Close()`,
      },
      {
        language: 'a log file',
        code: `tail -F app.log | streamgauge publish ${stream} - --server ${base.replace(/\/$/, '')}`,
      },
    ],
    subscribe: [
      { language: 'curl', code: `curl -N '${url}?last=10'` },
      {
        language: 'Browser',
        code: `const events = new EventSource('${url}?last=10')
events.onmessage = (event) => console.log(JSON.parse(event.data))
events.addEventListener('hub.gap', (event) => console.warn('missed', event.data))`,
      },
      {
        language: 'Go',
        code: `resp, err := http.Get("${url}?last=10") // Accept: text/event-stream
if err != nil {
	return err
}
defer resp.Body.Close()
for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
	fmt.Println(lines.Text())
}`,
      },
    ],
  }
}
