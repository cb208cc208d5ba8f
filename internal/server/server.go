// Package server assembles Streamgauge: it opens the log, makes the hub, runs
// the sources, and serves the API, the UI and the admin listener until it is
// told to stop. The other packages know nothing of each other.
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/dashboard"
	"github.com/streamgauge/streamgauge/internal/auth"
	"github.com/streamgauge/streamgauge/internal/config"
	"github.com/streamgauge/streamgauge/source"
	"github.com/streamgauge/streamgauge/source/self"
	"github.com/streamgauge/streamgauge/web"
)

// Options says what to run.
type Options struct {
	Config  *config.Config
	Version string
	Stdout  io.Writer // gets one line: the address
	Stderr  io.Writer // gets the log
}

// HintError is an error about which we know what to do.
type HintError struct {
	Err  error
	Hint string
}

// Error returns the error's text, without the hint.
func (e *HintError) Error() string { return e.Err.Error() }

// Unwrap returns the error.
func (e *HintError) Unwrap() error { return e.Err }

// Run runs a server until the context ends, and then drains it: it takes no more
// connections, tells subscribers to come back later, lets requests end, and
// closes the log. Draining is bounded by limits.drain_timeout. An error means
// that the server could not start or not go on.
func Run(ctx context.Context, o Options) error {
	tee := self.NewLog(slog.NewTextHandler(o.Stderr, &slog.HandlerOptions{ReplaceAttr: self.Redact}))
	s := &server{config: o.Config, logger: slog.New(tee)}
	err := s.open(ctx, o, tee)
	if err == nil {
		s.announce(ctx, o.Stdout)
		err = s.run(ctx)
	}
	return errors.Join(err, s.close())
}

// server is everything that is running.
type server struct {
	config  *config.Config
	logger  *slog.Logger
	log     streamgauge.Log
	hub     *streamgauge.Hub
	sources []source.Source

	auth     *auth.Auth // nil where nobody has to show who they are
	ownToken bool       // the administrator's token is the server's own

	dashboards *dashboard.Store

	handler                    *Handler
	api, admin                 *http.Server
	quic                       *overQUIC    // nil unless it is wanted
	apiListener, adminListener net.Listener // adminListener may be nil
	conns                      *connections
}

// open takes the addresses first, since a taken one is what goes wrong most.
func (s *server) open(ctx context.Context, o Options, tee *self.Log) (err error) {
	if s.apiListener, err = listen(ctx, "listen", o.Config.Listen); err != nil {
		return err
	}
	if o.Config.Admin != "off" {
		if s.adminListener, err = listen(ctx, "admin", o.Config.Admin); err != nil {
			return err
		}
	}
	name := instanceName(o.Config, s.apiListener.Addr())
	if o.Config.Shared() { // others write to hub.log too
		s.logger = s.logger.With("instance", name)
	}
	// What is kept of who may do what is no matter of configuration.
	rules, err := streamgauge.NewRules(slices.Concat(auth.Rules, o.Config.Streams)...)
	if err != nil {
		return err
	}
	if s.log, err = openLog(ctx, o.Config, rules, s.logger); err != nil {
		return err
	}
	if o.Config.AuthRequired(isLoopback(s.apiListener.Addr())) {
		if s.auth, s.ownToken, err = openAuth(ctx, o.Config, s.log, s.logger); err != nil {
			return err
		}
	}
	// Dashboards name views for the hub, and the hub tells of changes to them.
	tell := func(c dashboard.Change) { announceDashboard(ctx, s.hub, s.logger)(c) }
	if s.dashboards, err = NewDashboards(o.Config, tell, s.logger); err != nil {
		return err
	}
	if s.hub, err = newHub(o, name, s.log, rules, s.dashboards, s.logger); err != nil {
		return err
	}
	s.sources = newSources(ctx, o.Config, s.hub, tee, s.logger)
	handler, err := NewHandler(s.hub, rules, o.Config, s.auth, s.dashboards, web.Handler(o.Config.FrameAncestors...), s.logger)
	if err != nil {
		return err
	}
	s.conns = newConnections(o.Config, s.hub.Carried, s.logger)
	s.handler = handler
	s.api = newHTTPServer(handler, o.Config, s.logger)
	s.api.ConnState = s.conns.changed
	s.api.ConnContext = withPipeline
	if s.api.TLSConfig, err = newTLS(ctx, o.Config, s.apiListener.Addr(), s.logger); err != nil {
		return err
	}
	if s.api.TLSConfig != nil {
		s.api.Handler = strictTransport(s.api.Handler)
	}
	if o.Config.TLS.HTTP3 {
		if s.quic, err = newOverQUIC(o.Config, s.apiListener.Addr(), s.api.TLSConfig, s.conns, s.api.Handler); err != nil {
			return err
		}
		s.api.Handler = s.quic.offer(s.api.Handler)
	}
	s.admin = newHTTPServer(newAdmin(s.hub, o.Version, s.adminListener == nil || isLoopback(s.adminListener.Addr()), o.Config.AllowedHosts), o.Config, s.logger)
	return nil
}

// close releases what open got, as far as it got.
func (s *server) close() error {
	for _, l := range []net.Listener{s.apiListener, s.adminListener} {
		if l != nil {
			_ = l.Close() // a server that has served has closed it already
		}
	}
	if s.log != nil {
		return s.log.Close()
	}
	return nil
}

// listen takes the address of a setting.
func listen(ctx context.Context, setting, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, &HintError{
			fmt.Errorf("%s: %s is taken by another process", setting, address),
			fmt.Sprintf("stop that process, or choose another port; --%s 127.0.0.1:0 takes any that is free", setting),
		}
	case errors.Is(err, os.ErrPermission):
		return nil, &HintError{
			fmt.Errorf("%s: %w", setting, err),
			"ports below 1024 are for privileged processes; choose a higher one",
		}
	}
	return nil, fmt.Errorf("%s: %w", setting, err)
}

// announce says where the server is, in one line that a terminal can click on.
func (s *server) announce(ctx context.Context, w io.Writer) {
	at := s.address()
	fmt.Fprintf(w, "Streamgauge is at %s\n", at)
	if s.ownToken {
		code, err := s.auth.Link(ctx, time.Now().Add(linkTime))
		if err != nil {
			s.logger.Error("there is no link to sign in with", "error", err)
		} else {
			fmt.Fprintf(w, "Sign in as its administrator, once and within a day: %s/#signin=%s\n", at, code)
		}
	}
	attrs := []any{"log", s.config.LogText()}
	if s.config.Log == "file" {
		attrs = append(attrs, "data", s.config.Data, "ack", string(s.config.Ack))
	}
	if s.adminListener != nil {
		attrs = append(attrs, "admin", "http://"+reachable(s.adminListener.Addr()))
	}
	s.logger.Info("serving", append(attrs, "listen", s.apiListener.Addr().String())...)
	for setting, l := range map[string]net.Listener{"listen": s.apiListener, "admin": s.adminListener} {
		if l != nil && !isLoopback(l.Addr()) && (setting == "admin" || s.auth == nil) {
			s.logger.Warn("listening beyond this machine without authentication: whoever reaches the port may do everything",
				"setting", setting, "address", l.Addr().String())
		}
	}
}

// address is that of the page, as a browser on this machine wants it. A certificate is for a
// name.
func (s *server) address() string {
	host := reachable(s.apiListener.Addr())
	if s.api.TLSConfig == nil {
		return "http://" + host
	}
	if names := s.config.TLS.ACME; len(names) > 0 {
		_, port, _ := net.SplitHostPort(host)
		host = net.JoinHostPort(names[0], port)
	}
	return "https://" + strings.TrimSuffix(host, ":443")
}

// linkTime is how long the link that is printed at the start can be used.
const linkTime = 24 * time.Hour

func isLoopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// reachable is the address as a browser on this machine wants it.
func reachable(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if ok && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("localhost:%d", tcp.Port)
	}
	return a.String()
}

// run waits for everything that it starts. Sources end first and the hub last,
// so that what is in flight is still delivered.
func (s *server) run(ctx context.Context) error {
	hubCtx, stopHub := context.WithCancel(context.WithoutCancel(ctx))
	defer stopHub()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := s.hub.Run(hubCtx); hubCtx.Err() == nil {
			return fmt.Errorf("deliver: %w", err)
		}
		return nil
	})
	g.Go(func() error { return serve(s.api, pipelines{s.apiListener}) })
	if s.quic != nil {
		g.Go(s.quic.serve)
	}
	if s.adminListener != nil {
		g.Go(func() error { return serve(s.admin, s.adminListener) })
	}
	g.Go(func() error { return s.dashboards.Run(ctx) })
	g.Go(func() error {
		s.handler.Run(ctx)
		return nil
	})
	if s.auth != nil {
		g.Go(func() error { return s.auth.Run(ctx, s.hub.Expel) })
	}
	for _, one := range s.sources {
		g.Go(func() error {
			if err := one.Run(ctx, publisherOf(one, s.hub)); err != nil {
				// The hub is of use without it.
				s.logger.Error("source stopped", "source", one.Name(), "error", err)
			}
			return nil
		})
	}
	g.Go(func() error {
		<-ctx.Done()
		defer stopHub()
		s.drain()
		return nil
	})
	return g.Wait()
}

func serve(h *http.Server, l net.Listener) error {
	run := h.Serve
	if h.TLSConfig != nil {
		run = func(l net.Listener) error { return h.ServeTLS(l, "", "") }
	}
	if err := run(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	}
	return nil
}

// freshGrace is how long a draining server waits for the first request of a
// connection.
const freshGrace = 200 * time.Millisecond

// drain lets everybody go within the time that there is for it.
func (s *server) drain() {
	s.logger.Info("draining: a second signal ends at once", "subscribers", s.hub.Stats().Subscribers)
	ctx, cancel := context.WithTimeout(context.Background(), s.config.Limits.DrainTimeout)
	defer cancel()
	var g errgroup.Group
	left := make(chan struct{})                       // closed when the subscribers have
	g.Go(func() error { return s.api.Shutdown(ctx) }) // closes the listener at once
	if s.quic != nil {
		g.Go(func() error { return s.quic.shutdown(ctx, left) })
	}
	g.Go(func() error {
		defer close(left)
		return s.hub.Drain(ctx)
	})
	g.Go(func() error {
		select { // what is on its way may still become a request
		case <-time.After(freshGrace):
		case <-ctx.Done():
		}
		s.conns.closeFresh()
		return nil
	})
	if err := g.Wait(); err != nil {
		s.logger.Warn("not all have left in time (limits.drain_timeout); closing their connections", "error", err)
		_ = s.api.Close()
	}
	_ = s.admin.Close()
	s.logger.Info("stopped")
}
