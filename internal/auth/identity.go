package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/streamgauge/streamgauge"
)

// Identity is who somebody has shown to be. What they may do is looked up each time.
type Identity struct {
	Token  string         `json:"token,omitempty"`  // the ID of the token that they have
	Admin  string         `json:"admin,omitempty"`  // a mark of the administrator's token that they have
	User   string         `json:"user,omitempty"`   // as a provider or a proxy says
	Groups []string       `json:"groups,omitempty"` // of the user
	Claims map[string]any `json:"claims,omitempty"` // about the user, for filters
	Rights *rightsJSON    `json:"rights,omitempty"` // that an issuer has given
	// Session is that of whose cookie it is, or who has got a ticket with it.
	Session string      `json:"session,omitempty"`
	Only    *rightsJSON `json:"only,omitempty"` // what a ticket is for
}

// Grant gives rights to those who are named.
type Grant struct {
	// To lists whom: "user:NAME", "group:NAME", "signed-in" for whoever a provider or a proxy
	// vouches for, "anyone" also for those who are not signed in.
	To []string
	// Read selects the streams that may be read, Where says which of their events: in it
	// user.NAME stands for what the provider says of the user.
	Read  streamgauge.Selection
	Where string
	Write streamgauge.Selection
	Admin bool
}

// Who of whom a grant speaks.
const (
	ToAnyone   = "anyone"
	ToSignedIn = "signed-in"
)

// key stands for who it is where their name may not be seen.
func (i *Identity) key() string {
	sum := sha256.Sum256([]byte("whose " + i.Token + "\n" + i.Admin + "\n" + i.User))
	return hex.EncodeToString(sum[:16])
}

func (g *Grant) meant(i *Identity) bool {
	return slices.ContainsFunc(g.To, func(to string) bool {
		kind, name, _ := strings.Cut(to, ":")
		switch {
		case to == ToAnyone:
			return true
		case i.User == "":
			return false
		case to == ToSignedIn:
			return true
		case kind == "user":
			return name == i.User
		}
		return kind == "group" && slices.Contains(i.Groups, name)
	})
}

// granted returns what the grants give somebody. A filter that speaks of something that is
// not known of them gives nothing.
func granted(grants []Grant, i *Identity, check func(filter string) error) (r Rights) {
	for n := range grants {
		g := &grants[n]
		if !g.meant(i) {
			continue
		}
		more := Rights{Write: g.Write, Admin: g.Admin}
		if len(g.Read) > 0 {
			filter, err := expand(g.Where, i.values())
			if err == nil && filter != "" {
				err = check(filter)
			}
			if err != nil {
				continue
			}
			more.Read = []streamgauge.Grant{{Select: g.Read, Filter: filter}}
		}
		r.add(more)
	}
	return r
}

// values are what filters can say of a user.
func (i *Identity) values() map[string]any {
	values := map[string]any{}
	for name, value := range i.Claims {
		values[name] = value
	}
	if i.User != "" {
		values["name"] = i.User
		values["groups"] = append([]string{}, i.Groups...)
	}
	return values
}

// Purposes of what is sealed: what was sealed for one is nothing for another.
const (
	forSession = "session"
	forTicket  = "ticket"
)

// sealed is what is within a seal.
type sealed struct {
	jwt.Claims
	Identity Identity  `json:"who"`
	Until    time.Time `json:"until,omitzero"`   // when the identity ends, of a ticket
	Origin   string    `json:"origin,omitempty"` // of the pages that may use a ticket
	SignIn   *signIn   `json:"sign_in,omitempty"`
}

// seal returns a text that says who somebody is, until it expires. Every instance of the log
// can read it, and nobody else can write one.
func (s *store) seal(ctx context.Context, purpose string, inside sealed, expires time.Time) (string, error) {
	key, err := s.key(ctx, "")
	if err != nil {
		return "", err
	}
	options := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", key.ID)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: key.Secret}, options)
	if err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	inside.Claims = jwt.Claims{Audience: jwt.Audience{"streamgauge " + purpose}, Expiry: jwt.NewNumericDate(expires), ID: rand.Text()}
	return jwt.Signed(signer).Claims(inside).Serialize()
}

var errSeal = errors.New("it is not valid any more")

// unseal returns what was sealed for the purpose.
func (s *store) unseal(ctx context.Context, purpose, text string) (*sealed, error) {
	if len(text) > maxTokenBytes {
		return nil, errSeal
	}
	token, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.HS256})
	if err != nil || len(token.Headers) != 1 || token.Headers[0].KeyID == "" {
		return nil, errSeal
	}
	key, err := s.key(ctx, token.Headers[0].KeyID)
	if err != nil {
		return nil, errSeal
	}
	var inside sealed
	if err := token.Claims(key.Secret, &inside); err != nil {
		return nil, errSeal
	}
	expected := jwt.Expected{AnyAudience: jwt.Audience{"streamgauge " + purpose}, Time: time.Now()}
	if inside.Expiry == nil || inside.ValidateWithLeeway(expected, 0) != nil {
		return nil, errSeal
	}
	return &inside, nil
}
