package server_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/config"
	"github.com/streamgauge/streamgauge/internal/server"
)

func TestSlowBodiesAndHeadersAreCut(t *testing.T) {
	r := start(t, func(c *config.Config) {
		c.Limits.BodyTimeout, c.Limits.HeaderTimeout = 100*time.Millisecond, 100*time.Millisecond
	})
	for name, c := range map[string]struct{ send, want string }{
		"a body":  {"POST /v1/streams/a/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n1", "408 Request Timeout"},
		"headers": {"POST /v1/streams/a/events HTTP/1.1\r\nHost: localhost\r\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(conn, c.send); err != nil {
				t.Fatal(err)
			}
			answer, err := io.ReadAll(conn)
			if errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
			if !strings.Contains(string(answer), c.want) {
				t.Errorf("got %q, want %q in it", answer, c.want)
			}
		})
	}
}

// An answer that has an end has its time too, else one who does not read it keeps the
// connection for ever.
func TestAnAnswerThatIsNotReadIsCut(t *testing.T) {
	r := start(t, func(c *config.Config) {
		c.Limits.BodyTimeout, c.Limits.IdleTimeout = 100*time.Millisecond, time.Second
	})
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	const page = "GET /v1/openapi.yaml HTTP/1.1\r\nHost: localhost\r\n\r\n"
	for { // until its answers fill the kernel's buffers, and then until it is let go
		if _, err = io.WriteString(conn, page); err != nil {
			break
		}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection is kept")
	}
}

// What whoever likes has the HTTP server complain of does not fill the log.
func TestComplaintsAreBounded(t *testing.T) {
	r := start(t, nil)
	var silent []net.Conn
	for range 100 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		silent = append(silent, conn)
	}
	for _, conn := range silent {
		_, _ = io.Copy(io.Discard, conn) // until the server has had enough of it
	}
	if n := strings.Count(r.log.String(), "timeout waiting for SETTINGS"); n < 1 || n > 30 {
		t.Errorf("100 clients are complained of %d times", n)
	}
}

// slowLog takes its time, as a busy disk does, unless the caller gives up.
type slowLog struct{ *streamgauge.MemoryLog }

func (l slowLog) Append(ctx context.Context, b streamgauge.Batch) (streamgauge.Receipt, error) {
	select {
	case <-time.After(200 * time.Millisecond):
		return l.MemoryLog.Append(ctx, b)
	case <-ctx.Done():
		return streamgauge.Receipt{}, ctx.Err()
	}
}

// The deadline is the body's, not that of what is done with it.
func TestTheBodysDeadlineEndsWithTheBody(t *testing.T) {
	hub, err := streamgauge.New(&streamgauge.Options{Log: slowLog{streamgauge.NewMemoryLog(nil)}})
	if err != nil {
		t.Fatal(err)
	}
	c := config.Default()
	c.Limits.BodyTimeout = 50 * time.Millisecond
	handler, err := server.NewHandler(hub, nil, &c, nil, nil, http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(handler)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(true)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	defer s.Close()
	for _, client := range []*http.Client{h1(t), h2c(t)} {
		(&running{url: s.URL}).publish(t, client, "a", "1")
		(&running{url: s.URL}).publish(t, client, "a", "2") // nor does it end the connection
	}
}

func TestThereAreOnlySoManyConnections(t *testing.T) {
	r := start(t, func(c *config.Config) { c.Limits.Connections = 2 })
	var conns []net.Conn
	dial := func() net.Conn {
		t.Helper()
		conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	ask := func(conn net.Conn, path string) bool {
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path)
		line, err := bufio.NewReader(conn).ReadString('\n')
		return err == nil && strings.Contains(line, "200")
	}
	for _, path := range []string{"/v1/streams", "/v1/streams/a/events"} { // the hub carries the second one
		conn := dial()
		if !ask(conn, path) {
			t.Fatal("a connection within the limit is not served")
		}
		conns = append(conns, conn)
	}
	for i := range conns {
		if ask(dial(), "/v1/streams") {
			t.Error("a connection beyond the limit is served")
		}
		_ = conns[i].Close()
		eventually(t, "a place is free again", func() bool {
			conns[i] = dial()
			return ask(conns[i], "/v1/streams")
		})
	}
}

// One address takes no more than its share of the connections.
func TestOneAddressMayHaveSoManyConnections(t *testing.T) {
	var own string // an address of this machine that is not loopback
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() {
			own = n.IP.String()
		}
	}
	if own == "" {
		t.Skip("left out: this machine has no address but loopback")
	}
	r := start(t, func(c *config.Config) { c.Listen, c.InsecureOpen, c.Limits.ConnectionsIP = "0.0.0.0:0", true, 2 })
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(r.url, "http://"))
	served := func(host string) (net.Conn, bool) {
		t.Helper()
		conn, err := net.Dial("tcp", net.JoinHostPort(host, port))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		fmt.Fprintf(conn, "GET /v1/streams HTTP/1.1\r\nHost: localhost\r\n\r\n")
		line, err := bufio.NewReader(conn).ReadString('\n')
		return conn, err == nil && strings.Contains(line, "200")
	}
	first, ok := served(own)
	if _, second := served(own); !ok || !second {
		t.Fatal("a connection within the limit is not served")
	}
	if _, ok := served(own); ok {
		t.Error("one beyond it is")
	}
	for range 4 {
		if _, ok := served("127.0.0.1"); !ok {
			t.Error("loopback is limited")
		}
	}
	_ = first.Close()
	eventually(t, "a place is free again", func() bool { _, ok := served(own); return ok })
}

// The kernel would take megabytes for every reader that was fast and stalls.
func TestTheKernelHoldsLittleForAReaderThatStalls(t *testing.T) {
	r := start(t, func(c *config.Config) { c.WriteTimeout = 500 * time.Millisecond })
	const events, size, read = 1600, 10 << 10, 8 << 20
	batch := "[" + strings.Repeat(`"`+strings.Repeat("x", size-2)+`",`, events/4)
	batch = strings.TrimSuffix(batch, ",") + "]"
	client := h1(t)
	for range 4 {
		r.publish(t, client, "a", batch)
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.(*net.TCPConn).SetReadBuffer(64 << 10); err != nil { // ours is not what is measured
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "GET /v1/events?stream=a&last=%d HTTP/1.1\r\nHost: localhost\r\n\r\n", events)
	if _, err := io.CopyN(io.Discard, conn, read); err != nil {
		t.Fatal(err)
	}
	admin := r.adminURL(t)
	eventually(t, "the write times out", func() bool { return metric(t, admin, "write_timeouts_total") == 1 })
	held := int(metric(t, admin, "events_out_total"))*size - read
	most := 1 << 20
	if runtime.GOOS == "linux" {
		most = 256 << 10
	}
	if held > most {
		t.Errorf("%d KiB were written to a reader that had stalled, want at most %d KiB", held>>10, most>>10)
	}
}
