package streamgauge

import (
	"net/http"
	"net/netip"
)

// client is what subscribers and pages are counted by: an address, or the ID of an access.
type client struct{ addr, id string }

// clientAddr returns the address that counts against the limit per address, or
// "" where there is none.
func clientAddr(r *http.Request) string {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if addr, counted := ClientAddr(at.Addr()); err == nil && counted {
		return addr.String()
	}
	return ""
}

// ClientAddr returns an address as limits go by it, and whether they do: loopback is a proxy or
// the machine's owner. Of IPv6 whoever has one has 2^64 of them, which count as one.
func ClientAddr(addr netip.Addr) (counted netip.Addr, is bool) {
	addr = addr.Unmap().WithZone("")
	if addr.Is6() {
		return netip.PrefixFrom(addr, 64).Masked().Addr(), !addr.IsLoopback()
	}
	return addr, addr.IsValid() && !addr.IsLoopback()
}

// enter counts a request of a client, which exit forgets, and reports whether there may be
// another. One that is nobody is not counted.
func (h *Hub) enter(c client, most int) bool {
	if c == (client{}) {
		return true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.clients[c] >= most {
		return false
	}
	h.clients[c]++
	return true
}

func (h *Hub) exit(c client) {
	if c == (client{}) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.clients[c]--; h.clients[c] <= 0 {
		delete(h.clients, c)
	}
}

// half is what one client may have of a limit, so that there is some left for others.
func half(limit int) int { return (limit + 1) / 2 }

// countMakers counts a feed for the client that was the first to want it, until that follows it
// no more.
func (h *Hub) countMakers(f *feed, c client, more int) {
	if c == (client{}) || c != f.maker {
		return
	}
	if f.makers += more; f.makers > 0 {
		return
	}
	if h.made[c]--; h.made[c] == 0 {
		delete(h.made, c)
	}
	f.maker = client{}
}
