package streamgauge_test

import (
	"encoding/json"
	"io"
	"strings"
	"testing"

	"context"
	"github.com/streamgauge/streamgauge"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

func TestTheHeaderWinsOverTheParameterUnlessItIsEmpty(t *testing.T) {
	f := newFixture(t, nil)
	first := f.publish("a", 0, 1)
	second := f.publish("a", 1, 1)
	f.publish("a", 2, 1)
	path := "/v1/events?stream=a&last-event-id=" + first.String()
	want(t, f.follow(path).numbers(2), series("a", 1, 2))
	want(t, f.follow(path, "Last-Event-ID", "").numbers(2), series("a", 1, 2))
	want(t, f.follow(path, "Last-Event-ID", second.String()).numbers(1), series("a", 2, 1))
}

func TestAUsableCursorOverridesLastAndSince(t *testing.T) {
	f := newFixture(t, nil)
	f.publish("a", 0, 5)
	cursor := f.publish("a", 5, 1)
	f.publish("a", 6, 1)
	want(t, f.follow("/v1/events?stream=a&last=5&since=1h&last-event-id="+cursor.String()).numbers(1), series("a", 6, 1))
}

func TestCursorsThatCantBeUsedAreAnsweredWithAGapAnd200(t *testing.T) {
	f := newFixture(t, nil)
	head := f.publish("a", 0, 3)
	foreign := streamgauge.Position{Epoch: head.Epoch + 1, Seq: 2}
	future := streamgauge.Position{Epoch: head.Epoch, Seq: head.Seq + 1}
	for name, tc := range map[string]struct{ cursor, reason string }{
		"foreign":    {foreign.String(), "epoch"},
		"future":     {future.String(), "unknown"},
		"garbage":    {"abc", "unknown"},
		"negative":   {"-1", "unknown"},
		"control":    {"a\tb", "unknown"},
		"not ASCII":  {"é-1", "unknown"},
		"over-long":  {strings.Repeat("a", 8000), "unknown"},
		"a tenant's": {"urn:uuid:1b4e28ba-2fa1-11d2-883f-0016d3cca427", "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			c := f.follow("/v1/events?stream=a", "Last-Event-ID", tc.cursor)
			if got := c.LastEventID(); got != head.String() {
				t.Errorf("hello's id is %s, want the head %s", got, head)
			}
			if got, want := c.gap().String(), tc.reason+" null lost null"; got != want {
				t.Errorf("gap %q, want %q", got, want)
			}
			if got := c.LastEventID(); got != head.String() {
				t.Errorf("the gap's id is %s, want from where delivery goes on: %s", got, head)
			}
			c = f.follow("/v1/events?stream=a&last=2", "Last-Event-ID", tc.cursor)
			c.gap()
			want(t, c.numbers(2), series("a", 1, 2))
		})
	}
}

func TestOneStreamIsBareAndTyped(t *testing.T) {
	f := newFixture(t, nil)
	c := f.follow("/v1/streams/a.b/events")
	if _, err := f.hub.Publish(t.Context(),
		streamgauge.Event{Stream: "a.b", Type: "sale", Data: []byte("{\n\"n\": 1\n}")},
		streamgauge.Event{Stream: "a.b", Data: []byte("a \"line\""), Text: true},
	); err != nil {
		t.Fatal(err)
	}
	if e := c.next(); e.Type != "sale" || string(e.Data) != `{"n":1}` {
		t.Errorf("got %s %s", e.Type, e.Data)
	}
	if e := c.next(); e.Type != "message" || string(e.Data) != `a "line"` {
		t.Errorf("got %s %s", e.Type, e.Data)
	}
	e := f.follow("/v1/events?stream=a.b&last=1").next()
	if !strings.Contains(string(e.Data), `"data":"a \"line\""`) {
		t.Errorf("the envelope of text is %s", e.Data)
	}
}

func TestNDJSONIsTheSameInLines(t *testing.T) {
	f := newFixture(t, nil)
	f.publish("a", 0, 2)
	response := f.get("/v1/events?stream=a&last=1", "Accept", "application/x-ndjson", "Last-Event-ID", "junk")
	decoder := json.NewDecoder(response.Body)
	for _, contains := range []string{`"hub":"hello"`, `"hub":"gap"`, `"data":{"n":1}`} {
		var line json.RawMessage
		if err := decoder.Decode(&line); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(line), contains) {
			t.Errorf("got %s, want it to contain %s", line, contains)
		}
	}
}

func TestPagesWalkTheWholeLogFromAnyCursor(t *testing.T) {
	f := newFixture(t, nil)
	f.publish("a", 0, 7)
	f.publish("b", 0, 7)
	cursor := ""
	var got []string
	for pages := 1; ; pages++ {
		path := "/v1/events?stream=a&stream=b&limit=4"
		if cursor != "" {
			path += "&last-event-id=" + cursor
		} else {
			path += "&since=1h"
		}
		var page struct {
			Events []json.RawMessage
			Cursor string
			More   bool
			Gaps   []gap
		}
		body, err := io.ReadAll(f.get(path, "Accept", "application/json").Body)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(body, &page); err != nil {
			t.Fatalf("%v in %s", err, body)
		}
		for _, e := range page.Events {
			got = append(got, number(t, e))
		}
		if len(page.Gaps) > 0 {
			t.Errorf("gaps %v", page.Gaps)
		}
		if cursor = page.Cursor; !page.More {
			if pages != 4 {
				t.Errorf("%d pages of 4 for 14 events, want 4", pages)
			}
			break
		}
	}
	want(t, got, append(series("a", 0, 7), series("b", 0, 7)...))

	body, _ := io.ReadAll(f.get("/v1/events?stream=a&limit=2", "Accept", "application/json").Body)
	if s := string(body); !strings.Contains(s, `{"n":5}`) || !strings.Contains(s, `{"n":6}`) || strings.Contains(s, `{"n":4}`) {
		t.Errorf("without any cursor the page should be the newest 2, got %s", s)
	}
}

func TestMalformedRequestsAreProblemsThatSayWhatToDo(t *testing.T) {
	f := newFixture(t, &streamgauge.Options{CompileFilter: evenNumbers})
	for _, tc := range []struct {
		path, accept string
		status       int
		says         string
	}{
		{"/v1/events", "", 400, "?stream="},
		{"/v1/events?stream=", "", 400, "empty"},
		{"/v1/events?stream=a..b", "", 400, "empty"},
		{"/v1/events?stream=a.>.b", "", 400, "last token"},
		{"/v1/events?stream=a&stream=b&last=x", "", 400, "last"},
		{"/v1/events?stream=a&last=0", "", 400, "1 or more"},
		{"/v1/events?stream=a&last=1&last=2", "", 400, "2 times"},
		{"/v1/events?stream=a&since=yesterday", "", 400, "15m"},
		{"/v1/events?stream=a&since=-5m", "", 400, "15m"},
		{"/v1/events?stream=a&delivery=some", "", 400, "latest"},
		{"/v1/events?stream=a&rate=0", "", 400, "per second"},
		{"/v1/events?stream=a&rate=NaN", "", 400, "per second"},
		{"/v1/events?stream=a&filter=odd", "", 400, "only even is known"},
		{"/v1/events?stream=a&limit=5", "", 400, "last=5"},
		{"/v1/events?stream=a&limit=0", "application/json", 400, "10000"},
		{"/v1/events?steam=a&stream=a", "", 400, "steam"},
		{"/v1/events?stream=a", "image/png", 406, "text/event-stream"},
		{"/v1/streams/a%2Fb/events", "", 400, "stream"},
		{"/v1/streams/logs.*/events", "", 400, "/v1/events?stream="},
		{"/v1/streams/a/events?stream=b", "", 400, "/v1/events"},
	} {
		t.Run(tc.path, func(t *testing.T) {
			response := f.get(tc.path, "Accept", tc.accept)
			body, _ := io.ReadAll(response.Body)
			var p streamgauge.Problem
			if err := json.Unmarshal(body, &p); err != nil {
				t.Fatalf("%v in %s", err, body)
			}
			if response.StatusCode != tc.status || p.Status != tc.status || response.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("got %s, %s %+v, want %d", response.Status, response.Header.Get("Content-Type"), p, tc.status)
			}
			if !strings.Contains(p.Detail, tc.says) {
				t.Errorf("detail %q does not say %q", p.Detail, tc.says)
			}
		})
	}
}

func TestTheHeaderIsRightAndComesAtOnce(t *testing.T) {
	f := newFixture(t, nil)
	response := f.get("/v1/events?stream=quiet", "Accept", "text/event-stream")
	for name, value := range map[string]string{
		"Content-Type":      "text/event-stream",
		"Cache-Control":     "no-cache, no-transform",
		"X-Accel-Buffering": "no",
	} {
		if got := response.Header.Get(name); got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
}

func TestOverloadIsToldInTheStreamToAnEventSourceAndAs503ToOthers(t *testing.T) {
	f := newFixture(t, &streamgauge.Options{Limits: streamgauge.Limits{Subscribers: 1}})
	f.follow("/v1/events?stream=a")

	response := f.get("/v1/events?stream=a", "Accept", "text/event-stream")
	body, _ := io.ReadAll(response.Body)
	if response.StatusCode != 200 || !strings.Contains(string(body), `"reason":"overload"`) || !strings.Contains(string(body), "retry: ") {
		t.Errorf("an EventSource got %s %s", response.Status, body)
	}
	response = f.get("/v1/events?stream=a")
	if response.StatusCode != 503 || response.Header.Get("Retry-After") == "" {
		t.Errorf("a client got %s, Retry-After %q", response.Status, response.Header.Get("Retry-After"))
	}
}

// stuckLog lets nobody read before the gate is open.
type stuckLog struct {
	streamgauge.Log
	entered, gate chan struct{}
}

func (l stuckLog) Read(ctx context.Context, q streamgauge.Query) (streamgauge.Page, error) {
	select {
	case l.entered <- struct{}{}:
	default:
	}
	<-l.gate
	return l.Log.Read(ctx, q)
}

// A page can cost as much as a subscriber: one address has only so many of both.
func TestPagesCountAgainstTheLimitOfAnAddress(t *testing.T) {
	log := stuckLog{streamgauge.NewMemoryLog(nil), make(chan struct{}, 1), make(chan struct{})}
	hub, err := streamgauge.New(&streamgauge.Options{Log: log, Limits: streamgauge.Limits{SubscribersPerIP: 1}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = r.Header.Get("From") + ":4711"
		hub.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	open := sync.OnceFunc(func() { close(log.gate) })
	t.Cleanup(open)
	f := &fixture{t, hub, server}
	get := func(from, accept string) (*http.Response, string) {
		response := f.get("/v1/events?stream=a", "Accept", accept, "From", from)
		body, _ := io.ReadAll(response.Body)
		return response, string(body)
	}
	var reading sync.WaitGroup
	reading.Go(func() {
		if response, body := get("203.0.113.7", "application/json"); response.StatusCode != http.StatusOK {
			t.Errorf("the first page: got %s %s", response.Status, body)
		}
	})
	select {
	case <-log.entered:
	case <-time.After(10 * time.Second):
		t.Fatal("the first page does not read")
	}
	if response, body := get("203.0.113.7", "application/json"); response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" || !strings.Contains(body, "limits.subscribers_per_ip") {
		t.Errorf("a second page: got %s %s", response.Status, body)
	}
	if _, body := get("203.0.113.7", "text/event-stream"); !strings.Contains(body, `"reason":"overload"`) {
		t.Errorf("a subscriber beside a page: got %s", body)
	}
	open()
	reading.Wait()
	for _, from := range []string{"203.0.113.7", "203.0.113.8"} {
		if response, body := get(from, "application/json"); response.StatusCode != http.StatusOK {
			t.Errorf("afterwards from %s: got %s %s", from, response.Status, body)
		}
	}
}
