package server

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/dashboard"
	"github.com/streamgauge/streamgauge/internal/config"
)

// route is one thing that the API can do.
type route struct {
	method string
	path   string
	serve  http.HandlerFunc
}

// api is what the API's handlers share.
type api struct {
	hub         *streamgauge.Hub
	publish     *publisher
	dashboards  *dashboard.Store
	bodyTimeout time.Duration
	logger      *slog.Logger
}

// routes is the whole API. openapi.yaml describes it.
func (a *api) routes() []route {
	return []route{
		{"GET", "/v1/events", a.hub.ServeHTTP},
		{"POST", "/v1/events", a.publish.envelopes},
		{"GET", "/v1/streams", a.listStreams},
		{"DELETE", "/v1/streams/{stream}", a.forgetStream},
		{"GET", "/v1/streams/{stream}/events", a.hub.ServeHTTP},
		{"POST", "/v1/streams/{stream}/events", a.publish.stream},
		{"GET", "/v1/dashboards", a.listDashboards},
		{"GET", "/v1/dashboards/{name}", a.getDashboard},
		{"PATCH", "/v1/dashboards/{name}", a.patchDashboard},
		{"PUT", "/v1/dashboards/{name}", a.putDashboard},
		{"DELETE", "/v1/dashboards/{name}", a.deleteDashboard},
		{"GET", "/v1/dashboards/schema.json", serveDashboardSchema},
		{"GET", "/v1/openapi.yaml", serveOpenAPI},
		{"GET", "/v1/openapi.json", serveOpenAPIJSON},
	}
}

// NewHandler returns the API of the hub under /v1/ and the UI everywhere else.
// Give it the rules that the hub has.
func NewHandler(hub *streamgauge.Hub, rules streamgauge.Rules, c *config.Config, dashboards *dashboard.Store, ui http.Handler, logger *slog.Logger) (http.Handler, error) {
	a := &api{hub: hub, publish: newPublisher(hub, rules, c.Limits, logger), dashboards: dashboards, bodyTimeout: c.Limits.BodyTimeout, logger: logger}
	mux := http.NewServeMux()
	paths := map[string]methods{}
	for _, r := range a.routes() {
		if paths[r.path] == nil {
			paths[r.path] = methods{}
			mux.Handle(r.path, paths[r.path])
		}
		paths[r.path][r.method] = r.serve
	}
	mux.HandleFunc("/v1/", notFound)
	mux.HandleFunc("/v1", notFound)
	mux.Handle("/", ui)
	return guard(cleanPaths(mux), c.CORS.Origins)
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
