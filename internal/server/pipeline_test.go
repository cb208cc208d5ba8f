package server

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// pipelineServer answers each path with that. The answers of /small/… may wait, /held waits for
// what it returns to be closed, and /endless is a stream.
func pipelineServer(t *testing.T) (addr string, writes *atomic.Int64, held chan struct{}) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	writes, held = new(atomic.Int64), make(chan struct{})
	server := &http.Server{ConnContext: withPipeline, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 2 * time.Second}
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		switch {
		case strings.HasPrefix(r.URL.Path, "/small/"):
			mayWait(r)
		case r.URL.Path == "/held":
			<-held
		case r.URL.Path == "/endless":
			fmt.Fprint(w, "begun")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			return
		}
		fmt.Fprint(w, r.URL.Path)
	})
	go server.Serve(pipelines{countedListener{l, writes}})
	t.Cleanup(func() { server.Close() })
	return l.Addr().String(), writes, held
}

type countedListener struct {
	net.Listener
	writes *atomic.Int64
}

func (l countedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &countedConn{conn.(*net.TCPConn), l.writes}, nil
}

type countedConn struct {
	*net.TCPConn
	writes *atomic.Int64
}

func (c *countedConn) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.TCPConn.Write(p)
}

// ask sends requests for the paths in one packet, with a field more in the last one's head.
func ask(t *testing.T, conn net.Conn, last string, paths ...string) {
	t.Helper()
	var text strings.Builder
	for i, path := range paths {
		more := ""
		if i == len(paths)-1 {
			more = last
		}
		fmt.Fprintf(&text, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n%s\r\n{}", path, more)
	}
	if _, err := io.WriteString(conn, text.String()); err != nil {
		t.Fatal(err)
	}
}

// answered reads the answers, which must come in order.
func answered(t *testing.T, in *bufio.Reader, paths ...string) {
	t.Helper()
	for _, path := range paths {
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("instead of the answer of %s: %v", path, err)
		}
		if body, err := io.ReadAll(resp.Body); string(body) != path || err != nil {
			t.Fatalf("the answer of %s is %q, %v", path, body, err)
		}
	}
}

func dialTest(t *testing.T, addr string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	return conn, bufio.NewReader(conn)
}

func TestAnswersToRequestsThatCameTogetherGoOutTogether(t *testing.T) {
	addr, writes, _ := pipelineServer(t)
	conn, in := dialTest(t, addr)
	var paths []string
	for i := range 40 {
		paths = append(paths, fmt.Sprint("/small/", i))
	}
	ask(t, conn, "", paths...)
	answered(t, in, paths...)
	if n := writes.Load(); n > 30 {
		t.Errorf("40 answers were written in %d pieces", n)
	}
	// One alone does not wait for others, nor do others for one.
	for _, path := range []string{"/small/alone", "/other"} {
		ask(t, conn, "", path)
		answered(t, in, path)
	}
	ask(t, conn, "", "/small/a", "/other", "/small/b", "/small/c", "/other")
	answered(t, in, "/small/a", "/other", "/small/b", "/small/c", "/other")
}

func TestAnAnswerWaitsForNoRequestThatTakesLong(t *testing.T) {
	addr, _, held := pipelineServer(t)
	conn, in := dialTest(t, addr)
	ask(t, conn, "", "/small/first", "/held", "/small/last")
	answered(t, in, "/small/first") // while the next one is held
	close(held)
	answered(t, in, "/held", "/small/last")
	ask(t, conn, "", "/small/first", "/endless")
	answered(t, in, "/small/first")
	if resp, err := http.ReadResponse(in, nil); err != nil {
		t.Error(err)
	} else if _, err := io.ReadFull(resp.Body, make([]byte, 5)); err != nil {
		t.Errorf("of a stream after it: %v", err)
	}
}

func TestAnAnswerComesBeforeTheEnd(t *testing.T) {
	addr, _, _ := pipelineServer(t)
	t.Run("the client wants no more", func(t *testing.T) {
		conn, in := dialTest(t, addr)
		ask(t, conn, "Connection: close\r\n", "/small/a", "/small/b")
		answered(t, in, "/small/a", "/small/b")
		if _, err := in.ReadByte(); err != io.EOF {
			t.Errorf("after the last answer: %v", err)
		}
	})
	t.Run("the client has no more", func(t *testing.T) {
		conn, in := dialTest(t, addr)
		ask(t, conn, "", "/small/a", "/small/b")
		_ = conn.(*net.TCPConn).CloseWrite()
		answered(t, in, "/small/a", "/small/b")
	})
	t.Run("what comes next is no request", func(t *testing.T) {
		conn, in := dialTest(t, addr)
		ask(t, conn, "", "/small/a")
		fmt.Fprint(conn, "no request\r\n\r\n")
		answered(t, in, "/small/a")
		if resp, err := http.ReadResponse(in, nil); err != nil || resp.StatusCode != http.StatusBadRequest {
			t.Errorf("what is no request is answered %v, %v", resp, err)
		}
	})
}

func TestDeadlinesOfAPipeline(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialTest(t, l.Addr().String())
	conn, err := pipelines{l}.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	past := time.Unix(1, 0)
	ended := func(name string, set func(time.Time) error, call func() error) {
		t.Helper()
		if err := set(past); err != nil {
			t.Fatal(err)
		}
		if err := call(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s after the deadline: %v", name, err)
		}
		if err := set(time.Time{}); err != nil {
			t.Fatal(err)
		}
		over := make(chan error)
		go func() { over <- call() }() // it waits for what does not come
		c := conn.(*pipeline)
		for used := false; !used; {
			for _, d := range []*deadline{&c.read, &c.write} {
				d.mu.Lock()
				used = used || d.inUse > 0
				d.mu.Unlock()
			}
		}
		if err := set(past); err != nil {
			t.Fatal(err)
		}
		if err := <-over; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s while it waits: %v", name, err)
		}
	}
	ended("reading", conn.SetReadDeadline, func() error {
		_, err := conn.Read(make([]byte, 1))
		return err
	})
	ended("writing", conn.SetWriteDeadline, func() error {
		_, err := conn.Write(make([]byte, 32<<20)) // more than buffers hold
		return err
	})
	ended("both", conn.SetDeadline, func() error {
		_, err := conn.Read(make([]byte, 1))
		return err
	})
}

// One who does not take answers that wait is let go, and closing does not wait for them.
func TestAnswersThatNobodyTakes(t *testing.T) {
	addr, _, _ := pipelineServer(t)
	conn, _ := dialTest(t, addr)
	_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	began := time.Now()
	_ = conn.SetWriteDeadline(began.Add(15 * time.Second))
	line := "POST /small/" + strings.Repeat("a", 3000) + " HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
	var err error
	for err == nil {
		_, err = io.WriteString(conn, line)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("nothing has ended it for %v", time.Since(began))
	}
}

// heldConn says when something is written, and writes it when it is let.
type heldConn struct {
	net.Conn
	writing, let chan struct{}
	written      atomic.Bool
}

func (c *heldConn) Write(p []byte) (int, error) {
	c.writing <- struct{}{}
	<-c.let
	n, err := c.Conn.Write(p)
	c.written.Store(true)
	return n, err
}

func (c *heldConn) SetWriteDeadline(time.Time) error { return nil } // to be held as long as it takes

// hold returns a connection of which an answer is being sent until it is let, and its client.
func hold(t *testing.T) (c *pipeline, held *heldConn, client net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	client, _ = dialTest(t, l.Addr().String())
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	held = &heldConn{Conn: server, writing: make(chan struct{}), let: make(chan struct{})}
	c = &pipeline{Conn: held}
	c.may.Store(true)
	if _, err := c.Write([]byte("answer")); err != nil {
		t.Fatal(err)
	}
	<-held.writing // by the timer
	return c, held, client
}

// What is being sent is not nothing: who finds the end of the connection meanwhile waits for it.
func TestTheEndWaitsForWhatIsBeingSent(t *testing.T) {
	for name, end := range map[string]func(*pipeline) error{
		"CloseWrite": (*pipeline).CloseWrite,
		"Read": func(c *pipeline) error {
			_, err := c.Read(make([]byte, 1))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, held, client := hold(t)
			if name == "Read" {
				fmt.Fprint(client, "next")
			}
			ended := make(chan bool)
			go func() {
				_ = end(c)
				ended <- held.written.Load()
			}()
			select {
			case <-ended:
				t.Fatal("it did not wait")
			case <-time.After(20 * time.Millisecond): // it must not end: a while is all that can be waited
			}
			close(held.let)
			if !<-ended {
				t.Error("the end came before the answer")
			}
			if _, err := io.ReadFull(client, make([]byte, len("answer"))); err != nil {
				t.Errorf("the answer has not come: %v", err)
			}
		})
	}
}

// Closing does not cut off what is being sent, but leaves it to end by itself: many connections that
// are closed one after the other take no time each.
func TestClosingLeavesWhatIsBeingSentToEnd(t *testing.T) {
	c, held, client := hold(t)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	close(held.let)
	got, err := io.ReadAll(client)
	if string(got) != "answer" || err != nil {
		t.Errorf("it has got %q and %v", got, err)
	}
}

// A stream's abort ends what is sent before it, though net/http has taken the deadline off.
func TestAnEarlierDeadlineEndsWhatIsBeingSent(t *testing.T) {
	var d deadline
	var set time.Time
	note := func(t time.Time) error {
		set = t
		return nil
	}
	now := time.Now()
	for _, step := range []struct {
		name string
		do   func() error
		want time.Time
	}{
		{"it is sent by its own time", func() error { return d.beginSending(now, note) }, now},
		{"none is later", func() error { return d.change(time.Time{}, note) }, now},
		{"what is later is", func() error { return d.change(now.Add(time.Second), note) }, now},
		{"what is earlier ends it", func() error { return d.change(now.Add(-time.Second), note) }, now.Add(-time.Second)},
		{"what is written then has what is wanted", func() error {
			d.endSending()
			_ = d.change(now.Add(time.Minute), note)
			return d.begin(note)
		}, now.Add(time.Minute)},
	} {
		if err := step.do(); err != nil || set != step.want {
			t.Errorf("%s: %v, %v", step.name, set.Sub(now), err)
		}
	}
}

func TestTheLastAnswerDoesNotWait(t *testing.T) {
	addr, writes, _ := pipelineServer(t)
	for _, request := range []string{
		"POST /small/a HTTP/1.0\r\n\r\n",
		"POST /small/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
	} {
		before := writes.Load()
		conn, in := dialTest(t, addr)
		fmt.Fprint(conn, request)
		answered(t, in, "/small/a")
		if n := writes.Load() - before; n != 1 {
			t.Errorf("%q was answered in %d pieces", request, n)
		}
	}
	c := &pipeline{}
	c.may.Store(true)
	if waits, err := c.keep([]byte("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")); waits || err != nil {
		t.Errorf("an answer after which net/http closes waits: %v, %v", waits, err)
	}
}
