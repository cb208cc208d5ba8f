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
	"os"
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

// STREAMGAUGE_TRANSPORT=goroutine runs all of its tests with the other transport.
func newFixture(t *testing.T, o *streamgauge.Options) *fixture {
	t.Helper()
	var options streamgauge.Options
	if o != nil {
		options = *o
	}
	if options.Transport == "" {
		options.Transport = streamgauge.Transport(os.Getenv("STREAMGAUGE_TRANSPORT"))
	}
	o = &options
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
