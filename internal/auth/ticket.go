package auth

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// TicketTime is how long a ticket can be used. Its use is known for longer than that.
const TicketTime = 30 * time.Second

// TicketRequest is what somebody wants a ticket for.
type TicketRequest struct {
	// Read and Where narrow what may be read; without them it is all that the caller may.
	Read  []string
	Where string
	// Origin is that of the pages which may use it, as browsers send it; empty is any.
	Origin string
}

// Ticket returns a text that, within [TicketTime], lets one request read what its caller may:
// for a page's EventSource, which can't send a header. That one goes on for as long as the
// caller's own right does.
func (a *Auth) Ticket(ctx context.Context, c *Caller, want TicketRequest) (ticket string, expires time.Time, err error) {
	inside := sealed{Identity: a.pruned(c.Identity), Until: c.Expires, Origin: want.Origin}
	if len(want.Read) > 0 || want.Where != "" {
		only := &rightsJSON{Read: want.Read, Where: want.Where}
		if _, err := only.rights(a.options.CheckFilter); err != nil {
			return "", expires, refuse(http.StatusBadRequest, "The ticket makes no sense: %v.", err)
		}
		inside.Identity.Only = only
	} else {
		inside.Identity.Only = &rightsJSON{Read: []string{">"}}
	}
	// What it comes to, with the filters of whoever asks, has to make sense too.
	narrowed, err := a.caller(inside.Identity, c.Expires)
	if err != nil {
		return "", expires, err
	}
	for _, g := range narrowed.Access.Read {
		if g.Filter == "" {
			continue
		}
		if err := a.options.CheckFilter(g.Filter); err != nil {
			return "", expires, refuse(http.StatusBadRequest, "The ticket makes no sense: where, together with what you may see: %v.", err)
		}
	}
	if expires = time.Now().Add(TicketTime); !c.Expires.IsZero() && c.Expires.Before(expires) {
		expires = c.Expires
	}
	if err := ends(expires); err != nil {
		return "", expires, err
	}
	ticket, err = a.store.seal(ctx, forTicket, inside, expires)
	return ticket, expires, err
}

// withTicket returns who has sent a request with a ticket, which is used up by that.
func (a *Auth) withTicket(r *http.Request, ticket string) (*Caller, error) {
	if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/events") {
		return nil, refuse(http.StatusUnauthorized, "A ticket is for following streams and nothing else.")
	}
	inside, err := a.store.unseal(r.Context(), forTicket, ticket)
	if err != nil {
		return nil, refuse(http.StatusUnauthorized, "The ticket is not valid: it is wrong or older than %v.", TicketTime)
	}
	if inside.Origin != "" && r.Header.Get("Origin") != inside.Origin {
		return nil, refuse(http.StatusUnauthorized, "The ticket is for pages of another origin.")
	}
	c, err := a.caller(inside.Identity, inside.Until) // what was revoked meanwhile is no more
	if err != nil {
		return nil, err
	}
	first, err := a.store.use(r.Context(), inside.ID, inside.Expiry.Time())
	if err != nil {
		return nil, err
	}
	if !first {
		return nil, refuse(http.StatusUnauthorized, "The ticket was used already: get another one for each connection.")
	}
	c.Ticket = true
	return c, nil
}
