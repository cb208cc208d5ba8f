//go:build linux

package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// Whatever way connections end, nothing of them stays behind, on either transport.
func TestNothingStaysBehindOfConnections(t *testing.T) {
	t.Parallel()
	onTransports(t, func(t *testing.T, each int, transport string) {
		l := newLeaks(t, each, "max_age: 1500ms\n"+transport)
		for name, end := range l.ways() {
			l.many(name, end)
			t.Logf("%s: %+v", name, l.state())
		}
		l.nothingStays()
	})
}

// onTransports runs a test with each transport that connections may be on.
func onTransports(t *testing.T, test func(t *testing.T, each int, transport string)) {
	sized(t, 50, 1250, func(t *testing.T, each int) {
		for _, transport := range []string{"transport: auto", "transport: goroutine"} {
			t.Run(transport, func(t *testing.T) { test(t, each, transport) })
		}
	})
}

// Connections of which nothing is read are ended by the write timeout. They have
// no age: on a busy machine that would end some of them before their buffers are full.
func TestNothingStaysBehindOfSlowReaders(t *testing.T) {
	t.Parallel()
	onTransports(t, func(t *testing.T, each int, transport string) {
		l := newLeaks(t, each, "max_age: 0s\n"+transport)
		l.slowReaders()
		l.nothingStays()
	})
}

type leaks struct {
	t      *testing.T
	server *server
	each   int
	cursor string
	base   leakState
}

// newLeaks starts a server that has something to send, and notes its state.
func newLeaks(t *testing.T, each int, settings string) *leaks {
	s := startServer(t, "write_timeout: 500ms\nheartbeat: 1s\n"+settings)
	l := &leaks{t: t, server: s, each: each}
	l.cursor = mustPublish(t, s.api, "big", `"first"`).ID
	mustPublish(t, s.api, "big", slices.Repeat([]string{`"` + strings.Repeat("x", 2000) + `"`}, 1000)...)
	publishClient.CloseIdleConnections()
	mustConnect(t, s.api, on("stream=big&last=1")).reset() // what the first one makes is not the connection's
	l.base = l.settle()
	return l
}

// nothingStays waits until everything is as it was before.
func (l *leaks) nothingStays() {
	l.t.Helper()
	l.t.Logf("base: %+v", l.base)
	eventually(l.t, 20*time.Second, "everything is as it was before", func() bool {
		now := l.state()
		return now.subscribers == 0 && now.feeds == 0 && now.files <= l.base.files && now.goroutines <= l.base.goroutines
	})
}

// leakState is what must come back to what it was.
type leakState struct{ subscribers, feeds, goroutines, files int }

func (l *leaks) state() leakState {
	return leakState{l.server.metric("subscribers"), l.server.metric("feeds"), l.server.goroutines(), l.server.files()}
}

// settle returns the state once it stays the same.
func (l *leaks) settle() (state leakState) {
	eventually(l.t, 20*time.Second, "the server has come to rest", func() bool {
		last := state
		state = l.state()
		return state == last && state.subscribers == 0
	})
	return state
}

// many ends connections in one way, some of them at the same time.
func (l *leaks) many(name string, end func(i int) error) {
	var g errgroup.Group
	g.SetLimit(128)
	for i := range l.each {
		g.Go(func() error { return end(i) })
	}
	if err := g.Wait(); err != nil {
		l.t.Errorf("%s: %v", name, err)
	}
}

// ways are the ways in which a connection ends, beside the one of slowReaders.
func (l *leaks) ways() map[string]func(i int) error {
	return map[string]func(i int) error{
		"FIN":               l.afterHello(withFIN),
		"RST":               l.afterHello(withRST),
		"half-close":        l.afterHello(halfClose),
		"mid-request":       l.midRequest,
		"before the answer": l.unanswered,
		"compressed":        l.compressed,
		"mid-event":         l.midEvent,
		"HTTP/2 reset":      l.http2Reset,
		"closed for age":    l.age,
	}
}

// selection differs between connections, so that feeds come and go too.
func selection(i int) request { return on(fmt.Sprintf("stream=quiet.%d", i%50)) }

func (l *leaks) afterHello(how ending) func(int) error {
	return func(i int) error {
		c, err := connect(l.server.api, selection(i), nil)
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err := c.next(); err != nil {
			return err
		}
		switch how {
		case withRST:
			c.reset()
		case halfClose:
			_ = c.CloseWrite()
			_ = c.SetReadDeadline(time.Now().Add(halfCloseGrace))
			return untilEnd(c)
		}
		return nil
	}
}

// untilEnd reads until the server ends the stream in order.
func untilEnd(c *connection) error {
	for {
		if _, err := c.next(); err != nil {
			if err == io.EOF || err == io.ErrUnexpectedEOF {
				return nil
			}
			return err
		}
	}
}

// begin sends a request, or a part of it, on a connection that closing resets for every other i.
func (l *leaks) begin(i int, request string) (net.Conn, error) {
	conn, err := net.Dial("tcp", l.server.api)
	if err != nil {
		return nil, err
	}
	if i%2 == 0 {
		_ = conn.(*net.TCPConn).SetLinger(0)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

func (l *leaks) midRequest(i int) error {
	header := selection(i).header()
	conn, err := l.begin(i, header[:i%(len(header)-1)])
	if err != nil {
		return err
	}
	return conn.Close()
}

// unanswered leaves while the server answers, or shortly before or after.
func (l *leaks) unanswered(i int) error {
	conn, err := l.begin(i, selection(i).header())
	if err != nil {
		return err
	}
	return conn.Close()
}

// compressed leaves in the middle of what is packed for all.
func (l *leaks) compressed(i int) error {
	request := on("stream=big").after(l.cursor).header()
	conn, err := l.begin(i, strings.TrimSuffix(request, "\r\n")+"Accept-Encoding: gzip\r\n\r\n")
	if err != nil {
		return err
	}
	defer conn.Close()
	head := make([]byte, 1000+i)
	if _, err := io.ReadFull(conn, head); err != nil || !bytes.Contains(head, []byte("Content-Encoding: gzip\r\n")) {
		return fmt.Errorf("%v, %.500q", err, head)
	}
	return nil
}

func (l *leaks) midEvent(i int) error {
	c, err := connect(l.server.api, on("stream=big").after(l.cursor), cut{bytes: 1000 + i, how: ending(i % 2)}.input)
	if err != nil {
		return err
	}
	defer c.Close()
	for {
		if _, err := c.next(); err == errCut {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// http2Reset resets the streams that share a connection, and then closes that.
// It does so for every fifth i, for those up to the next.
func (l *leaks) http2Reset(i int) error {
	const streams = 5
	if i%streams > 0 {
		return nil
	}
	conn, err := net.Dial("tcp", l.server.api)
	if err != nil {
		return err
	}
	defer conn.Close()
	client := http2Client(smallWindow, func(context.Context, string, string) (net.Conn, error) { return conn, nil })
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var bodies []io.Closer
	for n := range min(streams, l.each-i) {
		req, err := http.NewRequestWithContext(ctx, "GET", "http://"+l.server.api+selection(i+n).path, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		bodies = append(bodies, resp.Body)
		if _, err := resp.Body.Read(make([]byte, 1)); err != nil || resp.ProtoMajor != 2 {
			return fmt.Errorf("%s: %v", resp.Proto, err)
		}
	}
	for _, body := range bodies {
		_ = body.Close() // sends RST_STREAM
	}
	return nil
}

// slowReaders read nothing until the server has let all of them go.
func (l *leaks) slowReaders() {
	for range l.each {
		conn := stall(l.t, l.server.api, on("stream=big").after(l.cursor))
		defer conn.Close()
	}
	eventually(l.t, 30*time.Second, "the write timeout has ended all of them", func() bool {
		return l.server.metric("write_timeouts_total") >= l.each
	})
	if n := l.server.metric("write_timeouts_total"); n != l.each {
		l.t.Errorf("the write timeout ended %d connections, want %d", n, l.each)
	}
}

func (l *leaks) age(i int) error {
	c, err := connect(l.server.api, selection(i), nil)
	if err != nil {
		return err
	}
	defer c.Close()
	for last := ""; ; {
		m, err := c.next()
		if err == io.EOF && last == "bye" {
			return nil
		} else if err != nil {
			return fmt.Errorf("ended after hub.%s: %w", last, err)
		}
		last = m.hub
	}
}
