package streamgauge_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/sse"
)

// stall opens a stream with a tiny receive buffer and never reads it. The
// connection ends with the test, or when the server ends it.
func (f *fixture) stall(path string) net.Conn {
	f.Helper()
	dialer := net.Dialer{Control: smallReceiveBuffer}
	conn, err := dialer.DialContext(f.Context(), "tcp", strings.TrimPrefix(f.server.URL, "http://"))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n", path)
	return conn
}

// eventually waits for a condition that some other goroutine brings about.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func TestStalledReadersHarmNobody(t *testing.T) {
	const stalled, healthy, events = 10, 20, 100
	f := newFixture(t, &streamgauge.Options{WriteTimeout: time.Hour})
	for range stalled {
		f.stall("/v1/events?stream=a")
	}
	var clients []*client
	for range healthy {
		clients = append(clients, f.follow("/v1/events?stream=a"))
	}
	eventually(t, "all are connected", func() bool { return f.hub.Stats().Subscribers == stalled+healthy })

	var reading sync.WaitGroup
	for i, c := range clients {
		reading.Go(func() {
			for n := range events {
				e, err := c.Next()
				if err != nil {
					t.Errorf("healthy reader %d, after %d events: %v", i, n, err)
					return
				}
				if want := fmt.Appendf(nil, `"data":{"n":%d,`, n); !bytes.Contains(e.Data[:200], want) {
					t.Errorf("healthy reader %d got %.200s, want %s", i, e.Data, want)
					return
				}
			}
		})
	}
	f.publishPadded(events)
	reading.Wait()
	if n := f.hub.Stats().Subscribers; n != stalled+healthy {
		t.Errorf("%d are connected, want %d: the stalled have not been stalled all the time", n, stalled+healthy)
	}
}

// publishPadded publishes events that are big enough for a few of them to fill
// every buffer on the way.
func (f *fixture) publishPadded(events int) {
	f.Helper()
	pad := strings.Repeat("x", 8000)
	for i := range events {
		data := fmt.Appendf(nil, `{"n":%d,"pad":%q}`, i, pad)
		if _, err := f.hub.Publish(f.Context(), streamgauge.Event{Stream: "a", Data: data}); err != nil {
			f.Fatal(err)
		}
	}
}

func TestStalledReadersAreLetGo(t *testing.T) {
	const stalled = 5
	f := newFixture(t, &streamgauge.Options{WriteTimeout: 200 * time.Millisecond})
	for range stalled {
		f.stall("/v1/events?stream=a")
	}
	eventually(t, "all are connected", func() bool { return f.hub.Stats().Subscribers == stalled })
	f.publishPadded(100)
	eventually(t, "the stalled are let go", func() bool { return f.hub.Stats().Subscribers == 0 })
	if n := f.hub.Stats().WriteTimeouts; n != stalled {
		t.Errorf("%d write timeouts, want %d", n, stalled)
	}
}

func TestAStalledReaderCanComeBackAndIsToldWhatItMissed(t *testing.T) {
	rules, err := streamgauge.NewRules(streamgauge.Rule{Match: ">", Keep: streamgauge.Keep{Events: 10}})
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, &streamgauge.Options{Rules: rules})
	s, err := f.hub.Subscribe(t.Context(), streamgauge.Subscription{Select: a}, func() {}, func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Next(t.Context()); err != nil { // hub.hello is being written …
		t.Fatal(err)
	}
	pad := strings.Repeat("x", 100<<10)
	for i := range 40 { // … while more goes by than the ring and the log keep
		if _, err := f.hub.Publish(t.Context(), streamgauge.Event{Stream: "a", Data: fmt.Appendf(nil, `{"n":%d,"pad":%q}`, i, pad)}); err != nil {
			t.Fatal(err)
		}
	}
	f.settle()
	var wire strings.Builder
	for {
		p, err := s.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if p == nil {
			break
		}
		wire.Write(p)
	}
	events := decode(wire.String())
	if len(events) != 11 || events[0].Type != "hub.gap" || !strings.Contains(string(events[0].Data), `"lost":30`) {
		t.Fatalf("%d blocks, the first %s %.200s; want a gap of 30 and 10 events", len(events), events[0].Type, events[0].Data)
	}
}

func TestAServersTimeoutsDontCutAStream(t *testing.T) {
	for _, transport := range []streamgauge.Transport{streamgauge.TransportAuto, streamgauge.TransportGoroutine} {
		t.Run(string(transport), func(t *testing.T) { isNotCut(t, transport) })
	}
}

func isNotCut(t *testing.T, transport streamgauge.Transport) {
	hub, err := streamgauge.New(&streamgauge.Options{Heartbeat: 50 * time.Millisecond, Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { hub.Run(ctx) })
	server := httptest.NewUnstartedServer(hub)
	server.Config.ReadTimeout = 150 * time.Millisecond
	server.Config.WriteTimeout = 150 * time.Millisecond
	server.Config.IdleTimeout = 150 * time.Millisecond
	server.Start()
	defer func() { server.CloseClientConnections(); server.Close(); cancel(); running.Wait() }()

	response, err := http.Get(server.URL + "/?stream=a")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	decoder := sse.NewDecoder(response.Body)
	for beats := 0; beats < 12; { // longer than any of the timeouts
		e, err := decoder.Next()
		if err != nil {
			t.Fatalf("the stream was cut after %d heartbeats: %v", beats, err)
		}
		if e.Type == "hub.heartbeat" {
			beats++
		}
	}
}

// A request may promise a body that never comes: the stream does not wait for it, and lives and
// ends as others do.
func TestAStreamDoesNotWaitForABody(t *testing.T) {
	for _, transport := range []streamgauge.Transport{streamgauge.TransportAuto, streamgauge.TransportGoroutine} {
		t.Run(string(transport), func(t *testing.T) {
			f := newFixture(t, &streamgauge.Options{Transport: transport, Heartbeat: 50 * time.Millisecond, MaxAge: 300 * time.Millisecond, WriteTimeout: 200 * time.Millisecond})
			conn, err := net.Dial("tcp", f.server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
			fmt.Fprint(conn, "GET /v1/events?stream=a HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
			all, err := io.ReadAll(conn)
			if err != nil {
				t.Error(err)
			}
			header, body, _ := strings.Cut(string(all), "\r\n\r\n")
			if !strings.HasPrefix(header, "HTTP/1.1 200 OK\r\n") || strings.Count(header, "Connection: close") != 1 {
				t.Errorf("the header is %q", header)
			}
			for _, event := range []string{"hub.hello", "hub.heartbeat", "hub.bye"} {
				if !strings.Contains(body, "event: "+event) {
					t.Errorf("no %s in %q", event, body)
				}
			}
			eventually(t, "it is forgotten", func() bool { return f.hub.Stats().Subscribers == 0 })
		})
	}
}

// Whatever way connections end, nothing of them stays.
func TestNothingStaysOfConnectionsThatEnded(t *testing.T) {
	// A pipelined request hides the end of its connection from net/http until
	// something is written: the next heartbeat.
	f := newFixture(t, &streamgauge.Options{WriteTimeout: 200 * time.Millisecond, Heartbeat: 200 * time.Millisecond})
	f.publish("a", 0, 10)
	f.follow("/v1/events?stream=base") // one that stays
	http.DefaultClient.CloseIdleConnections()
	eventually(t, "one is connected", func() bool { return f.hub.Stats().Subscribers == 1 })
	base := runtime.NumGoroutine()

	const each = 25
	address := strings.TrimPrefix(f.server.URL, "http://")
	for i := range each {
		for _, end := range []func(*net.TCPConn){
			func(c *net.TCPConn) { c.Close() },
			func(c *net.TCPConn) { c.SetLinger(0); c.Close() },                          // RST
			func(c *net.TCPConn) { c.CloseWrite(); io.Copy(io.Discard, c); c.Close() },  // half-close
			func(c *net.TCPConn) { io.CopyN(io.Discard, c, int64(300+7*i)); c.Close() }, // mid-event
			func(c *net.TCPConn) { fmt.Fprint(c, "GET / HTTP/1.1\r\n\r\n"); c.Close() }, // a pipelined request
		} {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(conn, "GET /v1/events?stream=a&stream=s%d&last=10 HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n", i)
			end(conn.(*net.TCPConn))
		}
	}
	eventually(t, "only the first is connected", func() bool { return f.hub.Stats().Subscribers == 1 })
	eventually(t, "their goroutines have ended", func() bool { return runtime.NumGoroutine() <= base })
	if s := f.hub.Stats(); s.Feeds != 1 {
		t.Errorf("%d feeds are left, want 1", s.Feeds)
	}
}
