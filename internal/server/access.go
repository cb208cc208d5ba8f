package server

import (
	"context"
	"errors"
	"net/http"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/auth"
)

// right is what somebody must be able to do for a route.
type right int

const (
	open    right = iota // nothing: it tells nothing of streams
	toRead               // read some streams: which, the hub sees to
	toWrite              // publish to some streams: to which, the hub sees to
	toAdmin              // everything
)

type callerKey struct{}

// callerOf returns who has sent the request.
func callerOf(r *http.Request) *auth.Caller {
	if c, ok := r.Context().Value(callerKey{}).(*auth.Caller); ok {
		return c
	}
	return everybody
}

// everybody is the caller where nobody has to show who they are.
var everybody = &auth.Caller{Name: "anyone", Admin: true}

// identify finds out who sends each request, if they have to show that.
func (a *api) identify(next http.Handler) http.Handler {
	if a.auth == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, err := a.auth.Caller(r)
		if err == nil && caller.Share != "" {
			err = a.tie(caller)
		}
		if err != nil {
			a.notBelieved(w, r, err)
			return
		}
		if caller.Cookie && changes(r) && r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == "" {
			// Browsers say where such a request is from. What says nothing is none, and has
			// no business with a cookie.
			streamgauge.NewProblem(http.StatusForbidden, "A session's cookie is for browsers: send a token in Authorization.").ServeHTTP(w, r)
			return
		}
		if caller.Ticket { // it is used up, and nobody else's business
			u := *r.URL
			query := u.Query()
			query.Del("ticket")
			u.RawQuery = query.Encode()
			r = r.Clone(r.Context())
			r.URL = &u
		}
		ctx := context.WithValue(r.Context(), callerKey{}, caller)
		next.ServeHTTP(w, r.WithContext(streamgauge.WithAccess(ctx, caller.Access)))
	})
}

// tie has a share link end with its dashboard.
func (a *api) tie(c *auth.Caller) error {
	there := func() bool { return a.dashboards.Get(c.Share) != nil }
	if !there() {
		return &auth.Refusal{Status: http.StatusUnauthorized, Detail: "The dashboard that this link is of is not there any more."}
	}
	valid := c.Access.Valid
	c.Access.Valid = func() bool { return valid() && there() }
	return nil
}

// changes reports whether the request may change something.
func changes(r *http.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions
}

// notBelieved answers whoever has shown something that is wrong.
func (a *api) notBelieved(w http.ResponseWriter, r *http.Request, err error) {
	var refused *auth.Refusal
	if !errors.As(err, &refused) {
		a.logger.Error("can't find out who somebody is", "error", err)
		refused = &auth.Refusal{Status: http.StatusServiceUnavailable, Detail: "Who you are can't be found out now; try again."}
	}
	switch refused.Status {
	case http.StatusUnauthorized:
		a.audit.refuse(r, "somebody", "was not believed", refused.Detail)
		w.Header().Set("WWW-Authenticate", `Bearer realm="streamgauge", error="invalid_token"`)
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "5")
	}
	streamgauge.NewProblem(refused.Status, refused.Detail).ServeHTTP(w, r)
}

// need lets those through who have the right.
func (a *api) need(want right, serve http.HandlerFunc) http.HandlerFunc {
	if a.auth == nil {
		return serve // everybody has
	}
	return func(w http.ResponseWriter, r *http.Request) {
		c := callerOf(r)
		has := c.Admin
		switch want {
		case open:
			has = true
		case toRead:
			has = has || c.SignedIn || len(c.Access.Read) > 0
		case toWrite:
			has = has || c.SignedIn || len(c.Access.Write) > 0
		}
		switch {
		case has:
			serve(w, r)
		case !c.SignedIn:
			a.audit.refuse(r, c.Name, "was not let in", "")
			w.Header().Set("WWW-Authenticate", `Bearer realm="streamgauge"`)
			streamgauge.NewProblem(http.StatusUnauthorized, "Sign in on the page, or send a token: \"Authorization: Bearer sg_…\".").ServeHTTP(w, r)
		default:
			a.audit.refuse(r, c.Name, "was not allowed to", "")
			streamgauge.NewProblem(http.StatusForbidden, "This is for administrators.").ServeHTTP(w, r)
		}
	}
}
