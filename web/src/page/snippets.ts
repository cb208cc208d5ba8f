/** A piece of code to copy. */
export interface Snippet {
  readonly language: string
  readonly code: string
}

/** Code for a stream of a server. */
export interface Snippets {
  readonly publish: readonly Snippet[]
  readonly subscribe: readonly Snippet[]
  /** Ways to put it on a page. */
  readonly panel: readonly Snippet[]
}

const ORDER = { total: 59.9, country: 'de' }

/** Code that publishes data like `sample` to a stream of a server, follows it, and
 * shows it. To a server that is `locked` it shows a token. */
export function snippets(
  base: string,
  stream: string,
  { sample = ORDER, locked = false }: { sample?: object; locked?: boolean | undefined } = {},
): Snippets {
  const url = `${base}v1/streams/${stream}/events`
  const fields = Object.entries(sample).map(([key, value]) => [key, JSON.stringify(value)] as const)
  const json = `{${fields.map(([key, value]) => `"${key}": ${value}`).join(', ')}}`
  const object = fields.map(([key, value]) => `${key}: ${value.replaceAll('"', "'")}`).join(', ')
  const dict = fields.map(([key, value]) => `'${key}': ${value.replaceAll('"', "'")}`).join(', ')
  const to = (code: string) => (locked ? code : '')
  const curl = to(' -H "Authorization: Bearer $STREAMGAUGE_TOKEN"')
  const node = "Authorization: 'Bearer ' + process.env.STREAMGAUGE_TOKEN"
  const python = "'Authorization': 'Bearer ' + os.environ['STREAMGAUGE_TOKEN']"
  const go = 'req.Header.Set("Authorization", "Bearer "+os.Getenv("STREAMGAUGE_TOKEN"))'
  return {
    publish: [
      { language: 'curl', code: `curl${curl} -d '${json}' ${url}` },
      {
        language: 'Node',
        code: `await fetch('${url}', {
  method: 'POST',
  headers: { 'Content-Type': 'application/json'${to(`, ${node}`)} },
  body: JSON.stringify({ ${object} }),
})`,
      },
      {
        language: 'Python',
        code: `import json, ${to('os, ')}urllib.request

request = urllib.request.Request(
    '${url}',
    data=json.dumps({${dict}}).encode(),
    headers={'Content-Type': 'application/json'${to(`, ${python}`)}},
)
urllib.request.urlopen(request)`,
      },
      {
        language: 'Go',
        code: `package main

import (
	"log"
	"net/http"${to('\n\t"os"')}
	"strings"
)

func main() {
	body := strings.NewReader(\`${json}\`)
${
  locked
    ? `	req, _ := http.NewRequest("POST", "${url}", body)
	req.Header.Set("Content-Type", "application/json")
	${go}
	resp, err := http.DefaultClient.Do(req)`
    : `	resp, err := http.Post("${url}", "application/json", body)`
}
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		log.Fatal(resp.Status)
	}
}`,
      },
      {
        language: 'a log file',
        code: `tail -F app.log | streamgauge publish ${stream} - --server ${base.replace(/\/$/, '')}`,
      },
    ],
    subscribe: [
      { language: 'curl', code: `curl${curl} -N '${url}?last=10'` },
      {
        language: 'Browser',
        code: `${to('// On a page of this server, where somebody has signed in.\n')}const events = new EventSource('${url}?last=10')
events.onmessage = (event) => console.log(JSON.parse(event.data))
events.addEventListener('hub.gap', (event) => console.warn('missed', event.data))`,
      },
      {
        language: 'Node',
        code: `import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'

let begin = 'last=10'
for (;;) {
  try {
    const response = await fetch('${url}?' + begin, {
      headers: { Accept: 'application/x-ndjson'${to(`, ${node}`)} },
    })
    for await (const line of createInterface(Readable.fromWeb(response.body))) {
      const event = JSON.parse(line)
      if (event.id) begin = 'last-event-id=' + event.id // a cut loses nothing
      if (!event.hub) console.log(event.data)
    }
  } catch (error) {
    console.error(error.message)
  }
  await setTimeout(1000)
}`,
      },
      {
        language: 'Python',
        code: `import json, ${to('os, ')}time, urllib.request

begin = 'last=10'
while True:
    try:
        request = urllib.request.Request(
            '${url}?' + begin,
            headers={'Accept': 'application/x-ndjson'${to(`, ${python}`)}},
        )
        for line in urllib.request.urlopen(request):
            event = json.loads(line)
            if event.get('id'):
                begin = 'last-event-id=' + event['id']  # a cut loses nothing
            if 'hub' not in event:
                print(event['data'])
    except OSError as error:
        print(error)
    time.sleep(1)`,
      },
      {
        language: 'Go',
        code: `package main

import (
	"encoding/json"
	"fmt"
	"net/http"${to('\n\t"os"')}
	"time"
)

func main() {
	begin := "last=10"
	for ; ; time.Sleep(time.Second) {
		req, _ := http.NewRequest("GET", "${url}?"+begin, nil)
		req.Header.Set("Accept", "application/x-ndjson")${to(`\n\t\t${go}`)}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			fmt.Println(err)
			continue
		}
		for lines := json.NewDecoder(resp.Body); ; {
			var event struct {
				ID, Hub string
				Data    json.RawMessage
			}
			if lines.Decode(&event) != nil {
				break // cut; what is missed comes next
			}
			if event.ID != "" {
				begin = "last-event-id=" + event.ID
			}
			if event.Hub == "" {
				fmt.Println(string(event.Data))
			}
		}
		resp.Body.Close()
	}
}`,
      },
    ],
    panel: [
      {
        language: 'a dashboard',
        code: `# dashboards/${stream.split('.')[0] || 'mine'}.yaml: shown as soon as it is saved
title: Mine
rows:
  - panels:
      - { type: timeseries, stream: ${stream} }
      - { type: stat, title: Per minute, view: count(${stream}) every 1m }`,
      },
      {
        language: 'a frame',
        code: `<iframe src="${base}?stream=${stream}&embed" width="600" height="600"></iframe>`,
      },
      { language: 'a link', code: `${base}?stream=${stream}` },
    ],
  }
}
