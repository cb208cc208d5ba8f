package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/dashboard"
	"github.com/streamgauge/streamgauge/internal/auth"
	"github.com/streamgauge/streamgauge/internal/config"
)

// route is one thing that the API can do.
type route struct {
	method string
	path   string
	may    right // what its caller must be able to do
	serve  http.HandlerFunc
}

// api is what the API's handlers share.
type api struct {
	hub         *streamgauge.Hub
	auth        *auth.Auth // nil where nobody has to show who they are
	publish     *publisher
	dashboards  *dashboard.Store
	audit       *audit
	bodyTimeout time.Duration
	logger      *slog.Logger
}

// Handler is the API and the UI.
type Handler struct {
	http.Handler
	audit *audit
}

// Run writes down what the handler has refused, once a second, until the context ends.
func (h *Handler) Run(ctx context.Context) { h.audit.run(ctx) }

// routes is the whole API. openapi.yaml describes it.
func (a *api) routes() []route {
	return []route{
		{"GET", "/v1/events", toRead, a.hub.ServeHTTP},
		{"POST", "/v1/events", toWrite, a.publish.envelopes},
		{"GET", "/v1/streams", toRead, a.listStreams},
		{"DELETE", "/v1/streams/{stream}", toAdmin, a.forgetStream},
		{"GET", "/v1/streams/{stream}/events", toRead, a.hub.ServeHTTP},
		{"POST", "/v1/streams/{stream}/events", toWrite, a.publish.stream},
		{"GET", "/v1/dashboards", toRead, a.listDashboards},
		{"GET", "/v1/dashboards/{name}", toRead, a.getDashboard},
		{"PATCH", "/v1/dashboards/{name}", toAdmin, a.patchDashboard},
		{"PUT", "/v1/dashboards/{name}", toAdmin, a.putDashboard},
		{"DELETE", "/v1/dashboards/{name}", toAdmin, a.deleteDashboard},
		{"GET", "/v1/dashboards/schema.json", open, serveDashboardSchema},
		{"GET", "/v1/session", open, a.getSession},
		{"POST", "/v1/session", open, a.signIn},
		{"DELETE", "/v1/session", open, a.signOut},
		{"GET", "/v1/session/oidc", open, a.beginSignIn},
		{"GET", "/v1/session/oidc/callback", open, a.endSignIn},
		{"GET", "/v1/tokens", toAdmin, a.listTokens},
		{"POST", "/v1/tokens", toAdmin, a.createToken},
		{"DELETE", "/v1/tokens/{id}", toAdmin, a.revokeToken},
		{"POST", "/v1/tickets", toRead, a.createTicket},
		{"GET", "/v1/shares", toAdmin, a.listShares},
		{"POST", "/v1/shares", toAdmin, a.createShare},
		{"DELETE", "/v1/shares/{id}", toAdmin, a.revokeShare},
		{"GET", "/v1/openapi.yaml", open, serveOpenAPI},
		{"GET", "/v1/openapi.json", open, serveOpenAPIJSON},
	}
}

// NewHandler returns the API of the hub under /v1/ and the UI everywhere else.
// Give it the rules that the hub has. Without an auth nobody has to show who they are.
func NewHandler(hub *streamgauge.Hub, rules streamgauge.Rules, c *config.Config, access *auth.Auth, dashboards *dashboard.Store, ui http.Handler, logger *slog.Logger) (*Handler, error) {
	audit := newAudit(hub, logger)
	a := &api{hub: hub, audit: audit, auth: access, publish: newPublisher(hub, rules, c.Limits, audit, logger), dashboards: dashboards, bodyTimeout: c.Limits.BodyTimeout, logger: logger}
	mux := http.NewServeMux()
	paths := map[string]methods{}
	for _, r := range a.routes() {
		if paths[r.path] == nil {
			paths[r.path] = methods{}
			mux.Handle(r.path, paths[r.path])
		}
		paths[r.path][r.method] = a.need(r.may, r.serve)
	}
	mux.HandleFunc("/v1/", notFound)
	mux.HandleFunc("/v1", notFound)
	mux.Handle("/", ui)
	guarded, err := guard(a.identify(cleanPaths(mux)), c.CORS.Origins, a.audit)
	if err != nil {
		return nil, err
	}
	if access == nil || len(c.AllowedHosts) > 0 {
		guarded = newHosts(guarded, c.AllowedHosts)
	}
	if proxy := (auth.Proxy{From: c.TrustedProxies}); len(proxy.From) > 0 {
		next := guarded
		guarded = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, proxy.Resolve(r)) })
	}
	return &Handler{guarded, a.audit}, nil
}

// cleanPaths answers what the mux would redirect: a publisher whose stream's
// name came out empty must hear of it, and curl follows no redirect.
func cleanPaths(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := r.URL.Path
		if strings.HasPrefix(p, "//v1/") || strings.HasPrefix(p, "/v1/") && (strings.Contains(p, "//") || strings.Contains(p, "/./") || strings.Contains(p, "/../")) {
			notFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// methods serves one path.
type methods map[string]http.HandlerFunc

func (m methods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if serve, ok := m[method]; ok {
		serve(w, r)
		return
	}
	w.Header().Set("Allow", m.allow())
	streamgauge.NewProblem(http.StatusMethodNotAllowed,
		fmt.Sprintf("%s is not possible here; %s is.", r.Method, m.allow())).ServeHTTP(w, r)
}

func (m methods) allow() string {
	var names []string
	for name := range m {
		names = append(names, name)
		if name == http.MethodGet {
			names = append(names, http.MethodHead)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func notFound(w http.ResponseWriter, r *http.Request) {
	streamgauge.NewProblem(http.StatusNotFound,
		"There is nothing at this path; GET /v1/openapi.yaml describes what there is.").ServeHTTP(w, r)
}
