package streamgauge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/sse"
)

// fixture is a hub that runs behind a real HTTP server.
type fixture struct {
	*testing.T
	hub    *streamgauge.Hub
	server *httptest.Server
}

func newFixture(t *testing.T, o *streamgauge.Options) *fixture {
	t.Helper()
	hub, err := streamgauge.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := hub.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Run returned %v", err)
		}
	})
	mux := http.NewServeMux()
	mux.Handle("/v1/events", hub)
	mux.Handle("/v1/streams/{stream}/events", hub)
	server := httptest.NewUnstartedServer(mux)
	server.Listener = smallBuffers{server.Listener}
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		cancel()
		running.Wait()
	})
	return &fixture{t, hub, server}
}

// smallBuffers makes the kernel hold little for a client that does not read, so
// that a few events are enough to make a write block.
type smallBuffers struct{ net.Listener }

func (l smallBuffers) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		err = conn.(*net.TCPConn).SetWriteBuffer(16 << 10)
	}
	return conn, err
}

// publish publishes n events to the stream with the data {"n":<from>} and on.
func (f *fixture) publish(stream string, from, n int) streamgauge.Position {
	f.Helper()
	var last streamgauge.Position
	for i := from; i < from+n; i++ {
		receipt, err := f.hub.Publish(f.Context(), streamgauge.Event{Stream: stream, Data: fmt.Appendf(nil, `{"n":%d}`, i)})
		if err != nil {
			f.Fatalf("publish: %v", err)
		}
		last = receipt.Position
	}
	return last
}

// settle waits until everything published has reached the feeds.
func (f *fixture) settle() {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.Context(), 10*time.Second)
	defer cancel()
	if err := f.hub.Ready(ctx); err != nil {
		f.Fatal(err)
	}
}

// client follows one connection.
type client struct {
	*testing.T
	*sse.Decoder
	response *http.Response
	cancel   context.CancelFunc
	beats    []string // ids of the heartbeats heard on the way
}

func (f *fixture) get(path string, headers ...string) *http.Response {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.Context(), 30*time.Second)
	f.Cleanup(cancel)
	return f.getCtx(ctx, path, headers...)
}

func (f *fixture) getCtx(ctx context.Context, path string, headers ...string) *http.Response {
	f.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, f.server.URL+path, nil)
	if err != nil {
		f.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { response.Body.Close() })
	return response
}

// follow opens an event stream and reads its hub.hello.
func (f *fixture) follow(path string, headers ...string) *client {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.Context(), 30*time.Second)
	f.Cleanup(cancel)
	response := f.getCtx(ctx, path, append([]string{"Accept", "text/event-stream"}, headers...)...)
	if response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(response.Body)
		f.Fatalf("GET %s: %s: %s", path, response.Status, body)
	}
	c := &client{T: f.T, Decoder: sse.NewDecoder(response.Body), response: response, cancel: cancel}
	if e := c.next(); e.Type != "hub.hello" {
		f.Fatalf("the first event is %s %s, want hub.hello", e.Type, e.Data)
	}
	return c
}

// next returns the next event that is not a heartbeat.
func (c *client) next() sse.Event {
	c.Helper()
	for {
		e, err := c.Next()
		if err != nil {
			c.Fatalf("read the stream: %v", err)
		}
		if e.Type != "hub.heartbeat" {
			e.Data = append([]byte(nil), e.Data...)
			return e
		}
		c.beats = append(c.beats, e.ID)
	}
}

// numbers reads n events and returns what their envelopes' data.n say, as
// stream:n.
func (c *client) numbers(n int) []string {
	c.Helper()
	var out []string
	for range n {
		e := c.next()
		if e.Type != "message" {
			c.Fatalf("got %s %s after %v, want an event", e.Type, e.Data, out)
		}
		out = append(out, number(c.T, e.Data))
	}
	return out
}

func number(t *testing.T, envelope []byte) string {
	t.Helper()
	var e struct {
		Stream string
		Data   struct{ N int }
	}
	if err := json.Unmarshal(envelope, &e); err != nil {
		t.Fatalf("envelope %s: %v", envelope, err)
	}
	return fmt.Sprintf("%s:%d", e.Stream, e.Data.N)
}

// gap is what hub.gap says.
type gap struct {
	Stream, From, To *string
	Lost             *int64
	Reason           string
}

func (g gap) String() string {
	lost := "null"
	if g.Lost != nil {
		lost = fmt.Sprint(*g.Lost)
	}
	stream := "null"
	if g.Stream != nil {
		stream = *g.Stream
	}
	return fmt.Sprintf("%s %s lost %s", g.Reason, stream, lost)
}

func (c *client) gap() gap {
	c.Helper()
	e := c.next()
	if e.Type != "hub.gap" {
		c.Fatalf("got %s %s, want hub.gap", e.Type, e.Data)
	}
	var g gap
	if err := json.Unmarshal(e.Data, &g); err != nil {
		c.Fatal(err)
	}
	return g
}

func want(t *testing.T, got, want []string) {
	t.Helper()
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Fatalf("got %v, want %v", got, want)
	}
}

func series(stream string, from, n int) []string {
	var out []string
	for i := from; i < from+n; i++ {
		out = append(out, fmt.Sprintf("%s:%d", stream, i))
	}
	return out
}

func TestASubscriberGetsHistoryAndThenLiveWithoutASeam(t *testing.T) {
	f := newFixture(t, nil)
	f.publish("a", 0, 5)
	f.publish("b", 0, 5)
	c := f.follow("/v1/events?stream=a&last=3")
	want(t, c.numbers(3), series("a", 2, 3))
	f.publish("b", 5, 1)
	f.publish("a", 5, 3)
	want(t, c.numbers(3), series("a", 5, 3))
}

func TestResumeDeliversExactlyWhatCameAfterTheCursor(t *testing.T) {
	for _, behind := range []int{0, 1, 2, 511, 512, 513, 3000} {
		t.Run(fmt.Sprint(behind), func(t *testing.T) {
			f := newFixture(t, nil)
			cursor := f.publish("a", 0, 10)
			f.publish("a", 10, behind)
			c := f.follow("/v1/events?stream=a", "Last-Event-ID", cursor.String())
			want(t, c.numbers(behind), series("a", 10, behind))
			f.publish("a", 10+behind, 2)
			want(t, c.numbers(2), series("a", 10+behind, 2))
		})
	}
}

func TestACutBeforeTheFirstEventLosesNothing(t *testing.T) {
	f := newFixture(t, nil)
	f.publish("a", 0, 3)
	c := f.follow("/v1/events?stream=a")
	id := c.LastEventID()
	c.cancel()
	f.publish("a", 3, 2)
	want(t, f.follow("/v1/events?stream=a", "Last-Event-ID", id).numbers(2), series("a", 3, 2))
}

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

func TestEvictedEventsAreCountedExactlyPerStream(t *testing.T) {
	rules, err := streamgauge.NewRules(
		streamgauge.Rule{Match: "few.>", Keep: streamgauge.Keep{Events: 5}},
		streamgauge.Rule{Match: ">"})
	if err != nil {
		t.Fatal(err)
	}
	for _, away := range []int{0, 1, 4, 5, 6, 50} {
		t.Run(fmt.Sprintf("%d events away", away), func(t *testing.T) {
			f := newFixture(t, &streamgauge.Options{Rules: rules})
			cursor := f.publish("few.a", 0, 5)
			f.publish("few.a", 5, away)
			f.publish("few.b", 0, 50) // trims 45 of its own
			f.publish("many", 0, 1)

			kept := min(away, 5)
			c := f.follow("/v1/events?stream=few.a", "Last-Event-ID", cursor.String())
			if lost := away - kept; lost > 0 {
				g := c.gap()
				if got, want := g.String(), fmt.Sprintf("evicted few.a lost %d", lost); got != want {
					t.Errorf("gap %q, want %q", got, want)
				}
				if *g.From != cursor.String() {
					t.Errorf("from %s, want the cursor %s", *g.From, cursor)
				}
			}
			want(t, c.numbers(kept), series("few.a", 5+away-kept, kept))

			c = f.follow("/v1/events?stream=many", "Last-Event-ID", cursor.String())
			want(t, c.numbers(1), series("many", 0, 1)) // no gap: other streams were trimmed
		})
	}
}

func TestAGapIsSaidOnceForEachStreamEvenWhenReplayTakesManyPages(t *testing.T) {
	rules, err := streamgauge.NewRules(streamgauge.Rule{Match: "few.>", Keep: streamgauge.Keep{Events: 2}})
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, &streamgauge.Options{Rules: rules})
	cursor := f.publish("many", 0, 1)
	for i := range 1500 {
		f.publish("many", 1+i, 1)
		f.publish("few.a", i, 1)
		f.publish("few.b", i, 1)
	}
	c := f.follow("/v1/events?stream=%3E", "Last-Event-ID", cursor.String())
	want(t, []string{c.gap().String(), c.gap().String()}, []string{"evicted few.a lost 1498", "evicted few.b lost 1498"})
	c.numbers(1500 + 4) // any other gap would end this
}

func TestAFilterMakesTheCountOfAGapUnknown(t *testing.T) {
	rules, err := streamgauge.NewRules(streamgauge.Rule{Match: ">", Keep: streamgauge.Keep{Events: 1}})
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, &streamgauge.Options{Rules: rules, CompileFilter: evenNumbers})
	cursor := f.publish("a", 0, 1)
	f.publish("a", 1, 4)
	c := f.follow("/v1/events?stream=a&filter=even", "Last-Event-ID", cursor.String())
	if got, want := c.gap().String(), "evicted a lost null"; got != want {
		t.Errorf("gap %q, want %q", got, want)
	}
	want(t, c.numbers(1), series("a", 4, 1))
}

// evenNumbers compiles the one condition "even".
func evenNumbers(source string) (streamgauge.Filter, error) {
	if source != "even" {
		return nil, errors.New("only even is known")
	}
	return filterFunc(func(e *streamgauge.Event) bool {
		var data struct{ N int }
		return json.Unmarshal(e.Data, &data) == nil && data.N%2 == 0
	}), nil
}

type filterFunc func(*streamgauge.Event) bool

func (f filterFunc) Match(e *streamgauge.Event) bool { return f(e) }

func TestFiltersApplyToReplayAndLive(t *testing.T) {
	f := newFixture(t, &streamgauge.Options{CompileFilter: evenNumbers})
	f.publish("a", 0, 100)
	c := f.follow("/v1/events?stream=a&filter=even&last=3")
	want(t, c.numbers(3), []string{"a:94", "a:96", "a:98"})
	f.publish("a", 100, 4)
	want(t, c.numbers(2), []string{"a:100", "a:102"})
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

func TestDrainSaysByeToEveryoneAndRefusesNewcomers(t *testing.T) {
	f := newFixture(t, nil)
	var clients []*client
	for range 5 {
		clients = append(clients, f.follow("/v1/events?stream=a"))
	}
	drained := make(chan error, 1)
	go func() { drained <- f.hub.Drain(t.Context()) }()
	for _, c := range clients {
		if e := c.next(); e.Type != "hub.bye" || !strings.Contains(string(e.Data), `"reason":"drain"`) {
			t.Errorf("got %s %s, want hub.bye", e.Type, e.Data)
		}
		if _, err := c.Next(); err != io.EOF {
			t.Errorf("after hub.bye: %v, want the end", err)
		}
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
	if response := f.get("/v1/events?stream=a"); response.StatusCode != 503 {
		t.Errorf("a newcomer got %s", response.Status)
	}
}

func TestALaggingSubscriberOfLatestGetsTheNewestOfEachKeyInOrder(t *testing.T) {
	f := newFixture(t, nil)
	hub := f.hub
	s, err := hub.Subscribe(t.Context(), streamgauge.Subscription{Select: streamgauge.Selection{"x"}, Delivery: streamgauge.DeliverLatest}, func() {}, func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.Next(t.Context()) // hello
	for i := range 30 {
		if _, err := hub.Publish(t.Context(), streamgauge.Event{Stream: "x", Key: fmt.Sprint(i % 3), Data: fmt.Appendf(nil, `{"n":%d}`, i)}); err != nil {
			t.Fatal(err)
		}
	}
	f.settle()
	want(t, drainNumbers(t, s), series("x", 27, 3))
}

// drainNumbers reads everything that the subscriber has now.
func drainNumbers(t *testing.T, s *streamgauge.Subscriber) []string {
	t.Helper()
	var out []string
	for {
		p, err := s.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if p == nil {
			return out
		}
		decoder := sse.NewDecoder(strings.NewReader(string(p)))
		for {
			e, err := decoder.Next()
			if err != nil {
				break
			}
			out = append(out, number(t, e.Data))
		}
	}
}

func TestHistoryThatWasAskedForIsNotConflated(t *testing.T) {
	rules, err := streamgauge.NewRules(streamgauge.Rule{Match: "host.>", Delivery: streamgauge.DeliverLatest})
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, &streamgauge.Options{Rules: rules})
	cursor := f.publish("host.cpu", 0, 1)
	f.publish("host.cpu", 1, 9)
	f.settle()
	want(t, f.follow("/v1/events?stream=host.cpu&last=5").numbers(5), series("host.cpu", 5, 5))
	// Who resumes has lagged.
	want(t, f.follow("/v1/events?stream=host.cpu&last-event-id="+cursor.String()).numbers(1), series("host.cpu", 9, 1))
	want(t, f.follow("/v1/events?stream=host.cpu&delivery=all&last-event-id="+cursor.String()).numbers(9), series("host.cpu", 1, 9))
}

func TestAnEventsKeyComesFromTheRulesPointerUnlessItHasOne(t *testing.T) {
	rules, err := streamgauge.NewRules(streamgauge.Rule{Match: "host.>", Key: "/core"})
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, &streamgauge.Options{Rules: rules})
	events := []streamgauge.Event{
		{Stream: "host.cpu", Data: []byte(`{"core":3}`)},
		{Stream: "host.cpu", Data: []byte(`{"core":3}`), Key: "mine"},
		{Stream: "host.cpu", Data: []byte(`{"core":[]}`)},
		{Stream: "other", Data: []byte(`{"core":3}`)},
	}
	if _, err := f.hub.Publish(t.Context(), events...); err != nil {
		t.Fatal(err)
	}
	if events[0].Key != "" {
		t.Error("Publish changed the caller's event")
	}
	c := f.follow("/v1/events?stream=%3E&last=4")
	for _, key := range []string{"3", "mine", "", ""} {
		var e struct{ Key string }
		if err := json.Unmarshal(c.next().Data, &e); err != nil || e.Key != key {
			t.Errorf("key %q, want %q (%v)", e.Key, key, err)
		}
	}
}

func TestRefusedPublishesLeaveNoTrace(t *testing.T) {
	f := newFixture(t, &streamgauge.Options{Limits: streamgauge.Limits{EventBytes: 10, BatchEvents: 2, BatchBytes: 15, Streams: 2}})
	ok := []byte(`1`)
	for name, tc := range map[string]struct {
		events []streamgauge.Event
		want   error
	}{
		"no event":            {nil, streamgauge.ErrInvalid},
		"bad stream":          {[]streamgauge.Event{{Stream: "a b", Data: ok}}, streamgauge.ErrInvalid},
		"bad data":            {[]streamgauge.Event{{Stream: "a", Data: []byte("{")}}, streamgauge.ErrInvalid},
		"one bad of two":      {[]streamgauge.Event{{Stream: "a", Data: ok}, {Stream: "a", Data: []byte("{")}}, streamgauge.ErrInvalid},
		"big event":           {[]streamgauge.Event{{Stream: "a", Data: []byte(`"123456789"`)}}, streamgauge.ErrTooLarge},
		"many events":         {[]streamgauge.Event{{Stream: "a", Data: ok}, {Stream: "a", Data: ok}, {Stream: "a", Data: ok}}, streamgauge.ErrTooLarge},
		"big batch":           {[]streamgauge.Event{{Stream: "a", Data: []byte(`"1234567"`)}, {Stream: "a", Data: []byte(`"1234567"`)}}, streamgauge.ErrTooLarge},
		"the hub's own":       {[]streamgauge.Event{{Stream: "hub.stats", Data: ok}}, streamgauge.ErrReserved},
		"the hub's own type":  {[]streamgauge.Event{{Stream: "a", Type: "hub.gap", Data: ok}}, streamgauge.ErrInvalid},
		"a CR in the type":    {[]streamgauge.Event{{Stream: "a", Type: "x\rdata: y", Data: ok}}, streamgauge.ErrInvalid},
		"a line end in text":  {[]streamgauge.Event{{Stream: "a", Text: true, Data: []byte("x\rid: 9")}}, streamgauge.ErrInvalid},
		"data that isn't UTF": {[]streamgauge.Event{{Stream: "a", Data: []byte("\"\xff\"")}}, streamgauge.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := f.hub.Publish(t.Context(), tc.events...); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
	if s := f.hub.Stats(); s.Streams != 0 || s.Head != 0 {
		t.Errorf("something was kept: %+v", s)
	}
	f.publish("a", 0, 1)
	f.publish("b", 0, 1)
	if _, err := f.hub.Publish(t.Context(), streamgauge.Event{Stream: "c", Data: ok}); !errors.Is(err, streamgauge.ErrTooManyStreams) {
		t.Errorf("a third stream of two: %v", err)
	}
	if found, err := f.hub.Forget(t.Context(), "b"); !found || err != nil {
		t.Fatal(found, err)
	}
	f.publish("c", 0, 1)
}

func TestStreamsTellWhatThereIs(t *testing.T) {
	f := newFixture(t, nil)
	f.publish("b", 0, 1)
	f.publish("a", 0, 3)
	f.settle()
	f.follow("/v1/events?stream=a")
	streams, err := f.hub.Streams(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(streams) != 2 || streams[0].Name != "a" || streams[0].Events != 3 || streams[0].Subscribers != 1 ||
		streams[0].Rate <= 0 || streams[1].Subscribers != 0 || streams[1].Rule.Keep.Events != 10_000 {
		t.Errorf("got %+v", streams)
	}
}

func TestABatchArrivesInOrder(t *testing.T) {
	f := newFixture(t, nil)
	c := f.follow("/v1/events?stream=a")
	var batch []streamgauge.Event
	for i := range 1000 {
		batch = append(batch, streamgauge.Event{Stream: "a", Data: fmt.Appendf(nil, `{"n":%d}`, i)})
	}
	if _, err := f.hub.Publish(t.Context(), batch...); err != nil {
		t.Fatal(err)
	}
	want(t, c.numbers(1000), series("a", 0, 1000))
}

func TestAHubOverALogThatHasEventsBeginsAtItsHead(t *testing.T) {
	log := streamgauge.NewMemoryLog(streamgauge.DefaultRules())
	var cursor streamgauge.Position
	for i := range 20 {
		receipt, err := log.Append(t.Context(), streamgauge.Batch{Events: []streamgauge.Event{{Stream: "a", Data: fmt.Appendf(nil, `{"n":%d}`, i)}}})
		if err != nil {
			t.Fatal(err)
		}
		if i == 9 {
			cursor = receipt.Position
		}
	}
	f := newFixture(t, &streamgauge.Options{Log: log})
	// Resumed before anything new is published, and without hearing anything twice.
	c := f.follow("/v1/events?stream=a", "Last-Event-ID", cursor.String())
	live := f.follow("/v1/events?stream=a")
	want(t, c.numbers(10), series("a", 10, 10))
	f.publish("a", 20, 1)
	want(t, c.numbers(1), series("a", 20, 1))
	want(t, live.numbers(1), series("a", 20, 1))
	if s := f.hub.Stats(); s.EventsIn != 1 {
		t.Errorf("the hub counts %d events in, want 1", s.EventsIn)
	}
}
