package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/streamgauge/streamgauge/internal/config"
)

// newTLS returns how connections are encrypted, or nil if they are not.
func newTLS(ctx context.Context, c *config.Config, at net.Addr, logger *slog.Logger) (*tls.Config, error) {
	switch {
	case c.TLS.Cert != "":
		pair := &certificate{cert: c.TLS.Cert, key: c.TLS.Key, logger: logger}
		if err := pair.load(); err != nil {
			return nil, &HintError{fmt.Errorf("tls: %w", err), "tls.cert and tls.key are files in PEM that belong together"}
		}
		return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: pair.get}, nil
	case len(c.TLS.ACME) > 0:
		return manage(ctx, c, at, logger)
	}
	return nil, nil
}

// manage gets certificates for the names, and renews them, until the context ends. Who issues
// them sees at the server's own port that it has the names (TLS-ALPN-01, RFC 8737).
func manage(ctx context.Context, c *config.Config, at net.Addr, logger *slog.Logger) (*tls.Config, error) {
	magic := certmagic.NewDefault()
	magic.Logger = zap.New(zapCore{logger})
	magic.Storage = &certmagic.FileStorage{Path: filepath.Join(c.Data, "acme")}
	issuer := certmagic.ACMEIssuer{Agreed: true, DisableHTTPChallenge: true, Logger: magic.Logger, CA: c.TLS.Directory}
	if tcp, ok := at.(*net.TCPAddr); ok {
		issuer.ListenHost, issuer.AltTLSALPNPort = tcp.IP.String(), tcp.Port // where this server listens
	}
	magic.Issuers = []certmagic.Issuer{certmagic.NewACMEIssuer(magic, issuer)}
	if err := magic.ManageAsync(ctx, c.TLS.ACME); err != nil {
		return nil, fmt.Errorf("tls.acme: %w", err)
	}
	t := magic.TLSConfig()
	t.MinVersion = tls.VersionTLS12
	return t, nil
}

// zapCore has what certmagic says in our log. What it does by the way is of no interest.
type zapCore struct{ logger *slog.Logger }

// Enabled implements [zapcore.Core].
func (z zapCore) Enabled(level zapcore.Level) bool { return level >= zapcore.WarnLevel }

// With implements [zapcore.Core].
func (z zapCore) With(fields []zapcore.Field) zapcore.Core {
	return zapCore{z.logger.With(attrs(fields)...)}
}

// Check implements [zapcore.Core].
func (z zapCore) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if z.Enabled(e.Level) {
		return checked.AddCore(e, z)
	}
	return checked
}

// Write implements [zapcore.Core].
func (z zapCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	level := slog.LevelWarn
	if e.Level > zapcore.WarnLevel {
		level = slog.LevelError
	}
	z.logger.Log(context.Background(), level, "certificates: "+e.Message, attrs(fields)...)
	return nil
}

// Sync implements [zapcore.Core].
func (z zapCore) Sync() error { return nil }

func attrs(fields []zapcore.Field) (out []any) {
	values := zapcore.NewMapObjectEncoder()
	for _, f := range fields {
		f.AddTo(values)
		out = append(out, f.Key, values.Fields[f.Key])
	}
	return out
}

// certificate is one in two files, which are read again when they have changed: whoever
// renews them need not restart the server.
type certificate struct {
	cert, key string
	logger    *slog.Logger

	mu      sync.Mutex // protects following
	pair    *tls.Certificate
	stamp   string    // of the files that it was read from
	looked  time.Time // at the files
	failing bool
}

const lookEvery = time.Second

// load reads the files.
func (c *certificate) load() error {
	stamp, err := c.stampOf()
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return err
	}
	c.pair, c.stamp = &pair, stamp
	return nil
}

// stampOf tells versions of the files apart.
func (c *certificate) stampOf() (stamp string, err error) {
	for _, path := range []string{c.cert, c.key} {
		info, err := os.Stat(path)
		if err != nil {
			return "", err
		}
		stamp += fmt.Sprint(info.ModTime().UnixNano(), " ", info.Size(), " ")
	}
	return stamp, nil
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) < lookEvery {
		return c.pair, nil
	}
	c.looked = time.Now()
	stamp, err := c.stampOf()
	if err == nil && stamp != c.stamp {
		if err = c.load(); err == nil {
			c.logger.Info("the certificate was read again", "tls.cert", c.cert)
		}
	}
	// The files may be in the middle of being replaced: the old one is good until then.
	if failing := err != nil; failing != c.failing {
		if c.failing = failing; failing {
			c.logger.Error("the certificate can't be read again, the old one stays", "error", err)
		}
	}
	return c.pair, nil
}

// strictTransport has browsers that have come over HTTPS once come no other way.
func strictTransport(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS != nil {
			w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}
