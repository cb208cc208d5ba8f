package streamgauge_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
)

// plain follows a stream over a connection of its own, without anything of net/http.
type plain struct {
	net.Conn
	lines *bufio.Scanner
}

func follow(t *testing.T, address, query string) *plain {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	fmt.Fprintf(conn, "GET /v1/events?%s HTTP/1.1\r\nHost: localhost\r\n\r\n", query)
	p := &plain{conn, bufio.NewScanner(conn)}
	p.until(t, "event: hub.hello")
	return p
}

// until reads as far as a line with the text.
func (p *plain) until(t *testing.T, text string) {
	t.Helper()
	for p.lines.Scan() {
		if strings.Contains(p.lines.Text(), text) {
			return
		}
	}
	t.Fatalf("the connection ended before %q: %v", text, p.lines.Err())
}

// ended reports whether the server has closed the connection.
func (p *plain) ended() bool {
	for p.lines.Scan() {
	}
	return p.lines.Err() == nil || !os.IsTimeout(p.lines.Err())
}

func looped(t *testing.T, o streamgauge.Options) *fixture {
	t.Helper()
	o.Transport = streamgauge.TransportAuto
	f := newFixture(t, &o)
	f.settle() // there are loops while it runs
	return f
}

func files(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

func soon(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(10 * time.Second); !condition(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func TestALoopHasNoGoroutineForAConnection(t *testing.T) {
	f := looped(t, streamgauge.Options{})
	address := f.server.Listener.Addr().String()
	first := follow(t, address, "stream=a") // with which the loops begin
	goroutines, open := runtime.NumGoroutine(), files(t)
	const n = 200
	var all []*plain
	for range n {
		all = append(all, follow(t, address, "stream=a"))
	}
	if got := f.hub.Carried(); got != n+1 {
		t.Errorf("%d of %d connections are carried", got, n+1)
	}
	soon(t, "there are no goroutines for them", func() bool { return runtime.NumGoroutine() < goroutines+20 })
	f.publish("a", 1, 1)
	for _, p := range append(all, first) {
		p.until(t, `"data":{"n":1}`)
	}
	for i, p := range all {
		switch i % 3 {
		case 0:
			p.Close()
		case 1:
			p.Conn.(*net.TCPConn).SetLinger(0) // a reset
			p.Close()
		case 2:
			p.Conn.(*net.TCPConn).CloseWrite()
			if !p.ended() {
				t.Error("a connection whose client has gone is not closed")
			}
			p.Close()
		}
	}
	soon(t, "nothing is left of them", func() bool {
		return f.hub.Carried() == 1 && f.hub.Stats().Subscribers == 1 && files(t) <= open
	})
}

// stuckReads lets nobody read while it is closed.
type stuckReads struct {
	streamgauge.Log
	gate    sync.RWMutex
	entered chan struct{}
}

func (l *stuckReads) Read(ctx context.Context, q streamgauge.Query) (streamgauge.Page, error) {
	select {
	case l.entered <- struct{}{}:
	default:
	}
	l.gate.RLock()
	defer l.gate.RUnlock()
	return l.Log.Read(ctx, q)
}

func TestWhoReadsTheLogHoldsUpNobodyOfALoop(t *testing.T) {
	log := &stuckReads{Log: streamgauge.NewMemoryLog(nil), entered: make(chan struct{}, 1)}
	f := looped(t, streamgauge.Options{Log: log})
	begin := f.publish("a", 1, 1)
	f.publish("a", 2, 100)
	f.settle()
	address := f.server.Listener.Addr().String()
	log.gate.Lock()
	select {
	case <-log.entered: // that was before
	default:
	}
	shut := true
	open := func() {
		if shut {
			log.gate.Unlock()
			shut = false
		}
	}
	t.Cleanup(open)
	// More than there are loops and replayers.
	n := 4*runtime.GOMAXPROCS(0) + 4
	var behind, live []*plain
	for range n {
		behind = append(behind, follow(t, address, "stream=a&last-event-id="+begin.String()))
	}
	for range n { // after those, so that there are some on every loop
		live = append(live, follow(t, address, "stream=b"))
	}
	<-log.entered
	f.publish("b", 1, 1)
	for _, p := range live {
		p.until(t, `"data":{"n":1}`)
	}
	behind[0].Close() // while the log is read for it, or before
	open()
	for _, p := range behind[1:] {
		for i := 2; i <= 101; i++ {
			p.until(t, fmt.Sprintf(`"data":{"n":%d}`, i))
		}
	}
	soon(t, "the one that has gone is forgotten", func() bool { return f.hub.Stats().Subscribers == 2*n-1 })
}

// wrapped hides that a connection is a socket.
type wrapped struct{ net.Listener }

func (l wrapped) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return struct{ net.Conn }{conn}, err
}

func TestAConnectionThatIsNoSocketIsCarriedToo(t *testing.T) {
	f := looped(t, streamgauge.Options{Heartbeat: 100 * time.Millisecond})
	server := httptest.NewUnstartedServer(http.HandlerFunc(f.hub.ServeHTTP))
	server.Listener = wrapped{server.Listener}
	server.Start()
	t.Cleanup(server.Close)
	address := server.Listener.Addr().String()
	staying, going := follow(t, address, "stream=a"), follow(t, address, "stream=a")
	f.publish("a", 1, 1)
	staying.until(t, `"data":{"n":1}`)
	staying.until(t, "event: hub.heartbeat")
	going.Close()
	soon(t, "the one that has gone is forgotten", func() bool { return f.hub.Stats().Subscribers == 1 })
	if err := f.hub.Drain(f.Context()); err != nil {
		t.Fatal(err)
	}
	staying.until(t, "event: hub.bye")
	if !staying.ended() {
		t.Error("the connection is not closed after its bye")
	}
}

// counting is a listener that counts what its connections are written.
type counting struct {
	net.Listener
	writes *atomic.Int32
}

type countingConn struct {
	*net.TCPConn
	writes *atomic.Int32
}

func (l counting) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return countingConn{conn.(*net.TCPConn), l.writes}, nil
}

func (c countingConn) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.TCPConn.Write(p)
}

// The header and what comes first are one write, and one packet.
func TestAStreamBeginsWithOneWrite(t *testing.T) {
	for _, transport := range []streamgauge.Transport{streamgauge.TransportAuto, streamgauge.TransportGoroutine} {
		t.Run(string(transport), func(t *testing.T) {
			f := newFixture(t, &streamgauge.Options{Transport: transport})
			var writes atomic.Int32
			server := httptest.NewUnstartedServer(http.HandlerFunc(f.hub.ServeHTTP))
			server.Listener = counting{server.Listener, &writes}
			server.Start()
			t.Cleanup(server.Close)
			p := follow(t, server.Listener.Addr().String(), "stream=a")
			p.until(t, "data: ")
			if n := writes.Load(); n != 1 {
				t.Errorf("%d writes, want 1", n)
			}
		})
	}
}

// pipes is a listener that gives some connections of its own before any others.
type pipes struct {
	net.Listener
	conns chan net.Conn
}

func (l pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	default:
		return l.Listener.Accept()
	}
}

// The write timeout is of the first bytes of a stream, too.
func TestAReaderThatNeverTakesAnythingIsLetGo(t *testing.T) {
	f := looped(t, streamgauge.Options{WriteTimeout: 100 * time.Millisecond})
	server := httptest.NewUnstartedServer(http.HandlerFunc(f.hub.ServeHTTP))
	client, accepted := net.Pipe() // it holds nothing: what is written waits for a reader
	conns := make(chan net.Conn, 1)
	conns <- accepted
	server.Listener = pipes{server.Listener, conns}
	server.Start()
	t.Cleanup(func() {
		client.Close() // else closing the server would wait for it
		server.Close()
	})
	_ = client.SetWriteDeadline(time.Now().Add(10 * time.Second))
	_, err := fmt.Fprint(client, "GET /v1/events?stream=a HTTP/1.1\r\nHost: a\r\n\r\n")
	for err == nil { // until it is closed
		_, err = client.Write([]byte{' '})
	}
	if !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("it is not let go: %v", err)
	}
	soon(t, "it is forgotten", func() bool { return f.hub.Stats().Subscribers == 0 && f.hub.Carried() == 0 })
}

// A client that sends what nobody has asked for gets its events, and takes nothing.
func TestWhatASubscriberSendsIsNotRead(t *testing.T) {
	f := looped(t, streamgauge.Options{})
	p := follow(t, f.server.Listener.Addr().String(), "stream=a")
	taken := 0
	for chunk := make([]byte, 1<<20); taken < 64<<20; taken += len(chunk) {
		p.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
		if _, err := p.Write(chunk); err != nil {
			break
		}
	}
	if taken >= 64<<20 { // far more than the kernel keeps
		t.Errorf("the server took %d bytes that it had not asked for", taken)
	}
	f.publish("a", 1, 1)
	p.until(t, `"data":{"n":1}`)
}

// Who has sent something after its request and reads slowly gets the end of the stream all the same.
func TestWhatASubscriberSendsDoesNotCutTheEnd(t *testing.T) {
	f := looped(t, streamgauge.Options{})
	conn, err := net.Dial("tcp", f.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	fmt.Fprint(conn, "GET /v1/events?stream=a HTTP/1.1\r\nHost: a\r\n\r\n")
	if _, err := io.ReadFull(conn, make([]byte, 100)); err != nil { // the request has been read, and no more
		t.Fatal(err)
	}
	fmt.Fprint(conn, "\r\n")
	data := []byte(`"` + strings.Repeat("x", 1000) + `"`)
	for range 20 { // more than it takes unread, and less than the kernel has for it
		if _, err := f.hub.Publish(f.Context(), streamgauge.Event{Stream: "a", Data: data}); err != nil {
			t.Fatal(err)
		}
	}
	f.settle()
	if err := f.hub.Drain(f.Context()); err != nil {
		t.Fatal(err)
	}
	soon(t, "it is closed", func() bool { return f.hub.Carried() == 0 })
	all, err := io.ReadAll(conn)
	if err != nil || !strings.Contains(string(all), "event: hub.bye") {
		t.Errorf("of %d bytes the end is %.60q, %v", len(all), all[max(0, len(all)-60):], err)
	}
}

func TestWhenRunEndsLoopsCloseTheirConnections(t *testing.T) {
	hub, err := streamgauge.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(hub)
	t.Cleanup(server.Close)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { hub.Run(ctx) })
	soon(t, "the hub runs", func() bool { return hub.Ready(ctx) == nil })
	before := files(t)
	p := follow(t, server.Listener.Addr().String(), "stream=a")
	if hub.Carried() != 1 {
		t.Fatal("it is not carried by a loop")
	}
	cancel()
	running.Wait()
	if !p.ended() || hub.Carried() != 0 {
		t.Error("it is open")
	}
	p.Close()
	soon(t, "nothing is left", func() bool { return files(t) <= before })
	// What comes now has a goroutine.
	p = follow(t, server.Listener.Addr().String(), "stream=a")
	if hub.Carried() != 0 {
		t.Error("it is carried by a loop that has ended")
	}
	p.Close()
}
