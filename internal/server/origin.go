package server

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/streamgauge/streamgauge"
)

// What a page of an allowed origin may send, and for how long its browser need
// not ask again.
const (
	corsMethods = "GET, HEAD, POST, PUT, PATCH, DELETE"
	corsHeaders = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID"
	corsExpose  = "Allow, ETag, Retry-After"
	corsMaxAge  = "7200" // seconds; browsers cap it there
)

// guard decides which pages a browser may let use the handler. Pages of other
// origins can't change anything, unless they are allowed; and they can't read
// the API, unless they are allowed. Requests that no browser sent are not
// concerned.
func guard(next http.Handler, origins []string, audit *audit) (http.Handler, error) {
	protection := http.NewCrossOriginProtection()
	for _, origin := range origins {
		if err := protection.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("cors.origins: %w", err)
		}
	}
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		audit.refuse(r, "a page of another origin", "was not let in", fmt.Sprintf("%.200q", r.Header.Get("Origin")))
		streamgauge.NewProblem(http.StatusForbidden, fmt.Sprintf(
			"A page of another origin (%q) may not do this; an operator can allow the origin in cors.origins.",
			r.Header.Get("Origin"))).ServeHTTP(w, r)
	}))
	next = protection.Handler(next)
	if len(origins) == 0 {
		return next, nil
	}
	return &cors{next, origins}, nil
}

// cors answers to pages of the allowed origins as their browsers want it.
type cors struct {
	next    http.Handler
	origins []string
}

func (c *cors) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/v1" && !strings.HasPrefix(r.URL.Path, "/v1/") {
		c.next.ServeHTTP(w, r)
		return
	}
	header := w.Header()
	// Also when there is no Origin: a cache must not give that answer to a page.
	header.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if !slices.Contains(c.origins, origin) {
		c.next.ServeHTTP(w, r)
		return
	}
	header.Set("Access-Control-Allow-Origin", origin)
	if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
		header.Add("Vary", "Access-Control-Request-Method")
		header.Add("Vary", "Access-Control-Request-Headers")
		header.Set("Access-Control-Allow-Methods", corsMethods)
		header.Set("Access-Control-Allow-Headers", corsHeaders)
		header.Set("Access-Control-Max-Age", corsMaxAge)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	header.Set("Access-Control-Expose-Headers", corsExpose)
	c.next.ServeHTTP(w, r)
}
