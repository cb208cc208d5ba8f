package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// OIDC is a provider with whom people sign in to the page (OpenID Connect Core 1.0, the
// Authorization Code flow with PKCE, RFC 7636).
type OIDC struct {
	Issuer       string // URL; empty is none
	ClientID     string
	ClientSecret string
	Name         string   // what the page calls it
	Scopes       []string // beside openid
	User, Groups string   // the claims that say who it is
}

const (
	// SignInTime is how long somebody may take to sign in with a provider.
	SignInTime = 10 * time.Minute

	forSignIn    = "sign-in"
	oidcTime     = 12 * time.Hour // after which groups and the like are asked for again
	oidcPatience = 10 * time.Second
)

// signIn is what has to be known when somebody comes back from the provider.
type signIn struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
	Return   string `json:"return"` // where to go then, a path
}

// provider is an OIDC that has been found.
type provider struct {
	OIDC
	client *http.Client

	mu     sync.Mutex // protects following
	found  *oidc.Provider
	failed time.Time // when it was not found last
}

// discover returns what the provider says of itself, which is asked once.
func (p *provider) discover(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	away := &Refusal{http.StatusServiceUnavailable, "The provider of sign-in can't be reached now; try again."}
	if time.Since(p.failed) < keysEvery {
		return nil, away
	}
	// It goes on asking for keys with this context, so it must not end with the request.
	found, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.client), p.Issuer)
	if err != nil {
		p.failed = time.Now()
		return nil, away
	}
	p.found = found
	return found, nil
}

func (p *provider) oauth(found *oidc.Provider, redirect string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.ClientID, ClientSecret: p.ClientSecret, Endpoint: found.Endpoint(),
		RedirectURL: redirect, Scopes: append([]string{oidc.ScopeOpenID}, p.Scopes...),
	}
}

// Provider returns what the page calls the provider of sign-in; empty is none.
func (a *Auth) Provider() string {
	if a.provider == nil {
		return ""
	}
	return a.provider.Name
}

// BeginSignIn returns where somebody signs in, and a sealed text that they have to bring back
// in a cookie. They come back to redirect, and in the end to the path.
func (a *Auth) BeginSignIn(ctx context.Context, redirect, path string) (target, cookie string, err error) {
	found, err := a.provider.discover(ctx)
	if err != nil {
		return "", "", err
	}
	s := signIn{rand.Text(), rand.Text(), oauth2.GenerateVerifier(), localPath(path)}
	cookie, err = a.store.seal(ctx, forSignIn, sealed{SignIn: &s}, time.Now().Add(SignInTime))
	if err != nil {
		return "", "", err
	}
	return a.provider.oauth(found, redirect).AuthCodeURL(s.State, oidc.Nonce(s.Nonce), oauth2.S256ChallengeOption(s.Verifier)), cookie, nil
}

// localPath returns the path if it is one of this server, else the root: whoever makes a link
// must not send people to another site after they have signed in here.
func localPath(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n\t") {
		return "/"
	}
	return path
}

// EndSignIn returns who has come back from the provider, until when they may stay, and the
// path to go to. An error that is not the log's is a [*Refusal].
func (a *Auth) EndSignIn(ctx context.Context, cookie, redirect string, answer url.Values) (who *Identity, until time.Time, path string, err error) {
	fail := func(format string, args ...any) (*Identity, time.Time, string, error) {
		return nil, time.Time{}, "", refuse(http.StatusUnauthorized, format, args...)
	}
	inside, err := a.store.unseal(ctx, forSignIn, cookie)
	if err != nil || inside.SignIn == nil || answer.Get("state") != inside.SignIn.State {
		return fail("This sign-in was not begun in this browser, or too long ago: begin again.")
	}
	if reason := answer.Get("error"); reason != "" {
		return fail("The provider has not signed you in: %.200s.", strings.TrimSpace(reason+" "+answer.Get("error_description")))
	}
	first, err := a.store.use(ctx, inside.ID, inside.Expiry.Time())
	if err != nil {
		return nil, time.Time{}, "", err
	}
	if !first {
		return fail("This sign-in was ended before: begin again.")
	}
	found, err := a.provider.discover(ctx)
	if err != nil {
		return nil, time.Time{}, "", err
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, a.provider.client), oidcPatience)
	defer cancel()
	tokens, err := a.provider.oauth(found, redirect).Exchange(ctx, answer.Get("code"), oauth2.VerifierOption(inside.SignIn.Verifier))
	if err != nil {
		var refused *oauth2.RetrieveError
		if errors.As(err, &refused) {
			return fail("The provider has not confirmed who you are (%s): begin again.", refused.ErrorCode)
		}
		return nil, time.Time{}, "", &Refusal{http.StatusServiceUnavailable, "The provider of sign-in can't be reached now; try again."}
	}
	text, _ := tokens.Extra("id_token").(string)
	id, err := found.Verifier(&oidc.Config{ClientID: a.provider.ClientID}).Verify(ctx, text)
	if err != nil || id.Nonce != inside.SignIn.Nonce {
		return fail("What the provider says of you can't be believed: begin again.")
	}
	who, err = a.provider.identity(ctx, found, id, tokens)
	if err != nil {
		return fail("What the provider says of you can't be used: %v.", err)
	}
	return who, time.Now().Add(oidcTime), inside.SignIn.Return, nil
}

// identity is whom an ID token, which has been verified, is of. What it does not say, the
// provider is asked for.
func (p *provider) identity(ctx context.Context, found *oidc.Provider, id *oidc.IDToken, tokens *oauth2.Token) (*Identity, error) {
	all, err := claimsOf(id)
	if err != nil {
		return nil, err
	}
	_, hasUser := all[p.User]
	if _, hasGroups := all[p.Groups]; (!hasUser || !hasGroups) && found.UserInfoEndpoint() != "" {
		info, err := found.UserInfo(ctx, oauth2.StaticTokenSource(tokens))
		if err != nil || info.Subject != id.Subject {
			return nil, errors.New("it does not say who you are when it is asked")
		}
		more, err := claimsOf(info)
		if err != nil {
			return nil, err
		}
		for name, value := range more {
			if _, said := all[name]; !said {
				all[name] = value
			}
		}
	}
	who := identityOf(all, p.User, p.Groups)
	if who.User == "" {
		return nil, errToken("it has no " + p.User + ", or an address that is not verified")
	}
	return who, nil
}

// claimsOf reads claims strictly.
func claimsOf(from interface{ Claims(any) error }) (map[string]any, error) {
	var raw rawClaims
	if err := from.Claims(&raw); err != nil {
		return nil, err
	}
	return readClaims(raw)
}

// rawClaims is a token's payload as it came.
type rawClaims []byte

// UnmarshalJSON implements [json.Unmarshaler].
func (r *rawClaims) UnmarshalJSON(text []byte) error {
	*r = append((*r)[:0], text...)
	return nil
}
