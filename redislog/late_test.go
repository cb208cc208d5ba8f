//go:build !race

// The client of Redis reuses the buffer of a command that it has given up while the writer of
// the connection that hangs may still look at it: the race detector says so, of the client.

package redislog_test

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/redistest"
	"github.com/streamgauge/streamgauge/redislog"
)

// A late line holds what was sent over the connections that there are, and lets new ones pass.
type lateLine struct {
	net.Listener
	mu   sync.Mutex
	held []*sync.Mutex // one for each connection; while it is locked nothing gets through
}

func newLateLine(t *testing.T, to string) *lateLine {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	line := &lateLine{Listener: l}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				client.Close()
				return
			}
			t.Cleanup(func() { client.Close(); server.Close() })
			hold := new(sync.Mutex)
			line.mu.Lock()
			line.held = append(line.held, hold)
			line.mu.Unlock()
			go func() {
				buffer := make([]byte, 64<<10)
				for { // what was read arrives, though the client has given up meanwhile
					n, err := client.Read(buffer)
					hold.Lock()
					_, errWrite := server.Write(buffer[:n])
					hold.Unlock()
					if err != nil || errWrite != nil {
						return
					}
				}
			}()
			go func() { _, _ = io.Copy(client, server) }()
		}
	}()
	return line
}

// hold holds what comes over the connections that there are, until the returned function is
// called.
func (l *lateLine) hold() (release func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := append([]*sync.Mutex(nil), l.held...)
	for _, one := range all {
		one.Lock()
	}
	return func() {
		for _, one := range all {
			one.Unlock()
		}
	}
}

// What was sent over a connection that was given up may arrive after what was sent since: it
// is not stored a second time.
func TestWhatComesLateIsNotStoredTwice(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--save", "")
	line := newLateLine(t, server.Addr)
	log := open(t, "redis://"+line.Addr().String()+"/?log=x", redislog.Options{})
	add(t, log, event("a", 1))
	release := line.hold()
	<-time.After(2500 * time.Millisecond) // the connection is asked whether it lives, and given up while the append waits
	add(t, log, event("a", 2))
	add(t, log, event("a", 3))
	release()
	add(t, log, event("a", 4))
	direct := open(t, server.URL("x"), redislog.Options{})
	var got string
	for range 50 { // for as long as it takes the late one to arrive
		page, err := direct.Read(t.Context(), streamgauge.Query{Select: streamgauge.Selection{"a"}})
		if err != nil {
			t.Fatal(err)
		}
		got = ""
		for _, e := range page.Events {
			got += string(e.Data) + " "
		}
		if got != "1 2 3 4 " {
			break
		}
		<-time.After(20 * time.Millisecond)
	}
	if got != "1 2 3 4 " {
		t.Errorf("the log has %s", got)
	}
}
