// Package auth says who somebody is and what they may do.
//
// Somebody shows who they are with a token of this server, with one of an issuer that is
// believed (a JSON Web Token, RFC 7519), with the cookie of a session, or by what a proxy
// that is trusted says. What the tokens of this server may do is written down in the log,
// in a stream that nobody may read, so that all instances of a log know the same: who is let
// in or shut out at one of them is so at all of them within a second or two.
package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/streamgauge/streamgauge"
)

// Options says who may do what. See docs/access.md.
type Options struct {
	// AdminToken is a token that may do everything. At least [MinAdminToken] bytes; empty is
	// none.
	AdminToken string
	Grants     []Grant
	Issuers    []Issuer
	Proxy      Proxy
	OIDC       OIDC
	// CheckFilter says what is wrong with the condition of a grant.
	CheckFilter func(source string) error
	// Client asks issuers for their keys. Default: one that follows no redirect.
	Client *http.Client
	Logger *slog.Logger
}

// MinAdminToken is how many bytes an administrator's token has at least.
const MinAdminToken = 20

// SessionTime is how long a session lasts.
const SessionTime = 7 * 24 * time.Hour

// Auth knows who may do what.
type Auth struct {
	options  Options
	store    *store
	issuers  []*issuer
	provider *provider // of sign-in; nil is none
	admin    string    // the mark of the administrator's token
}

// New returns what the log and the options say of who may do what.
func New(ctx context.Context, log streamgauge.Log, o Options) (*Auth, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: keysLimit, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	a := &Auth{options: o, store: newStore(log, o.CheckFilter, o.Logger)}
	for _, i := range o.Issuers {
		a.issuers = append(a.issuers, newIssuer(i, o.Client))
	}
	if o.OIDC.Issuer != "" {
		a.provider = &provider{OIDC: o.OIDC, client: o.Client}
	}
	if o.AdminToken != "" {
		sum := sha256.Sum256([]byte("mark of " + o.AdminToken))
		a.admin = hex.EncodeToString(sum[:8])
	}
	if _, err := a.store.poll(ctx); err != nil {
		return nil, fmt.Errorf("read who may do what: %w", err)
	}
	return a, nil
}

// Run keeps up with what other instances change until the context ends. It calls changed
// after each change.
func (a *Auth) Run(ctx context.Context, changed func()) error {
	a.store.run(ctx, changed)
	return nil
}

// Caller is who has sent a request.
type Caller struct {
	Name     string // for people
	SignedIn bool
	Admin    bool
	Cookie   bool   // by a cookie, which a browser sends without being asked
	Ticket   bool   // by a ticket: the request is the one that it was for
	Share    string // the dashboard that a share link is of
	Access   *streamgauge.Access
	Identity Identity
	Expires  time.Time // zero is never
}

// Refusal is why somebody is not believed to be who they say they are.
type Refusal struct {
	Status int
	Detail string
}

// Error returns the detail.
func (r *Refusal) Error() string { return r.Detail }

func refuse(status int, format string, args ...any) error {
	return &Refusal{status, fmt.Sprintf(format, args...)}
}

// CookieName is the name of the session's cookie: the prefix has browsers take it from this
// very host alone and over HTTPS, or on the machine itself.
const (
	CookieName         = "__Host-streamgauge"
	InsecureCookieName = "streamgauge" // where there is no HTTPS
)

// Caller returns who has sent the request. Whoever shows nothing is anyone; whoever shows
// something that is wrong is refused, with a [*Refusal].
func (a *Auth) Caller(r *http.Request) (*Caller, error) {
	if values := r.Header.Values("Authorization"); len(values) > 0 {
		scheme, token, _ := strings.Cut(values[0], " ")
		if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") || strings.TrimSpace(token) == "" {
			return nil, refuse(http.StatusUnauthorized, "Authorization has to be one token, as in \"Bearer sg_…\".")
		}
		who, expires, err := a.Believe(r.Context(), strings.TrimSpace(token))
		if err != nil {
			return nil, err
		}
		return a.caller(*who, expires)
	}
	if ticket := r.URL.Query().Get("ticket"); ticket != "" {
		return a.withTicket(r, ticket)
	}
	if user := a.options.Proxy.user(r); user != nil {
		return a.caller(*user, time.Time{})
	}
	names := []string{CookieName, InsecureCookieName}
	if OverHTTPS(r) {
		names = names[:1] // the other one could be of a neighbouring host
	}
	for _, session := range a.sessions(r, names) {
		if c, err := a.caller(session.Identity, session.Expiry.Time()); err == nil { // else it is as if signed out
			c.Cookie = true
			return c, nil
		}
	}
	return a.caller(Identity{}, time.Time{})
}

// Believe returns whom a token is of and until when, or a [*Refusal].
func (a *Auth) Believe(ctx context.Context, token string) (*Identity, time.Time, error) {
	if a.isAdmin(token) {
		return &Identity{Admin: a.admin}, time.Time{}, nil
	}
	if strings.HasPrefix(token, prefix) {
		r, ok := a.store.byToken(token)
		if !ok || r.Kind != KindToken && r.Kind != KindShare {
			return nil, time.Time{}, refuse(http.StatusUnauthorized, "The token is not valid: it is wrong, has expired or was revoked.")
		}
		return &Identity{Token: r.ID}, r.Expires, nil
	}
	if len(a.issuers) == 0 {
		return nil, time.Time{}, refuse(http.StatusUnauthorized, "The token is not valid: it is none of this server's.")
	}
	i, err := issuerOf(a.issuers, token)
	if err == nil {
		var who *Identity
		var expires time.Time
		if who, expires, err = i.verify(ctx, token); err == nil {
			return who, expires, nil
		}
	}
	if errors.Is(err, errKeys) {
		return nil, time.Time{}, refuse(http.StatusServiceUnavailable, "The keys of the token's issuer can't be had now; try again.")
	}
	return nil, time.Time{}, refuse(http.StatusUnauthorized, "The token is not valid: %v.", err)
}

func (a *Auth) isAdmin(token string) bool {
	if a.options.AdminToken == "" {
		return false
	}
	// Of sums, since to compare what is of another length takes another time.
	want, got := sha256.Sum256([]byte(a.options.AdminToken)), sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

// caller returns what the identity may do now.
func (a *Auth) caller(who Identity, expires time.Time) (*Caller, error) {
	if who.Session != "" && a.store.hasEnded(who.key(), who.Session) {
		return nil, refuse(http.StatusUnauthorized, "The session was ended.")
	}
	c := &Caller{Identity: who, Expires: expires, SignedIn: true}
	var rights Rights
	id := ""
	switch {
	case who.Admin != "":
		if who.Admin != a.admin {
			return nil, refuse(http.StatusUnauthorized, "The administrator's token is another now.")
		}
		rights, id, c.Name = allRights(), "admin:"+who.Admin, "the administrator"
	case who.Token != "":
		r, ok := a.store.find(who.Token)
		if !ok {
			return nil, refuse(http.StatusUnauthorized, "The token has expired or was revoked.")
		}
		rights, id, c.Name = r.rights, "token:"+r.ID, string(r.Kind)+" "+r.ID+" ("+r.Name+")"
		c.Share = r.Board
		if !r.Expires.IsZero() && (expires.IsZero() || r.Expires.Before(expires)) {
			c.Expires = r.Expires
		}
	case who.User != "":
		rights, id, c.Name = granted(a.options.Grants, &who, a.options.CheckFilter), "user:"+who.User, who.User
		if who.Rights != nil {
			given, err := who.Rights.rights(a.options.CheckFilter)
			if err != nil {
				return nil, refuse(http.StatusUnauthorized, "The token's claim streamgauge makes no sense: %v.", err)
			}
			rights.add(given)
		}
	default:
		rights, c.Name, c.SignedIn = granted(a.options.Grants, &who, a.options.CheckFilter), "anyone", false
	}
	if who.Only != nil {
		only, err := who.Only.rights(a.options.CheckFilter)
		if err != nil {
			return nil, refuse(http.StatusUnauthorized, "The ticket makes no sense: %v.", err)
		}
		rights.only(only.Read)
	}
	c.Admin, c.Access = rights.Admin, rights.access(id, c.Expires)
	if who.Token != "" || who.Session != "" {
		c.Access.Valid = func() bool {
			if _, ok := a.store.find(who.Token); who.Token != "" && !ok {
				return false
			}
			return who.Session == "" || !a.store.hasEnded(who.key(), who.Session)
		}
	}
	return c, nil
}

// Session returns the value of a cookie that says who it is, and when it expires: at the
// latest when the identity does.
func (a *Auth) Session(ctx context.Context, who Identity, until time.Time) (cookie string, expires time.Time, err error) {
	expires = time.Now().Add(SessionTime)
	if !until.IsZero() && until.Before(expires) {
		expires = until
	}
	if err := ends(expires); err != nil {
		return "", expires, err
	}
	cookie, err = a.store.seal(ctx, forSession, sealed{Identity: a.pruned(who)}, expires)
	if err == nil && len(cookie) > maxCookie {
		err = refuse(http.StatusForbidden, "There is too much said of you for a cookie (%d bytes): whoever vouches for you has to name fewer groups.", len(cookie))
	}
	return cookie, expires, err
}

// maxCookie is how long a cookie may be. Browsers take 4,096 bytes with its name, and say nothing
// when they don't.
const maxCookie = 4000

// pruned is the identity with those claims only that a grant speaks of.
func (a *Auth) pruned(who Identity) Identity {
	all := who.Claims
	who.Claims = nil
	for name, value := range all {
		if slices.ContainsFunc(a.options.Grants, func(g Grant) bool { return strings.Contains(g.Where, "user."+name) }) {
			if who.Claims == nil {
				who.Claims = map[string]any{}
			}
			who.Claims[name] = value
		}
	}
	delete(who.Claims, "groups") // those stand in Groups
	return who
}

// ends refuses what would end at once. A token is believed for a little longer than it says,
// as clocks differ; what is made of it is not.
func ends(expires time.Time) error {
	if time.Until(expires) < time.Second {
		return refuse(http.StatusUnauthorized, "The token has expired.")
	}
	return nil
}

// sessions are those of the request's cookies with the names.
func (a *Auth) sessions(r *http.Request, names []string) (all []*sealed) {
	for _, name := range names {
		for _, cookie := range r.CookiesNamed(name) {
			if session, err := a.store.unseal(r.Context(), forSession, cookie.Value); err == nil {
				session.Identity.Session = session.ID
				all = append(all, session)
			}
		}
	}
	return all
}

// End ends the sessions of which the request has the cookies, at all instances: whoever has a
// copy of one has nothing, and what was begun with it ends. It returns whose they were, for people.
func (a *Auth) End(r *http.Request) (whose []string, err error) {
	for _, session := range a.sessions(r, []string{CookieName, InsecureCookieName}) {
		c, err := a.caller(session.Identity, session.Expiry.Time())
		if err != nil {
			continue // it has ended
		}
		if err := a.store.end(r.Context(), session.Identity.key(), session.ID, session.Expiry.Time()); err != nil {
			return whose, err
		}
		whose = append(whose, c.Name)
	}
	return whose, nil
}

// NewToken returns a token that nobody can guess.
func NewToken() string { return prefix + "admin_" + rand.Text() }
