package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/dashboard"
	"github.com/streamgauge/streamgauge/filelog"
	"github.com/streamgauge/streamgauge/filter"
	"github.com/streamgauge/streamgauge/internal/auth"
	"github.com/streamgauge/streamgauge/internal/config"
	"github.com/streamgauge/streamgauge/natslog"
	"github.com/streamgauge/streamgauge/redislog"
	"github.com/streamgauge/streamgauge/source"
	"github.com/streamgauge/streamgauge/source/demo"
	"github.com/streamgauge/streamgauge/source/host"
	"github.com/streamgauge/streamgauge/source/self"
)

func openLog(ctx context.Context, c *config.Config, rules streamgauge.Rules, logger *slog.Logger) (streamgauge.Log, error) {
	switch {
	case c.Log == "memory":
		return streamgauge.NewMemoryLog(rules), nil
	case strings.HasPrefix(c.Log, "redis"):
		log, err := redislog.Open(ctx, c.Log, &redislog.Options{Rules: rules, Logger: logger})
		if err != nil {
			return nil, noBroker(c, err)
		}
		return log, nil
	case c.Log != "file":
		log, err := natslog.Open(ctx, c.Log, &natslog.Options{Rules: rules, Logger: logger})
		if err != nil {
			return nil, noBroker(c, err)
		}
		return log, nil
	}
	log, err := filelog.Open(c.Data, &filelog.Options{Rules: rules, Level: c.Ack, Logger: logger})
	switch {
	case errors.Is(err, filelog.ErrLocked):
		return nil, &HintError{
			fmt.Errorf("data: %s is in use by another process", c.Data),
			"stop that process, or give this one a folder of its own with --data",
		}
	case errors.Is(err, os.ErrPermission):
		return nil, &HintError{fmt.Errorf("data: %w", err), "choose a folder that you may write to with --data"}
	case err != nil:
		return nil, fmt.Errorf("data: %w", err)
	}
	return log, nil
}

// openAuth returns who may do what, and whether the administrator's token is one that the
// server has made by itself.
func openAuth(ctx context.Context, c *config.Config, log streamgauge.Log, logger *slog.Logger) (a *auth.Auth, own bool, err error) {
	token := c.Auth.AdminToken
	if own = token == ""; own {
		if token, err = ownToken(c); err != nil {
			return nil, false, err
		}
	}
	a, err = auth.New(ctx, log, auth.Options{
		AdminToken: token, Grants: c.Auth.Grants, Issuers: c.Auth.Issuers, OIDC: c.Auth.OIDC, Proxy: auth.Proxy{From: c.TrustedProxies, User: c.Auth.ProxyUser, Groups: c.Auth.ProxyGroups},
		CheckFilter: checkFilter, Logger: logger,
	})
	return a, own, err
}

// AdminTokenFile is where a server with a file log in the folder keeps the administrator's
// token that it has made.
func AdminTokenFile(data string) string { return filepath.Join(data, "admin.token") }

// ownToken returns an administrator's token that nobody has set: that of the data folder,
// where it is made at the first start. Without a folder it lasts as long as the process.
func ownToken(c *config.Config) (string, error) {
	if c.Log != "file" {
		return auth.NewToken(), nil
	}
	path := AdminTokenFile(c.Data)
	text, err := os.ReadFile(path)
	if err == nil {
		if token := strings.TrimSpace(string(text)); len(token) >= auth.MinAdminToken {
			return token, nil
		}
		return "", &HintError{fmt.Errorf("data: %s has no token of %d characters or more", path, auth.MinAdminToken), "remove the file, and another one is made"}
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("data: %w", err)
	}
	token := auth.NewToken()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", fmt.Errorf("data: %w", err)
	}
	_, err = f.WriteString(token + "\n")
	if err = errors.Join(err, f.Close()); err != nil {
		return "", fmt.Errorf("data: %w", err)
	}
	return token, nil
}

func noBroker(c *config.Config, err error) error {
	return &HintError{
		fmt.Errorf("log: %s can't be used: %w", c.LogText(), err),
		"see that it runs, can be reached from here and lets this user in; without it, --log file keeps events on this machine",
	}
}

// instanceName is what tells this instance apart from others with the same log.
func instanceName(c *config.Config, api net.Addr) string {
	if c.Instance != "auto" {
		return c.Instance
	}
	host, err := os.Hostname()
	if err != nil {
		host = "instance"
	}
	name := []byte(host[:min(len(host), 50)])
	for i, b := range name {
		if b != '_' && b != '-' && (b < '0' || b > '9') && (b < 'A' || b > 'Z') && (b < 'a' || b > 'z') {
			name[i] = '-'
		}
	}
	if tcp, ok := api.(*net.TCPAddr); ok {
		return fmt.Sprintf("%s-%d", name, tcp.Port)
	}
	return string(name)
}

func newHub(o Options, name string, log streamgauge.Log, rules streamgauge.Rules, dashboards *dashboard.Store, logger *slog.Logger) (*streamgauge.Hub, error) {
	return streamgauge.New(&streamgauge.Options{
		Log:           log,
		Rules:         rules,
		CompileFilter: compileFilter,
		NamedView:     dashboards.View,
		Heartbeat:     o.Config.Heartbeat,
		MaxAge:        o.Config.MaxAge,
		WriteTimeout:  o.Config.WriteTimeout,
		FlushInterval: o.Config.FlushInterval,
		Transport:     o.Config.Transport,
		Compression:   o.Config.Compression,
		EncodeZstd:    newZstdEncoder(),
		Limits:        HubLimits(o.Config.Limits),
		Private:       auth.Private,
		Logger:        logger,
		Version:       o.Version,
		Name:          name,
	})
}

func compileFilter(src string) (streamgauge.Filter, error) {
	f, err := filter.Compile(src)
	if err != nil {
		return nil, err // and no Filter that holds a nil *filter.Filter
	}
	return f, nil
}

// NewDashboards returns the dashboards of the configuration. changed may be nil.
func NewDashboards(c *config.Config, changed func(dashboard.Change), logger *slog.Logger) (*dashboard.Store, error) {
	return dashboard.NewStore(dashboard.StoreOptions{
		Dir:         c.Dashboards,
		Demo:        c.Sources.Demo != nil,
		CheckFilter: checkFilter,
		Changed:     changed,
		Logger:      logger,
	})
}

func checkFilter(src string) error {
	_, err := filter.Compile(src)
	return err
}

func newSources(ctx context.Context, c *config.Config, hub *streamgauge.Hub, tee *self.Log, logger *slog.Logger) (out []source.Source) {
	if c.Sources.Host != nil {
		out = append(out, host.New(&host.Options{Every: c.Sources.Host.Every, Logger: logger}))
	}
	if c.Sources.Self != nil {
		out = append(out, self.New(&self.Options{Hub: hub, Every: c.Sources.Self.Every, Log: tee}))
	}
	if c.Sources.Demo != nil {
		out = append(out, demo.New(&demo.Options{Seed: c.Sources.Demo.Seed, Since: newest(ctx, hub, "demo."), Logger: logger}))
	}
	return out
}

// newest returns when the newest event of the streams was appended that begin so.
func newest(ctx context.Context, hub *streamgauge.Hub, prefix string) (at time.Time) {
	streams, err := hub.Streams(ctx)
	if err != nil {
		return at // as if there were none
	}
	for _, s := range streams {
		if strings.HasPrefix(s.Name, prefix) && s.Time.After(at) {
			at = s.Time
		}
	}
	return at
}

// publisherOf returns what the source publishes to. Only self may speak for the
// hub.
func publisherOf(s source.Source, hub *streamgauge.Hub) source.Publisher {
	if _, ok := s.(*self.Source); ok {
		return ownPublisher{hub}
	}
	return hub
}

type ownPublisher struct{ hub *streamgauge.Hub }

func (p ownPublisher) Publish(ctx context.Context, events ...streamgauge.Event) (streamgauge.Receipt, error) {
	return p.hub.PublishOwn(ctx, events...)
}
