package streamgauge

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// Transport is how connections of subscribers are carried. What goes over them is the same.
type Transport string

// The transports.
const (
	// TransportAuto takes HTTP/1 connections without TLS over from net/http, on Linux and while
	// [Hub.Run] runs, and has one event loop per processor write to all of them: a subscriber
	// that waits has neither a goroutine nor a buffer. Others have a goroutine. It is what an
	// empty one means too.
	TransportAuto Transport = "auto"
	// TransportGoroutine has a goroutine for each connection, as net/http has it.
	TransportGoroutine Transport = "goroutine"
)

// Carried returns how many connections the hub has taken over from the HTTP server, which knows
// nothing of them any more, and not closed yet.
func (h *Hub) Carried() int { return int(h.loops.carried.Load()) }

// serveStream answers with a stream. In the end it calls left, maybe after it has returned.
func (h *Hub) serveStream(w http.ResponseWriter, r *http.Request, req *request, left func()) {
	// What wraps the writer may do something to what is written, unless it says otherwise.
	_, plain := w.(http.Hijacker)
	if h.opts.Transport != TransportGoroutine && r.ProtoMajor == 1 && r.TLS == nil && plain {
		if c := h.loops.take(left); c != nil {
			h.serveByLoop(w, r, req, c)
			return
		}
	}
	defer left()
	h.serveByGoroutine(w, r, req)
}

func (h *Hub) serveByGoroutine(w http.ResponseWriter, r *http.Request, req *request) {
	response := http.NewResponseController(w)
	more, wake := newWake()
	// The past as a deadline ends a write that is blocked. No deadline is set
	// for writes that are not.
	abort := func() { response.SetWriteDeadline(time.Unix(1, 0)) }
	s, err := h.Subscribe(r.Context(), req.want, wake, abort)
	if err != nil {
		h.refuseSubscription(w, r, req, err)
		return
	}
	defer s.Close()

	// A server's timeouts are meant for answers that end.
	response.SetWriteDeadline(time.Time{})
	req.beginStream(w, r)
	h.carry(r.Context(), s, more, func(p []byte) error {
		if _, err := w.Write(p); err != nil {
			return err
		}
		return response.Flush()
	})
	if r.ProtoMajor == 1 { // or a body that never came would be waited for
		response.SetReadDeadline(time.Unix(1, 0)) // not deferred, which takes 4 kB more of stack
	}
}

// beginStream sends the header of a stream.
func (req *request) beginStream(w http.ResponseWriter, r *http.Request) {
	req.writeHeader(w)
	if req.want.Coding != CodingIdentity {
		w.Header().Set("Content-Encoding", string(req.want.Coding))
	}
	if r.ProtoMajor == 1 {
		// No chunks: HAProxy holds a chunk back for up to 0.2 s in case more
		// follows. net/http takes the header off again. The client knows the
		// end by that of the connection; that is said here since net/http, when
		// it finds out by itself, has waited for the body of a request before.
		w.Header().Set("Transfer-Encoding", "identity")
		w.Header().Set("Connection", "close")
	}
	w.WriteHeader(http.StatusOK)
}

// newWake returns what wakes, and where that is told.
func newWake() (more <-chan struct{}, wake func()) {
	c := make(chan struct{}, 1)
	return c, func() {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// carry writes what there is for a subscriber until that or the context ends.
func (h *Hub) carry(ctx context.Context, s *Subscriber, more <-chan struct{}, write func([]byte) error) {
	for {
		p, err := s.Next(ctx)
		switch {
		case err != nil:
			h.complain(ctx, err)
			return
		case p == nil:
			select {
			case <-more:
				continue
			case <-ctx.Done():
				return
			}
		}
		if write(p) != nil {
			return
		}
	}
}

// complain logs why a subscriber is closed, if that is for the operator.
func (h *Hub) complain(ctx context.Context, err error) {
	if !errors.Is(err, io.EOF) && ctx.Err() == nil {
		h.opts.Logger.Error("subscriber closed: can't read the log", "error", err)
	}
}

// serveByLoop hands the connection to the loop.
func (h *Hub) serveByLoop(w http.ResponseWriter, r *http.Request, req *request, c *loopConn) {
	s, err := h.Subscribe(r.Context(), req.want, c.enqueue, c.abort)
	if err != nil {
		defer c.leave()
		h.refuseSubscription(w, r, req, err)
		return
	}
	// No loop has the connection yet, so that its own deadline bounds the first write.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(h.opts.WriteTimeout))
	conn, err := h.takeOver(w, r, req, s)
	if err != nil {
		s.Close()
		c.leave()
		return
	}
	if !c.adopt(conn, s) {
		h.serveConn(conn, s, c)
	}
}

// serveConn writes to a connection that was taken over and that no loop can carry, as it is no
// plain socket.
func (h *Hub) serveConn(conn net.Conn, s *Subscriber, c *loopConn) {
	_ = conn.SetDeadline(time.Time{}) // if it can't, writing can't
	ctx, cancel := context.WithCancel(context.Background())
	var reading sync.WaitGroup
	reading.Go(func() { // until it is closed, by whoever
		io.Copy(io.Discard, conn)
		cancel()
	})
	more, wake := newWake()
	c.relayTo(func(ended bool) {
		if ended {
			conn.Close()
		}
		wake()
	})
	h.carry(ctx, s, more, func(p []byte) error {
		_, err := conn.Write(p)
		return err
	})
	s.Close()
	conn.Close()
	c.leave()
	reading.Wait()
}

// takeOver sends what the answer begins with, in one write, and takes the connection over.
func (h *Hub) takeOver(w http.ResponseWriter, r *http.Request, req *request, s *Subscriber) (net.Conn, error) {
	req.beginStream(w, r)
	p, err := s.Next(r.Context()) // it is at hand
	if err != nil {
		h.complain(r.Context(), err)
		return nil, err
	}
	if _, err := w.Write(p); err != nil {
		return nil, err
	}
	response := http.NewResponseController(w)
	if err := response.Flush(); err != nil {
		return nil, err
	}
	conn, _, err := response.Hijack()
	return conn, err
}
