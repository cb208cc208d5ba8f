package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/streamgauge/streamgauge/internal/config"
)

// overQUIC is the API and the UI over HTTP/3 (RFC 9114).
type overQUIC struct {
	server *http3.Server
	conn   net.PacketConn
}

// newOverQUIC takes the UDP port of the same number as the TCP address.
func newOverQUIC(c *config.Config, at net.Addr, t *tls.Config, conns *connections, handler http.Handler) (*overQUIC, error) {
	tcp, ok := at.(*net.TCPAddr)
	if !ok {
		return nil, fmt.Errorf("tls.http3: %v is no address of TCP", at)
	}
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: tcp.IP, Port: tcp.Port, Zone: tcp.Zone})
	if err != nil {
		return nil, fmt.Errorf("tls.http3: %w", err)
	}
	return &overQUIC{conn: conn, server: &http3.Server{
		Handler: timed(handler, c.Limits.BodyTimeout+c.Limits.IdleTimeout), TLSConfig: http3.ConfigureTLSConfig(t), Port: tcp.Port,
		ConnContext: conns.overQUIC, MaxHeaderBytes: int(c.Limits.HeaderBytes), IdleTimeout: c.Limits.IdleTimeout,
		QUICConfig: &quic.Config{
			HandshakeIdleTimeout: c.Limits.HeaderTimeout,
			MaxIncomingStreams:   1000, // as over HTTP/2
		},
	}}, nil
}

// timed gives answers the time that they have over TCP, see newHTTPServer. The hub takes that
// off a stream.
func timed(next http.Handler, most time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(most)) // fails on none of these
		next.ServeHTTP(w, r)
	})
}

// offer tells browsers of it in answers over TCP.
func (q *overQUIC) offer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = q.server.SetQUICHeaders(w.Header()) // fails only where it does not listen yet
		next.ServeHTTP(w, r)
	})
}

func (q *overQUIC) serve() error {
	if err := q.server.Serve(q.conn); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("serve HTTP/3: %w", err)
	}
	return nil
}

// shutdown lets requests end, until the context does. Clients keep connections of which
// nothing is asked any more: those are not waited for once the subscribers have left.
func (q *overQUIC) shutdown(ctx context.Context, left <-chan struct{}) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-left:
			time.AfterFunc(freshGrace, cancel)
		case <-ctx.Done():
		}
	}()
	_ = q.server.Shutdown(ctx) // what is open then is closed with the port
	return errors.Join(q.server.Close(), q.conn.Close())
}
