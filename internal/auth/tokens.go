package auth

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode"
)

// TokenRequest is what somebody wants a token for.
type TokenRequest struct {
	Name  string
	Read  []string
	Where string
	Write []string
	Admin bool
	// Expires is when it ends; zero is never.
	Expires time.Time
	By      string
}

// Token is what may be said of a token.
type Token struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Read    []string  `json:"read,omitempty"`
	Where   string    `json:"where,omitempty"`
	Write   []string  `json:"write,omitempty"`
	Admin   bool      `json:"admin,omitempty"`
	By      string    `json:"by"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"`
}

func tokenOf(r *Record) Token {
	return Token{r.ID, r.Name, r.Read, r.Where, r.Write, r.Admin, r.By, r.Created, r.Expires}
}

// CreateToken makes a token. Its secret text is returned this once and kept nowhere. An
// error that is not the log's is a [*Refusal].
func (a *Auth) CreateToken(ctx context.Context, want TokenRequest) (secret string, made Token, err error) {
	secret, r, err := a.issue(ctx, Record{
		Kind: KindToken, Name: want.Name, By: want.By, Expires: want.Expires,
		rightsJSON: rightsJSON{want.Read, want.Where, want.Write, want.Admin},
	})
	if err != nil {
		return "", Token{}, err
	}
	return secret, tokenOf(r), nil
}

// issue checks what somebody wants and makes it.
func (a *Auth) issue(ctx context.Context, r Record) (secret string, made *Record, err error) {
	r.Name, r.Expires = strings.TrimSpace(r.Name), r.Expires.UTC().Truncate(time.Second)
	switch _, err := r.rightsJSON.rights(a.options.CheckFilter); {
	case err != nil:
		return "", nil, refuse(http.StatusBadRequest, "What it is for makes no sense: %v.", err)
	case r.Name == "" || len(r.Name) > 100 || strings.ContainsFunc(r.Name, unicode.IsControl):
		return "", nil, refuse(http.StatusBadRequest, "It needs a name of 1 to 100 bytes, by which people know it.")
	case !r.Expires.IsZero() && !r.Expires.After(time.Now()):
		return "", nil, refuse(http.StatusBadRequest, "It would have expired already.")
	}
	secret, made, err = a.store.issue(ctx, r)
	if errors.Is(err, ErrFull) {
		err = refuse(http.StatusConflict, "There can't be another: %v.", err)
	}
	return secret, made, err
}

// Tokens returns the tokens that are valid, the oldest first.
func (a *Auth) Tokens() []Token {
	out := []Token{}
	for _, r := range a.store.all(KindToken) {
		out = append(out, tokenOf(r.Record))
	}
	return out
}

// RevokeToken ends a token at all instances. [ErrNotFound] says that there is none.
func (a *Auth) RevokeToken(ctx context.Context, id string) (Token, error) {
	r, err := a.store.revoke(ctx, KindToken, id)
	if err != nil {
		return Token{}, err
	}
	return tokenOf(r), nil
}

// MaxShareTime is the longest that a share link can be valid.
const MaxShareTime = 366 * 24 * time.Hour

// ShareRequest is what somebody wants a share link for.
type ShareRequest struct {
	Name      string // for people
	Dashboard string
	Read      []string // what the dashboard shows
	Where     string   // which of its events
	Expires   time.Time
	By        string
}

// Share is what may be said of a share link.
type Share struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Dashboard string    `json:"dashboard"`
	Read      []string  `json:"read"`
	Where     string    `json:"where,omitempty"`
	By        string    `json:"by"`
	Created   time.Time `json:"created"`
	Expires   time.Time `json:"expires"`
}

func shareOf(r *Record) Share {
	return Share{r.ID, r.Name, r.Board, r.Read, r.Where, r.By, r.Created, r.Expires}
}

// CreateShare makes a share link. Its token is returned this once and kept nowhere. An error
// that is not the log's is a [*Refusal].
func (a *Auth) CreateShare(ctx context.Context, want ShareRequest) (secret string, made Share, err error) {
	if until := time.Until(want.Expires); until <= 0 || until > MaxShareTime {
		return "", Share{}, refuse(http.StatusBadRequest, "A share link needs an end, within a year.")
	}
	secret, r, err := a.issue(ctx, Record{
		Kind: KindShare, Name: want.Name, Board: want.Dashboard, By: want.By, Expires: want.Expires,
		rightsJSON: rightsJSON{Read: want.Read, Where: want.Where},
	})
	if err != nil {
		return "", Share{}, err
	}
	return secret, shareOf(r), nil
}

// IsShare reports whether it is a share link that somebody has.
func (a *Auth) IsShare(who *Identity) bool {
	r, ok := a.store.find(who.Token)
	return ok && r.Kind == KindShare
}

// Shares returns the share links that are valid, the oldest first.
func (a *Auth) Shares() []Share {
	out := []Share{}
	for _, r := range a.store.all(KindShare) {
		out = append(out, shareOf(r.Record))
	}
	return out
}

// RevokeShare ends a share link at all instances. [ErrNotFound] says that there is none.
func (a *Auth) RevokeShare(ctx context.Context, id string) (Share, error) {
	r, err := a.store.revoke(ctx, KindShare, id)
	if err != nil {
		return Share{}, err
	}
	return shareOf(r), nil
}

// Link returns a code that signs an administrator in, once, until it expires.
func (a *Auth) Link(ctx context.Context, expires time.Time) (code string, err error) {
	for _, old := range a.store.all(KindLink) {
		if _, err := a.store.revoke(ctx, KindLink, old.ID); err != nil && !errors.Is(err, ErrNotFound) {
			return "", err
		}
	}
	code, _, err = a.store.issue(ctx, Record{Kind: KindLink, By: "the start", Expires: expires.UTC().Truncate(time.Second), rightsJSON: rightsJSON{Admin: true}})
	return code, err
}

// Redeem returns whom a code of [Auth.Link] signs in.
func (a *Auth) Redeem(ctx context.Context, code string) (*Identity, error) {
	r, ok := a.store.byToken(code)
	if ok && r.Kind == KindLink && a.admin != "" {
		_, err := a.store.revoke(ctx, KindLink, r.ID)
		if err == nil {
			return &Identity{Admin: a.admin}, nil
		}
		if !errors.Is(err, ErrNotFound) {
			return nil, err
		}
	}
	return nil, refuse(http.StatusUnauthorized, "The link was used already, or has expired: start the server again for another one, or sign in with a token.")
}
