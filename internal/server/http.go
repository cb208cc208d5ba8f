package server

import (
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/streamgauge/streamgauge/internal/config"
)

// newHTTPServer returns a server whose timeouts never cut a stream: there is no
// write timeout, the hub bounds every single write instead.
func newHTTPServer(h http.Handler, c *config.Config, logger *slog.Logger) *http.Server {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler: h,
		// A small body has to come with its headers: see publisher.publish.
		ReadHeaderTimeout: c.Limits.HeaderTimeout,
		ReadTimeout:       c.Limits.HeaderTimeout,
		IdleTimeout:       c.Limits.IdleTimeout,
		MaxHeaderBytes:    int(c.Limits.HeaderBytes),
		Protocols:         &protocols,
		HTTP2: &http.HTTP2Config{
			// A proxy may carry many subscribers on one connection.
			MaxConcurrentStreams: 1000,
			SendPingTimeout:      15 * time.Second,
			PingTimeout:          15 * time.Second,
			WriteByteTimeout:     c.WriteTimeout,
		},
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
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
	most   int
	logger *slog.Logger

	mu      sync.Mutex // protects following
	open    int
	fresh   map[net.Conn]struct{}
	refused time.Time // when that was last logged
}

func newConnections(most int, logger *slog.Logger) *connections {
	return &connections{most: most, logger: logger, fresh: map[net.Conn]struct{}{}}
}

// changed is an [http.Server]'s ConnState. The server calls it with StateNew
// before it reads from a connection.
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		c.open++
		c.fresh[conn] = struct{}{}
		if c.open <= c.most {
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetWriteBuffer(sendBuffer) // fails only on one that is closed
			}
			return
		}
		_ = conn.Close() // reading from it fails, and the server lets it go
		if now := time.Now(); now.Sub(c.refused) > time.Minute {
			c.refused = now
			c.logger.Warn("connections are refused: there are too many", "limits.connections", c.most)
		}
	case http.StateClosed, http.StateHijacked:
		c.open--
		delete(c.fresh, conn)
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
