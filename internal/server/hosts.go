package server

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"

	"github.com/streamgauge/streamgauge"
)

// hosts answers requests for the names by which the server may be reached. A page that makes
// up a name of its own for the server's address (DNS rebinding) is of the same origin as the
// server then, as far as its browser can tell; but the browser says by which name it came.
type hosts struct {
	next    http.Handler
	names   map[string]bool
	domains []string               // with a dot before them
	last    atomic.Pointer[string] // what was allowed last: mostly it is the same again
}

func newHosts(next http.Handler, allowed []string) *hosts {
	h := &hosts{next: next, names: map[string]bool{"localhost": true}, domains: []string{".localhost"}}
	if name, err := os.Hostname(); err == nil {
		h.names[strings.ToLower(name)] = true
	}
	for _, name := range allowed {
		if domain, ok := strings.CutPrefix(name, "*"); ok {
			h.domains = append(h.domains, domain)
		} else {
			h.names[name] = true
		}
	}
	return h
}

func (h *hosts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if last := h.last.Load(); last != nil && *last == r.Host {
		h.next.ServeHTTP(w, r)
		return
	}
	if h.allow(r.Host) {
		host := strings.Clone(r.Host)
		h.last.Store(&host)
		h.next.ServeHTTP(w, r)
		return
	}
	streamgauge.NewProblem(http.StatusMisdirectedRequest, fmt.Sprintf(
		"This server does not answer to the name %.100q; an operator can allow it with allowed_hosts (--allowed-hosts '[NAME]').", r.Host)).ServeHTTP(w, r)
}

// isLocalName reports whether a Host is one that browsers know to be this machine.
func isLocalName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && addr.IsLoopback()
}

// allow reports whether a request's Host may be answered. An address is always right: to
// whom it belongs nobody can make up.
func (h *hosts) allow(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
	if host == "" || h.names[host] {
		return true // HTTP/1.0 needs no name, and no browser speaks it
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	for _, domain := range h.domains {
		if strings.HasSuffix(host, domain) {
			return true
		}
	}
	return false
}
