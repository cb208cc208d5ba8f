package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Bounds of the tokens of issuers (JSON Web Tokens, RFC 7519).
const (
	maxTokenBytes = 8 << 10
	maxClaims     = 1000 // names and values, also within others
	leeway        = 30 * time.Second

	keysEvery = 10 * time.Second // an issuer is asked for new keys at most so often
	keysLimit = 5 * time.Second
	keysBytes = 1 << 20
)

// Issuer is somebody whose tokens are believed.
type Issuer struct {
	Issuer     string   // iss, exactly
	Audience   string   // that must be among aud
	Algorithms []string // that it signs with, and no other
	// Keys is the URL of its keys (a JSON Web Key Set, RFC 7517). Empty: its OpenID
	// configuration says so.
	Keys string
	// Secret is the key of HS256, HS384 and HS512, which are believed with it alone.
	Secret string
	// User, Groups: the claims that say who it is. Default: sub, groups.
	User, Groups string
}

var (
	publicAlgorithms = []string{"RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "EdDSA"}
	secretAlgorithms = []string{"HS256", "HS384", "HS512"}
)

// Check says what is wrong with an issuer's settings, as a phrase.
func (i *Issuer) Check() error {
	allowed := publicAlgorithms
	if i.Secret != "" {
		allowed = secretAlgorithms
	}
	switch {
	case i.Issuer == "":
		return errors.New("has no issuer: say what its tokens have as iss")
	case i.Audience == "":
		return errors.New("has no audience: say what its tokens have as aud when they are meant for this server")
	case i.Secret != "" && i.Keys != "":
		return errors.New("has both a secret and keys: tokens are signed with one of them")
	case i.Secret != "" && len(i.Secret) < 32:
		return errors.New("has a secret of fewer than 32 bytes")
	case len(i.Algorithms) == 0:
		return fmt.Errorf("has no algorithms: list those that it signs with, of %s", strings.Join(allowed, ", "))
	}
	for _, name := range i.Algorithms {
		if !slices.Contains(allowed, name) {
			return fmt.Errorf("has the algorithm %q, it can be of %s", name, strings.Join(allowed, ", "))
		}
	}
	return nil
}

// issuer is an Issuer with its keys.
type issuer struct {
	Issuer
	algorithms []jose.SignatureAlgorithm
	client     *http.Client
	paced      *paced

	mu     sync.Mutex // protects following
	keys   *oidc.RemoteKeySet
	failed time.Time // when it was not found last
}

// paced lets requests through only so often: whoever sends a token of a key that is not
// known would otherwise make the server ask for keys each time.
type paced struct {
	http.RoundTripper

	mu     sync.Mutex // protects following
	asked  time.Time
	failed bool
}

var errTooSoon = errors.New("keys were asked for a moment ago")

// RoundTrip implements [http.RoundTripper].
func (p *paced) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.asked) < keysEvery {
		return nil, errTooSoon
	}
	p.asked = time.Now()
	response, err := p.RoundTripper.RoundTrip(r)
	p.failed = err != nil || response.StatusCode != http.StatusOK
	if err == nil {
		response.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(response.Body, keysBytes), response.Body}
	}
	return response, err
}

// lastFailed reports whether the last request that was let through brought nothing.
func (p *paced) lastFailed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed
}

func newIssuer(i Issuer, client *http.Client) *issuer {
	transport := client.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	out := &issuer{Issuer: i, client: client, paced: &paced{RoundTripper: transport}}
	for _, name := range i.Algorithms {
		out.algorithms = append(out.algorithms, jose.SignatureAlgorithm(name))
	}
	if out.User == "" {
		out.User = "sub"
	}
	if out.Groups == "" {
		out.Groups = "groups"
	}
	return out
}

// errToken says why a token is not believed, for whoever sent it.
type errToken string

func (e errToken) Error() string { return string(e) }

// errKeys says that an issuer's keys could not be had.
var errKeys = errors.New("the keys of the token's issuer can't be had now")

// issuerOf returns the issuer whose token it claims to be.
func issuerOf(issuers []*issuer, text string) (*issuer, error) {
	if len(text) > maxTokenBytes {
		return nil, errToken(fmt.Sprintf("the token is longer than %d bytes", maxTokenBytes))
	}
	var all []jose.SignatureAlgorithm
	for _, i := range issuers {
		all = append(all, i.algorithms...)
	}
	token, err := jwt.ParseSigned(text, all)
	if err != nil {
		return nil, errToken("it is no token that is known here, or it is signed in a way that is not")
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	if err := token.UnsafeClaimsWithoutVerification(&claims); err != nil {
		return nil, errToken("the token's claims make no sense")
	}
	for _, i := range issuers {
		if i.Issuer.Issuer == claims.Issuer {
			return i, nil
		}
	}
	return nil, errToken("the token is of an issuer that is not believed here")
}

// verify returns whom the token is of, and until when, if it can be believed.
func (i *issuer) verify(ctx context.Context, text string) (*Identity, time.Time, error) {
	payload, err := i.payload(ctx, text)
	if err != nil {
		return nil, time.Time{}, err
	}
	all, err := readClaims(payload)
	if err != nil {
		return nil, time.Time{}, err
	}
	var claims struct {
		jwt.Claims
		Rights *rightsJSON `json:"streamgauge"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return nil, time.Time{}, errToken("the token's claims make no sense")
	}
	if claims.Expiry == nil {
		return nil, time.Time{}, errToken("the token has no exp: one that never ends is not believed")
	}
	err = claims.ValidateWithLeeway(jwt.Expected{Issuer: i.Issuer.Issuer, AnyAudience: jwt.Audience{i.Audience}, Time: time.Now()}, leeway)
	switch {
	case errors.Is(err, jwt.ErrExpired):
		return nil, time.Time{}, errToken("the token has expired")
	case errors.Is(err, jwt.ErrNotValidYet), errors.Is(err, jwt.ErrIssuedInTheFuture):
		return nil, time.Time{}, errToken("the token is not valid yet")
	case errors.Is(err, jwt.ErrInvalidAudience):
		return nil, time.Time{}, errToken("the token is meant for somebody else: its aud is another")
	case err != nil:
		return nil, time.Time{}, errToken("the token's claims make no sense")
	}
	who := identityOf(all, i.User, i.Groups)
	if who.Rights = claims.Rights; who.User == "" {
		return nil, time.Time{}, errToken("the token does not say whose it is: it has no " + i.User)
	}
	return who, claims.Expiry.Time(), nil
}

// identityOf is whom claims are about; those of the names say who it is.
func identityOf(all map[string]any, user, groups string) *Identity {
	who := &Identity{Claims: scalars(all)}
	who.User, _ = all[user].(string)
	if verified := all["email_verified"]; user == "email" && verified != true && verified != "true" {
		who.User = "" // anybody may claim an address
	}
	list, _ := all[groups].([]any)
	for _, g := range list {
		if name, ok := g.(string); ok {
			who.Groups = append(who.Groups, name)
		}
	}
	return who
}

// payload returns what the token says if its signature is right.
func (i *issuer) payload(ctx context.Context, text string) ([]byte, error) {
	token, err := jose.ParseSignedCompact(text, i.algorithms)
	if err != nil {
		return nil, errToken("the token is signed in a way that its issuer does not")
	}
	if i.Secret != "" {
		payload, err := token.Verify([]byte(i.Secret))
		if err != nil {
			return nil, errToken("the token's signature is wrong")
		}
		return payload, nil
	}
	keys, err := i.keySet(ctx)
	if err != nil {
		return nil, err
	}
	// One request may wait for the keys that another has asked for.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keysLimit)
	defer cancel()
	payload, err := keys.VerifySignature(ctx, text)
	if err != nil && i.paced.lastFailed() {
		return nil, errKeys
	}
	if err != nil {
		return nil, errToken("the token's signature is wrong, or its key is none of its issuer's")
	}
	return payload, nil
}

// keySet returns the issuer's keys, which are asked for when they are needed.
func (i *issuer) keySet(ctx context.Context) (*oidc.RemoteKeySet, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.keys != nil {
		return i.keys, nil
	}
	url := i.Keys
	if url == "" {
		if time.Since(i.failed) < keysEvery {
			return nil, errKeys
		}
		var err error
		if url, err = i.discover(ctx); err != nil {
			i.failed = time.Now()
			return nil, errKeys
		}
	}
	client := *i.client
	client.Transport = i.paced
	i.keys = oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), &client), url)
	return i.keys, nil
}

// discover asks where the keys are (OpenID Connect Discovery 1.0).
func (i *issuer) discover(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, i.client), keysLimit)
	defer cancel()
	provider, err := oidc.NewProvider(ctx, i.Issuer.Issuer)
	if err != nil {
		return "", err
	}
	var found struct {
		Keys string `json:"jwks_uri"`
	}
	return found.Keys, provider.Claims(&found)
}

// readClaims decodes claims strictly: no name twice, and not too many.
func readClaims(payload []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber()
	left := maxClaims
	v, err := readValue(d, &left)
	if err != nil {
		return nil, err
	}
	claims, ok := v.(map[string]any)
	for name := range claims { // decoders take EXP for exp
		if lower := strings.ToLower(name); lower != name && slices.Contains([]string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "streamgauge"}, lower) {
			return nil, errToken(fmt.Sprintf("the token says %.40q, which is written %s", name, lower))
		}
	}
	if _, err := d.Token(); !ok || !errors.Is(err, io.EOF) {
		return nil, errToken("the token's claims are no JSON object")
	}
	return claims, nil
}

func readValue(d *json.Decoder, left *int) (any, error) {
	if *left--; *left < 0 {
		return nil, errToken(fmt.Sprintf("the token has more than %d claims", maxClaims))
	}
	bad := errToken("the token's claims make no sense")
	t, err := d.Token()
	if err != nil {
		return nil, bad
	}
	switch t := t.(type) {
	case json.Delim:
		if t == '[' {
			list := []any{}
			for d.More() {
				v, err := readValue(d, left)
				if err != nil {
					return nil, err
				}
				list = append(list, v)
			}
			if _, err := d.Token(); err != nil {
				return nil, bad
			}
			return list, nil
		}
		object := map[string]any{}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, bad
			}
			key, _ := name.(string)
			if _, twice := object[key]; twice {
				return nil, errToken("the token says " + fmt.Sprintf("%.40q", key) + " twice")
			}
			if object[key], err = readValue(d, left); err != nil {
				return nil, err
			}
		}
		if _, err := d.Token(); err != nil {
			return nil, bad
		}
		return object, nil
	default:
		return t, nil
	}
}

// scalars are the claims that filters can speak of.
func scalars(all map[string]any) map[string]any {
	out := map[string]any{}
	for name, value := range all {
		switch v := value.(type) {
		case string, bool, json.Number:
			out[name] = v
		case []any:
			if !slices.ContainsFunc(v, func(one any) bool { _, text := one.(string); return !text }) {
				out[name] = v
			}
		}
	}
	return out
}
