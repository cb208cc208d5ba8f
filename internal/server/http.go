package server

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"golang.org/x/time/rate"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/config"
)

// newHTTPServer returns a server whose timeouts never cut a stream: the hub takes
// them off and bounds every single write instead.
func newHTTPServer(h http.Handler, c *config.Config, logger *slog.Logger) *http.Server {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler: h,
		// A small body has to come with its headers: see publisher.publish.
		ReadHeaderTimeout: c.Limits.HeaderTimeout,
		ReadTimeout:       c.Limits.HeaderTimeout,
		// An answer that has an end is written while its request's body has its
		// time, and then no longer than a connection may be idle: one who does not
		// read it is no better.
		WriteTimeout:   c.Limits.BodyTimeout + c.Limits.IdleTimeout,
		IdleTimeout:    c.Limits.IdleTimeout,
		MaxHeaderBytes: int(c.Limits.HeaderBytes),
		Protocols:      &protocols,
		HTTP2: &http.HTTP2Config{
			// A proxy may carry many subscribers on one connection.
			MaxConcurrentStreams: 1000,
			SendPingTimeout:      15 * time.Second,
			PingTimeout:          15 * time.Second,
			WriteByteTimeout:     c.WriteTimeout,
		},
		ErrorLog: slog.NewLogLogger(complaints{logger.Handler(), rate.NewLimiter(1, 20)}, slog.LevelWarn),
	}
}

// complaints are what an HTTP server says of its clients: whoever likes could fill
// the log with them, so that only so many are passed on. A panic always is.
type complaints struct {
	slog.Handler
	some *rate.Limiter
}

func (c complaints) Handle(ctx context.Context, r slog.Record) error {
	if !c.some.AllowN(r.Time, 1) && !strings.Contains(r.Message, "panic serving") {
		return nil
	}
	return c.Handler.Handle(ctx, r)
}

// sendBuffer is what the kernel is asked to hold at most of a connection that is
// not read; Linux holds up to twice as much. Left to itself it comes to hold
// megabytes of one that was fast. It bounds what is under way, too: a distant
// client gets about so much per round trip.
const sendBuffer = 256 << 10

// connections bounds how many connections there are and what the kernel holds
// for each. It knows those that have sent nothing yet: browsers open some in
// reserve, and [http.Server.Shutdown] would wait seconds for a request on them.
type connections struct {
	most, perIP int
	proxies     []netip.Prefix // that are not counted by address
	carried     func() int     // how many the hub has taken over
	logger      *slog.Logger

	mu      sync.Mutex // protects following
	open    int
	from    map[netip.Addr]int
	fresh   map[net.Conn]struct{}
	refused time.Time // when that was last logged
}

func newConnections(c *config.Config, carried func() int, logger *slog.Logger) *connections {
	return &connections{
		most: c.Limits.Connections, perIP: c.Limits.ConnectionsIP, proxies: c.TrustedProxies, carried: carried, logger: logger,
		fresh: map[net.Conn]struct{}{}, from: map[netip.Addr]int{},
	}
}

// enter counts a connection, which exit forgets, and reports whether there may be that many.
func (c *connections) enter(from net.Addr) bool {
	c.open++
	addr, counted := c.counted(from)
	if counted {
		c.from[addr]++
	}
	tooMany := counted && c.from[addr] > c.perIP
	if c.open+c.carried() <= c.most && !tooMany {
		return true
	}
	if now := time.Now(); now.Sub(c.refused) > time.Minute {
		c.refused = now
		if tooMany {
			c.logger.Warn("connections are refused: there are too many from one address", "address", addr.String(), "limits.connections_per_ip", c.perIP)
		} else {
			c.logger.Warn("connections are refused: there are too many", "limits.connections", c.most)
		}
	}
	return false
}

func (c *connections) exit(from net.Addr) {
	c.open--
	if addr, counted := c.counted(from); counted {
		if c.from[addr]--; c.from[addr] <= 0 {
			delete(c.from, addr)
		}
	}
}

// overQUIC counts a connection until it is closed, which it is at once if there are too many.
func (c *connections) overQUIC(ctx context.Context, conn *quic.Conn) context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	ok := c.enter(conn.RemoteAddr())
	context.AfterFunc(conn.Context(), func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.exit(conn.RemoteAddr())
	})
	if !ok {
		_ = conn.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeExcessiveLoad), "there are too many connections")
	}
	return ctx
}

// counted returns the address by which a connection is counted, if it is.
func (c *connections) counted(from net.Addr) (netip.Addr, bool) {
	var at netip.AddrPort
	switch from := from.(type) {
	case *net.TCPAddr:
		at = from.AddrPort()
	case *net.UDPAddr:
		at = from.AddrPort()
	}
	addr, counted := streamgauge.ClientAddr(at.Addr())
	real := at.Addr().Unmap().WithZone("")
	return addr, counted && !slices.ContainsFunc(c.proxies, func(p netip.Prefix) bool { return p.Contains(real) })
}

// wrapper is a connection around another one: one of [tls], or a [pipeline].
type wrapper interface{ NetConn() net.Conn }

// changed is an [http.Server]'s ConnState. The server calls it with StateNew
// before it reads from a connection.
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		c.fresh[conn] = struct{}{}
		if c.enter(conn.RemoteAddr()) {
			for wrapped, ok := conn.(wrapper); ok; wrapped, ok = conn.(wrapper) {
				conn = wrapped.NetConn()
			}
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetWriteBuffer(sendBuffer) // fails only on one that is closed
				boundUnsent(tcp)
			}
			return
		}
		_ = conn.Close() // reading from it fails, and the server lets it go
	case http.StateClosed, http.StateHijacked:
		delete(c.fresh, conn)
		c.exit(conn.RemoteAddr())
	default:
		delete(c.fresh, conn)
	}
}

// closeFresh closes the connections that have sent nothing yet.
func (c *connections) closeFresh() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.fresh {
		_ = conn.Close()
	}
}
