package server

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/auth"
)

// sessionJSON says who somebody is to this server.
type sessionJSON struct {
	// Required says that one has to sign in to see more than anyone may.
	Required bool       `json:"required"`
	SignedIn bool       `json:"signed_in"`
	Name     string     `json:"name,omitempty"`
	Admin    bool       `json:"admin"`
	Reads    bool       `json:"reads"`              // some streams
	Writes   bool       `json:"writes"`             // to some streams
	Share    string     `json:"share,omitempty"`    // the dashboard that a share link is of
	Provider string     `json:"provider,omitempty"` // with whom one can sign in, at /v1/session/oidc
	Expires  *time.Time `json:"expires,omitempty"`
}

func (a *api) sessionOf(c *auth.Caller) sessionJSON {
	s := sessionJSON{Required: a.auth != nil, SignedIn: c.SignedIn, Admin: c.Admin, Reads: c.Admin, Writes: c.Admin, Share: c.Share}
	if a.auth != nil {
		s.Provider = a.auth.Provider()
	}
	if c.Access != nil {
		s.Reads, s.Writes = len(c.Access.Read) > 0, len(c.Access.Write) > 0
	}
	if c.SignedIn {
		s.Name = c.Name
	}
	if !c.Expires.IsZero() {
		s.Expires = &c.Expires
	}
	return s
}

// getSession serves GET /v1/session.
func (a *api) getSession(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusOK, a.sessionOf(callerOf(r)))
}

// signIn serves POST /v1/session: it begins a session for whoever has a token, or a link's
// code, as its cookie.
func (a *api) signIn(w http.ResponseWriter, r *http.Request) {
	var body struct{ Token, Code string }
	if !a.readJSON(w, r, &body) {
		return
	}
	if a.auth == nil {
		streamgauge.NewProblem(http.StatusConflict, "Nobody has to sign in to this server.").ServeHTTP(w, r)
		return
	}
	var who *auth.Identity
	var until time.Time
	var err error
	switch {
	case body.Code != "" && body.Token == "":
		who, err = a.auth.Redeem(r.Context(), body.Code)
	case body.Token != "" && body.Code == "":
		who, until, err = a.auth.Believe(r.Context(), body.Token)
		if err == nil && a.auth.IsShare(who) {
			err = &auth.Refusal{Status: http.StatusBadRequest, Detail: "A share link is not for signing in: open it as it is."}
		}
	default:
		err = &auth.Refusal{Status: http.StatusBadRequest, Detail: `Say who you are: {"token": "sg_…"}, or {"code": "…"} of a link.`}
	}
	var caller *auth.Caller
	if err == nil {
		caller, err = a.begin(w, r, *who, until)
	}
	if err != nil {
		a.notBelieved(w, r, err)
		return
	}
	answer(w, http.StatusOK, a.sessionOf(caller))
}

// begin sets the cookie of a session and returns whose it is.
func (a *api) begin(w http.ResponseWriter, r *http.Request, who auth.Identity, until time.Time) (*auth.Caller, error) {
	value, expires, err := a.auth.Session(r.Context(), who, until)
	if err != nil {
		return nil, err
	}
	cookie := a.cookie(r)
	cookie.Value, cookie.Expires = value, expires
	// Who has come in is asked of the cookie itself: what is not valid is none.
	check := r.Clone(r.Context())
	check.Header = http.Header{"Cookie": {cookie.Name + "=" + value}}
	caller, err := a.auth.Caller(check)
	if err != nil {
		return nil, err
	}
	if !caller.SignedIn {
		return nil, errors.New("a session was sealed that can't be opened")
	}
	a.audit.session(r, caller.Name, "signed in")
	http.SetCookie(w, cookie)
	return caller, nil
}

// signOut serves DELETE /v1/session. The cookie is taken away whatever happens.
func (a *api) signOut(w http.ResponseWriter, r *http.Request) {
	for _, secure := range []bool{true, false} {
		cookie := newCookie(secure)
		cookie.MaxAge = -1
		http.SetCookie(w, cookie)
	}
	if a.auth != nil {
		whose, err := a.auth.End(r)
		for _, name := range whose {
			a.audit.session(r, name, "signed out")
		}
		if err != nil {
			a.logger.Error("a session can't be ended", "error", err)
			w.Header().Set("Retry-After", "5")
			streamgauge.NewProblem(http.StatusServiceUnavailable, "This browser is signed out. A copy of its cookie, if there is one, still lets somebody in: the log can't be written to now.").ServeHTTP(w, r)
			return
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

// cookie returns a session's cookie without its value. Browsers take a secure one from this
// machine too.
func (a *api) cookie(r *http.Request) *http.Cookie {
	return newCookie(auth.OverHTTPS(r) || isLocalName(r.Host))
}

// newCookie returns one that scripts can't read, and that other sites' pages don't send.
func newCookie(secure bool) *http.Cookie {
	name := auth.InsecureCookieName
	if secure {
		name = auth.CookieName
	}
	return &http.Cookie{Name: name, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: secure}
}

// The cookie that somebody has while they are at the provider.
const (
	signInCookie     = "-sign-in" // after the session's name
	callbackPath     = "/v1/session/oidc/callback"
	signInCookieTime = int(auth.SignInTime / time.Second)
)

// noProvider answers where there is none to sign in with, and reports whether it has.
func (a *api) noProvider(w http.ResponseWriter, r *http.Request) bool {
	none := a.auth == nil || a.auth.Provider() == ""
	if none {
		streamgauge.NewProblem(http.StatusNotFound, "There is no provider of sign-in (auth.oidc_issuer).").ServeHTTP(w, r)
	}
	return none
}

// beginSignIn serves GET /v1/session/oidc: it sends a browser to the provider.
func (a *api) beginSignIn(w http.ResponseWriter, r *http.Request) {
	if a.noProvider(w, r) {
		return
	}
	target, sealed, err := a.auth.BeginSignIn(r.Context(), callback(r), r.URL.Query().Get("return"))
	if err != nil {
		a.notSignedIn(w, r, err)
		return
	}
	cookie := a.cookie(r)
	cookie.Name, cookie.Value, cookie.MaxAge = cookie.Name+signInCookie, sealed, signInCookieTime
	http.SetCookie(w, cookie)
	sendTo(w, target)
}

// endSignIn serves GET /v1/session/oidc/callback: a browser comes back from the provider.
func (a *api) endSignIn(w http.ResponseWriter, r *http.Request) {
	if a.noProvider(w, r) {
		return
	}
	cookie := a.cookie(r)
	cookie.Name += signInCookie
	brought, err := r.Cookie(cookie.Name)
	if err != nil {
		brought = &http.Cookie{}
	}
	who, until, path, err := a.auth.EndSignIn(r.Context(), brought.Value, callback(r), r.URL.Query())
	if err == nil {
		_, err = a.begin(w, r, *who, until)
	}
	if err != nil {
		a.notSignedIn(w, r, err)
		return
	}
	cookie.MaxAge = -1
	http.SetCookie(w, cookie)
	sendTo(w, path)
}

// notSignedIn has the page say to a person what has gone wrong.
func (a *api) notSignedIn(w http.ResponseWriter, r *http.Request, err error) {
	var refused *auth.Refusal
	if !errors.As(err, &refused) || !strings.Contains(r.Header.Get("Accept"), "text/html") {
		a.notBelieved(w, r, err)
		return
	}
	a.audit.refuse(r, "somebody", "was not signed in", refused.Detail)
	sendTo(w, "/#signin-failed="+url.PathEscape(refused.Detail))
}

// sendTo sends a browser elsewhere.
func sendTo(w http.ResponseWriter, target string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", target)
	w.WriteHeader(http.StatusFound)
}

// callback is the URL to which the provider sends browsers back. The provider knows those
// that are this server's, and takes no other.
func callback(r *http.Request) string {
	scheme := "http"
	if auth.OverHTTPS(r) {
		scheme = "https"
	}
	return scheme + "://" + r.Host + callbackPath
}
