package tailtest

import (
	"net"
	"sync"
	"testing"
)

// A Hole is a way to a server that can swallow everything, without a word to either side.
type Hole struct {
	Addr string // host:port

	mu   sync.Mutex // protects open
	cond *sync.Cond
	open bool
}

// NewHole returns a way to a server that is there until the test ends.
func NewHole(tb testing.TB, to string) *Hole {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	h := &Hole{Addr: l.Addr().String()}
	h.cond = sync.NewCond(&h.mu)
	var copying sync.WaitGroup
	var conns []net.Conn
	pass := func(from, to net.Conn) {
		defer to.Close()
		buf := make([]byte, 32<<10)
		for {
			n, err := from.Read(buf)
			h.mu.Lock()
			for h.open {
				h.cond.Wait()
			}
			h.mu.Unlock()
			if n > 0 {
				if _, err := to.Write(buf[:n]); err != nil {
					return
				}
			}
			if err != nil {
				return
			}
		}
	}
	copying.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				near.Close()
				continue
			}
			h.mu.Lock()
			conns = append(conns, near, far)
			h.mu.Unlock()
			copying.Go(func() { pass(near, far) })
			copying.Go(func() { pass(far, near) })
		}
	})
	tb.Cleanup(func() {
		h.Swallow(false)
		l.Close()
		h.mu.Lock()
		for _, c := range conns {
			c.Close()
		}
		h.mu.Unlock()
		copying.Wait()
	})
	return h
}

// Swallow has nothing pass, or all that waits and what comes.
func (h *Hole) Swallow(open bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open = open
	h.cond.Broadcast()
}
