package server_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/dashboard"
	"github.com/streamgauge/streamgauge/filter"
	"github.com/streamgauge/streamgauge/internal/auth"
	"github.com/streamgauge/streamgauge/internal/config"
	"github.com/streamgauge/streamgauge/internal/server"
)

// fixture is a whole API over a memory log, without sockets.
type fixture struct {
	hub     *streamgauge.Hub
	log     *streamgauge.MemoryLog
	handler *server.Handler
	folder  string // of dashboards
	store   *dashboard.Store
	auth    *auth.Auth // nil where nobody has to show who they are
}

func newFixture(t testing.TB, change func(*config.Config)) *fixture {
	t.Helper()
	c := config.Default()
	c.Streams = append([]streamgauge.Rule{{Match: "text.>", Format: streamgauge.FormatText}}, c.Streams...)
	c.AllowedHosts = []string{"example.com"} // httptest's
	c.Dashboards = filepath.Join(t.TempDir(), "dashboards")
	if change != nil {
		change(&c)
	}
	store, err := server.NewDashboards(&c, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := streamgauge.NewRules(slices.Concat(auth.Rules, c.Streams)...)
	if err != nil {
		t.Fatal(err)
	}
	log := streamgauge.NewMemoryLog(rules)
	hub, err := streamgauge.New(&streamgauge.Options{Log: log, Rules: rules, Limits: server.HubLimits(c.Limits), Private: auth.Private, CompileFilter: compileFilter})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = hub.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		_ = log.Close()
	})
	ui := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the UI") })
	var access *auth.Auth
	if c.AuthRequired(true) {
		access, err = auth.New(ctx, log, auth.Options{
			AdminToken: c.Auth.AdminToken, Grants: c.Auth.Grants, Issuers: c.Auth.Issuers, OIDC: c.Auth.OIDC, Proxy: auth.Proxy{From: c.TrustedProxies, User: c.Auth.ProxyUser, Groups: c.Auth.ProxyGroups},
			CheckFilter: config.CheckFilter,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	handler, err := server.NewHandler(hub, rules, &c, access, store, ui, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	running := make(chan struct{})
	go func() {
		defer close(running)
		handler.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-running
	})
	return &fixture{hub, log, handler, c.Dashboards, store, access}
}

func compileFilter(source string) (streamgauge.Filter, error) {
	f, err := filter.Compile(source)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (f *fixture) do(method, target, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	return w
}

// stored returns everything that the log has, as envelopes without their ids.
func (f *fixture) stored(t testing.TB) []string {
	t.Helper()
	page, err := f.log.Read(context.Background(), streamgauge.Query{Select: streamgauge.Selection{">"}, Limit: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range page.Events {
		e.ID = streamgauge.Position{}
		out = append(out, string(e.AppendJSON(nil)))
	}
	return out
}

func (f *fixture) head(t testing.TB) uint64 {
	t.Helper()
	head, err := f.log.Head(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return head.Seq
}

type receipt struct {
	ID        string
	Count     int
	Level     string
	Duplicate bool
}

func decode[T any](t testing.TB, w *httptest.ResponseRecorder) (v T) {
	t.Helper()
	d := json.NewDecoder(w.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("status %d: %v", w.Code, err)
	}
	return v
}

// wantProblem checks that the answer is a problem with the status and words.
func wantProblem(t testing.TB, w *httptest.ResponseRecorder, status int, words ...string) {
	t.Helper()
	body := w.Body.String()
	if w.Code != status {
		t.Fatalf("got status %d, want %d: %s", w.Code, status, body)
	}
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("got Content-Type %q", got)
	}
	p := decode[streamgauge.Problem](t, w)
	if p.Status != status || p.Title == "" || p.Type == "" || p.Instance == "" {
		t.Errorf("got %+v", p)
	}
	for _, word := range words {
		if !strings.Contains(p.Detail, word) {
			t.Errorf("got detail %q, want %q in it", p.Detail, word)
		}
	}
}
