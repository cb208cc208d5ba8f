package server

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	mostWaiting = 8 << 10 // bytes of answers
	longestWait = time.Millisecond
	lastWrite   = 100 * time.Millisecond // what closing a connection takes at most
)

// pipelines is a listener of which each connection is a [pipeline].
type pipelines struct{ net.Listener }

func (l pipelines) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &pipeline{Conn: conn}, nil
}

// A pipeline is a connection on which many requests may come together (RFC 9112, 9.3.2): small
// ones, of whoever publishes event by event. net/http writes each answer by itself and sets
// deadlines many times for each request, which takes longer than storing an event. Here the
// answers that may wait go out together, once the server reads again or soon, and deadlines are
// set when something is read or written.
type pipeline struct {
	net.Conn
	read, write deadline
	may         atomic.Bool // what is written next may wait
	some        atomic.Bool // something waits

	out     sync.Mutex // held while what waited is sent; protects following
	waiting []byte
	by      time.Time   // deadline of the first answer that waits: what comes later has others
	late    *time.Timer // sends what waits
	err     error       // of sending what waited
}

// A deadline is that of reading or of writing. Zero times are none.
type deadline struct {
	mu          sync.Mutex // protects following
	wanted, set time.Time
	inUse       int // calls that it ends
	// What waits is being sent, which ends by a time that only an earlier one changes.
	sending bool
	by      time.Time
}

// change wants another one.
func (d *deadline) change(t time.Time, set func(time.Time) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wanted = t
	switch {
	case d.sending:
		return d.apply(earlier(t, d.by), set)
	case d.inUse > 0:
		return d.apply(t, set)
	}
	return nil // it is set before it is used
}

// begin is before a call, and end after it.
func (d *deadline) begin(set func(time.Time) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inUse++
	return d.apply(d.wanted, set)
}

func (d *deadline) end() {
	d.mu.Lock()
	d.inUse--
	d.mu.Unlock()
}

// beginSending is before what waits is sent, and endSending after it.
func (d *deadline) beginSending(by time.Time, set func(time.Time) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sending, d.by = true, by
	return d.apply(earlier(d.wanted, by), set)
}

func (d *deadline) endSending() {
	d.mu.Lock()
	d.sending = false
	d.mu.Unlock()
}

// apply sets it. The mutex is held.
func (d *deadline) apply(t time.Time, set func(time.Time) error) error {
	if d.set == t {
		return nil
	}
	d.set = t
	return set(t)
}

func (d *deadline) get() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.wanted
}

// over reports whether a call would end before it has begun.
func (d *deadline) over() bool {
	t := d.get()
	return !t.IsZero() && time.Until(t) <= 0
}

func earlier(a, b time.Time) time.Time {
	if b.IsZero() || !a.IsZero() && a.Before(b) {
		return a
	}
	return b
}

type pipelineKey struct{}

// withPipeline is an [http.Server]'s ConnContext.
func withPipeline(ctx context.Context, conn net.Conn) context.Context {
	if c, ok := conn.(*pipeline); ok {
		return context.WithValue(ctx, pipelineKey{}, c)
	}
	return ctx // it is encrypted
}

// mayWait says that the answer to a request, which net/http writes at once when the handler has
// returned, may wait for others.
func mayWait(r *http.Request) {
	if r.ProtoMajor != 1 || r.ProtoMinor == 0 || r.Close {
		return // no other one comes on its connection, or many at a time
	}
	if c, ok := r.Context().Value(pipelineKey{}).(*pipeline); ok {
		c.may.Store(true)
	}
}

// closing is in an answer after which net/http closes the connection.
var closing = []byte("\r\nConnection: close\r\n")

func (c *pipeline) Write(p []byte) (int, error) {
	if waits, err := c.keep(p); err != nil {
		return 0, err
	} else if waits {
		return len(p), nil
	}
	// Without the mutex, since it may take its time. Nobody else writes, or lets anything wait.
	defer c.write.end()
	if err := c.write.begin(c.Conn.SetWriteDeadline); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// keep lets p wait if it may, and sends what waits if not.
func (c *pipeline) keep(p []byte) (waits bool, err error) {
	may := c.may.Swap(false)
	if !may && !c.some.Load() {
		return false, nil
	}
	c.out.Lock()
	defer c.out.Unlock()
	if !may || c.err != nil || len(c.waiting)+len(p) > mostWaiting || bytes.Contains(p, closing) {
		return false, c.send()
	}
	if !c.some.Swap(true) {
		c.by = c.write.get()
		c.sendLater()
	}
	c.waiting = append(c.waiting, p...)
	return true, nil
}

// sendLater is for when the server does not read soon: it may be in the next request.
func (c *pipeline) sendLater() {
	if c.late != nil {
		c.late.Reset(longestWait)
		return
	}
	c.late = time.AfterFunc(longestWait, func() {
		if c.flush() != nil {
			_ = c.Conn.Close() // its peer has got a part of the answers
		}
	})
}

// flush sends what waits.
func (c *pipeline) flush() error {
	if !c.some.Load() {
		return nil
	}
	c.out.Lock()
	defer c.out.Unlock()
	return c.send()
}

// send does it with the mutex held. Something waits until it has been written.
func (c *pipeline) send() error {
	if len(c.waiting) > 0 {
		c.late.Stop()
		if c.err = c.write.beginSending(c.by, c.Conn.SetWriteDeadline); c.err == nil {
			_, c.err = c.Conn.Write(c.waiting)
		}
		c.write.endSending()
		c.waiting = c.waiting[:0]
		c.some.Store(false)
	}
	return c.err
}

// Read sends what waits first, as the peer may wait for it.
func (c *pipeline) Read(p []byte) (int, error) {
	if c.read.over() { // so net/http ends what reads ahead, after each request
		return 0, os.ErrDeadlineExceeded
	}
	if err := c.flush(); err != nil {
		return 0, err
	}
	defer c.read.end()
	if err := c.read.begin(c.Conn.SetReadDeadline); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

// Close sends what waits, unless the peer does not take it soon. It does not wait for what is
// being sent: a server that ends closes its connections one after the other.
func (c *pipeline) Close() error {
	if !c.some.Load() {
		return c.Conn.Close()
	}
	_ = c.SetWriteDeadline(time.Now().Add(lastWrite)) // also of what is being sent
	if !c.out.TryLock() {
		go func() { // ends by the deadline
			c.out.Lock()
			defer c.out.Unlock()
			_ = c.Conn.Close()
		}()
		return nil
	}
	defer c.out.Unlock()
	_ = c.send()
	return c.Conn.Close()
}

// CloseWrite sends what waits, and the end.
func (c *pipeline) CloseWrite() error {
	if err := c.flush(); err != nil {
		return err
	}
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// SetDeadline implements [net.Conn].
func (c *pipeline) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline implements [net.Conn].
func (c *pipeline) SetReadDeadline(t time.Time) error {
	return c.read.change(t, c.Conn.SetReadDeadline)
}

// SetWriteDeadline implements [net.Conn].
func (c *pipeline) SetWriteDeadline(t time.Time) error {
	return c.write.change(t, c.Conn.SetWriteDeadline)
}

// NetConn returns the connection below, as [tls.Conn] does.
func (c *pipeline) NetConn() net.Conn { return c.Conn }

// SyscallConn lets the hub take the connection over. Nothing waits then, as the answer has been
// written.
func (c *pipeline) SyscallConn() (syscall.RawConn, error) {
	if socket, ok := c.Conn.(syscall.Conn); ok {
		return socket.SyscallConn()
	}
	return nil, syscall.ENOTSUP
}
