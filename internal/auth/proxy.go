package auth

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Proxy is those before the server that are trusted.
type Proxy struct {
	From   []netip.Prefix // their addresses; none is no proxy
	User   string         // the header with the user's name; empty is none
	Groups string         // the one with the groups, separated by commas; empty is none
}

// OverHTTPS reports whether a browser has asked over HTTPS, which may end at a proxy. What
// says so need not be trusted: it is about the cookies of whoever says it.
func OverHTTPS(r *http.Request) bool {
	return r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"
}

type vouchedKey struct{}

// Resolve returns a request that a proxy has passed on as that of the client: its RemoteAddr
// is what the proxies say in X-Forwarded-For. Other requests stay as they are.
func (p *Proxy) Resolve(r *http.Request) *http.Request {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil || !p.has(host) {
		return r
	}
	r = r.WithContext(context.WithValue(r.Context(), vouchedKey{}, true))
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) { // what is further left anybody may have written
		if hop = strings.TrimSpace(hop); p.has(hop) {
			continue
		}
		if addr, err := netip.ParseAddr(strings.Trim(hop, "[]")); err == nil {
			r.RemoteAddr = net.JoinHostPort(addr.String(), "0")
		}
		break
	}
	return r
}

// has reports whether a proxy has the address.
func (p *Proxy) has(host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && slices.ContainsFunc(p.From, func(from netip.Prefix) bool { return from.Contains(addr.Unmap().WithZone("")) })
}

// user returns whom a proxy vouches for.
func (p *Proxy) user(r *http.Request) *Identity {
	users := r.Header.Values(p.User)
	if vouched, _ := r.Context().Value(vouchedKey{}).(bool); !vouched || p.User == "" || len(users) != 1 || users[0] == "" {
		return nil // of two names one may be of the proxy and one of somebody before it
	}
	who := &Identity{User: users[0]}
	if p.Groups != "" {
		if len(r.Header.Values(p.Groups)) > 1 {
			return nil
		}
		for _, line := range r.Header.Values(p.Groups) {
			for group := range strings.SplitSeq(line, ",") {
				if group = strings.TrimSpace(group); group != "" {
					who.Groups = append(who.Groups, group)
				}
			}
		}
	}
	return who
}
