package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/auth"
	"github.com/streamgauge/streamgauge/internal/config"
)

// issuer is one whose tokens are believed, with its keys at a URL.
type issuer struct {
	*httptest.Server
	t      testing.TB
	rsa    *rsa.PrivateKey
	ec     *ecdsa.PrivateKey
	asked  atomic.Int32 // for its keys
	broken atomic.Bool
}

func newIssuer(t testing.TB) *issuer {
	t.Helper()
	i := &issuer{t: t}
	var err error
	if i.rsa, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	if i.ec, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.asked.Add(1)
		if i.broken.Load() {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
			{Key: &i.rsa.PublicKey, KeyID: "rsa", Use: "sig"}, {Key: &i.ec.PublicKey, KeyID: "ec", Use: "sig"},
		}})
	}))
	t.Cleanup(i.Close)
	return i
}

// sign signs a payload as it is.
func sign(t testing.TB, algorithm jose.SignatureAlgorithm, key any, kid, payload string) string {
	t.Helper()
	return signWith(t, algorithm, key, (&jose.SignerOptions{}).WithHeader("kid", kid), payload)
}

func signWith(t testing.TB, algorithm jose.SignatureAlgorithm, key any, options *jose.SignerOptions, payload string) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func claims(changes map[string]any) string {
	all := map[string]any{
		"iss": "https://id.example", "aud": "streamgauge", "sub": "ann", "groups": []string{"dev"},
		"exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(), "tenant": "acme",
		"streamgauge": map[string]any{"read": []string{"a"}, "write": []string{"a"}},
	}
	for name, value := range changes {
		if value == nil {
			delete(all, name)
		} else {
			all[name] = value
		}
	}
	text, _ := json.Marshal(all)
	return string(text)
}

// TestOnlyTokensThatAreRightAreBelieved tries every way in which a token can be wrong on
// everything that can be done.
func TestOnlyTokensThatAreRightAreBelieved(t *testing.T) {
	t.Parallel()
	i, stranger := newIssuer(t), newIssuer(t)
	const secret = "a-secret-of-at-least-32-bytes-for-hmac"
	f := locked(t, func(c *config.Config) {
		c.Auth.Issuers = []auth.Issuer{
			{Issuer: "https://id.example", Audience: "streamgauge", Algorithms: []string{"RS256", "ES256"}, Keys: i.URL},
			{Issuer: "https://hmac.example", Audience: "streamgauge", Algorithms: []string{"HS256"}, Secret: secret},
		}
	})
	right := sign(t, jose.RS256, i.rsa, "rsa", claims(nil))
	head, rest, _ := strings.Cut(right, ".")
	body, signature, _ := strings.Cut(rest, ".")
	b64 := base64.RawURLEncoding.EncodeToString
	public, err := x509.MarshalPKIXPublicKey(&i.rsa.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	with := func(changes map[string]any) string { return sign(t, jose.RS256, i.rsa, "rsa", claims(changes)) }
	many := map[string]any{}
	for n := range 1100 {
		many[fmt.Sprint("c", n)] = 1
	}
	hour := func(n int) int64 { return time.Now().Add(time.Duration(n) * time.Hour).Unix() }
	cases := map[string]struct {
		token string
		may   string // "", read, everything
	}{
		"right, RSA":                      {right, "some"},
		"right, ECDSA":                    {sign(t, jose.ES256, i.ec, "ec", claims(nil)), "some"},
		"right, HMAC":                     {sign(t, jose.HS256, []byte(secret), "", claims(map[string]any{"iss": "https://hmac.example"})), "some"},
		"right, several audiences":        {with(map[string]any{"aud": []string{"other", "streamgauge"}}), "some"},
		"right, an administrator":         {with(map[string]any{"streamgauge": map[string]any{"admin": true}}), "everything"},
		"right, a little late":            {with(map[string]any{"exp": time.Now().Add(-5 * time.Second).Unix()}), "some"},
		"none":                            {"", ""},
		"nonsense":                        {"nonsense", ""},
		"three parts of nonsense":         {"a.b.c", ""},
		"wrong signature":                 {head + "." + body + "." + b64([]byte("wrong")), ""},
		"another's signature":             {head + "." + b64([]byte(claims(map[string]any{"sub": "eve"}))) + "." + signature, ""},
		"no signature":                    {head + "." + body + ".", ""},
		"alg none":                        {b64([]byte(`{"alg":"none","kid":"rsa"}`)) + "." + body + ".", ""},
		"alg None with a signature":       {b64([]byte(`{"alg":"None","kid":"rsa"}`)) + "." + body + "." + signature, ""},
		"HS256 with the public key, PEM":  {sign(t, jose.HS256, publicPEM, "rsa", claims(nil)), ""},
		"HS256 with the public key, DER":  {sign(t, jose.HS256, public, "rsa", claims(nil)), ""},
		"HMAC as the other issuer":        {sign(t, jose.HS256, []byte(secret), "rsa", claims(nil)), ""},
		"RSA as the HMAC issuer":          {with(map[string]any{"iss": "https://hmac.example"}), ""},
		"an algorithm that is not listed": {sign(t, jose.PS256, i.rsa, "rsa", claims(nil)), ""},
		"RS512":                           {sign(t, jose.RS512, i.rsa, "rsa", claims(nil)), ""},
		"a stranger's key":                {sign(t, jose.RS256, stranger.rsa, "rsa", claims(nil)), ""},
		"an unknown kid":                  {sign(t, jose.RS256, stranger.rsa, "other", claims(nil)), ""},
		"a kid that is a path":            {sign(t, jose.RS256, stranger.rsa, "../../etc/passwd", claims(nil)), ""},
		"the key in its own header":       {signWith(t, jose.RS256, stranger.rsa, &jose.SignerOptions{EmbedJWK: true}, claims(nil)), ""},
		"expired":                         {with(map[string]any{"exp": hour(-1)}), ""},
		"no exp":                          {with(map[string]any{"exp": nil}), ""},
		"an exp that is a text":           {with(map[string]any{"exp": "never"}), ""},
		"not yet valid":                   {with(map[string]any{"nbf": hour(1)}), ""},
		"issued in the future":            {with(map[string]any{"iat": hour(1)}), ""},
		"another's audience":              {with(map[string]any{"aud": "other"}), ""},
		"no audience":                     {with(map[string]any{"aud": nil}), ""},
		"the audience as a part":          {with(map[string]any{"aud": "streamgauge2"}), ""},
		"another issuer":                  {with(map[string]any{"iss": "https://evil.example"}), ""},
		"no issuer":                       {with(map[string]any{"iss": nil}), ""},
		"the issuer with a slash":         {with(map[string]any{"iss": "https://id.example/"}), ""},
		"nobody's":                        {with(map[string]any{"sub": nil}), ""},
		"whose user is a number":          {with(map[string]any{"sub": 7}), ""},
		"claims twice":                    {sign(t, jose.RS256, i.rsa, "rsa", claims(nil)[:len(claims(nil))-1]+`,"sub":"eve"}`), ""},
		"claims twice within":             {sign(t, jose.RS256, i.rsa, "rsa", strings.Replace(claims(nil), `"read":["a"]`, `"read":["a"],"read":[">"]`, 1)), ""},
		"too many claims":                 {with(many), ""},
		"too long":                        {with(map[string]any{"x": strings.Repeat("x", 9000)}), ""},
		"a megabyte":                      {strings.Repeat("x", 1<<20), ""},
		"a list for claims":               {sign(t, jose.RS256, i.rsa, "rsa", `[1]`), ""},
		"no JSON":                         {sign(t, jose.RS256, i.rsa, "rsa", `nonsense`), ""},
		"more than one JSON":              {sign(t, jose.RS256, i.rsa, "rsa", claims(nil)+claims(nil)), ""},
		"rights that make no sense":       {with(map[string]any{"streamgauge": map[string]any{"read": []string{"a.>.b"}}}), ""},
		"a filter that makes no sense":    {with(map[string]any{"streamgauge": map[string]any{"read": []string{"a"}, "where": "(("}}), ""},
		"of this server, made up":         {"sg_abcdefghij_AAAAAAAAAAAAAAAAAAAAAAAAAA", ""},
		"of this server, without secret":  {"sg_admin_", ""},
	}
	for name, token := range wrongTokens(t, i, stranger) {
		cases[name] = struct{ token, may string }{token, ""}
	}
	if len(cases) < 120 {
		t.Errorf("only %d cases", len(cases))
	}
	operations := map[string]struct {
		method, target string
		admin          bool
	}{
		"subscribe":  {"GET", "/v1/streams/a/events", false},
		"history":    {"GET", "/v1/events?stream=a&last=5", false},
		"publish":    {"POST", "/v1/streams/a/events", false},
		"streams":    {"GET", "/v1/streams", false},
		"dashboards": {"GET", "/v1/dashboards", false},
		"forget":     {"DELETE", "/v1/streams/zz", true},
		"admin":      {"GET", "/v1/tokens", true},
	}
	server := httptest.NewServer(f.handler)
	t.Cleanup(server.Close)
	for name, c := range cases {
		for doing, o := range operations {
			r, _ := http.NewRequestWithContext(t.Context(), o.method, server.URL+o.target, strings.NewReader("1"))
			r.Header.Set("Content-Type", "application/json")
			if c.token != "" {
				r.Header.Set("Authorization", "Bearer "+c.token)
			}
			if doing == "history" {
				r.Header.Set("Accept", "application/json")
			}
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Errorf("%s, %s: %v", name, doing, err)
				continue
			}
			response.Body.Close()
			want := http.StatusUnauthorized
			switch {
			case name == "a megabyte":
				want = http.StatusUnauthorized
			case c.may == "everything" && doing == "forget":
				want = http.StatusNotFound
			case c.may == "some" && o.admin:
				want = http.StatusForbidden
			case c.may != "":
				want = http.StatusOK
			}
			if got := response.StatusCode; got != want {
				t.Errorf("%s, %s: %d, want %d", name, doing, got, want)
			}
		}
	}
	if n := i.asked.Load(); n > 2 {
		t.Errorf("its keys were asked for %d times: whoever makes up a kid has them asked for", n)
	}
}

// wrongTokens are made from one that is right, part by part.
func wrongTokens(t *testing.T, i, stranger *issuer) map[string]string {
	all := map[string]string{}
	for claim, values := range map[string][]any{
		"exp":         {"soon", true, []int{1}, map[string]int{"a": 1}, 0, -1, 1.5e3},
		"nbf":         {"soon", true, []int{1}, map[string]int{"a": 1}},
		"iat":         {"soon", true, []int{1}, map[string]int{"a": 1}},
		"aud":         {7, true, map[string]int{"a": 1}, []int{}, []int{7}, []string{"other"}, "", "Streamgauge", " streamgauge", "streamgauge,other"},
		"iss":         {7, true, []string{"https://id.example"}, map[string]int{"a": 1}, "", "HTTPS://ID.EXAMPLE", "https://id.example.", "https://id.example#", " https://id.example"},
		"sub":         {"", true, []string{"ann"}, map[string]int{"a": 1}},
		"streamgauge": {7, true, "admin", []string{"admin"}, map[string]any{"admin": "yes"}, map[string]any{"read": "a"}, map[string]any{"write": 7}, map[string]any{"read": []int{1}}},
	} {
		for _, value := range values {
			all[fmt.Sprintf("%s is %#v", claim, value)] = sign(t, jose.RS256, i.rsa, "rsa", claims(map[string]any{claim: value}))
		}
	}
	right := sign(t, jose.RS256, i.rsa, "rsa", claims(nil))
	parts := strings.Split(right, ".")
	for n := range 3 {
		for _, at := range []int{0, 1, len(parts[n]) / 2, len(parts[n]) - 2} {
			changed := []byte(parts[n])
			if changed[at]++; changed[at] == '=' || changed[at] == '.' {
				changed[at]++
			}
			other := slices.Clone(parts)
			other[n] = string(changed)
			all[fmt.Sprintf("byte %d of part %d is another", at, n)] = strings.Join(other, ".")
		}
		other := slices.Clone(parts)
		other[n] = ""
		all[fmt.Sprintf("part %d is empty", n)] = strings.Join(other, ".")
		other[n] = parts[n] + "="
		all[fmt.Sprintf("part %d is padded", n)] = strings.Join(other, ".")
		other[n] = parts[n][:4] + "\t" + parts[n][4:]
		all[fmt.Sprintf("part %d has a tab", n)] = strings.Join(other, ".")
	}
	for _, n := range []int{1, 10, len(parts[0]), len(parts[0]) + 1, len(right) / 2, len(right) - 20, len(right) - 1} {
		all[fmt.Sprintf("its first %d bytes", n)] = right[:n]
	}
	all["four parts"], all["five parts"] = right+"."+parts[2], right+"."+parts[2]+"."+parts[2]
	all["a dot before it"], all["a dot after it"] = "."+right, right+"."
	for _, header := range []string{`{"alg":"NONE"}`, `{"alg":"nOnE"}`, `{"alg":""}`, `{"alg":null}`, `{"alg":7}`, `{"alg":["RS256"]}`, `{"alg":"rs256"}`, `{}`, `[]`, `7`, `{"alg":"RS256","alg":"none"}`} {
		all["its header is "+header] = base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + parts[1] + "." + parts[2]
	}
	public := x509.MarshalPKCS1PublicKey(&i.rsa.PublicKey)
	for _, algorithm := range []jose.SignatureAlgorithm{jose.HS256, jose.HS384, jose.HS512} {
		for name, key := range map[string][]byte{"PKCS #1": public, "the modulus": i.rsa.N.Bytes(), "zeros": make([]byte, 64)} {
			all[fmt.Sprintf("%s with %s", algorithm, name)] = sign(t, algorithm, key, "rsa", claims(nil))
		}
	}
	for _, algorithm := range []jose.SignatureAlgorithm{jose.RS384, jose.PS384, jose.PS512} {
		all[string(algorithm)+", which is not listed"] = sign(t, algorithm, i.rsa, "rsa", claims(nil))
	}
	for name, value := range map[jose.HeaderKey]any{"jku": "https://evil.example/keys", "x5u": "https://evil.example/cert", "crit": []string{"exp"}, "b64": false} {
		all[fmt.Sprintf("a stranger's, with %s", name)] = signWith(t, jose.RS256, stranger.rsa, (&jose.SignerOptions{}).WithHeader("kid", "rsa").WithHeader(name, value), claims(nil))
	}
	return all
}

// Where an issuer's keys can't be had nobody is believed, and nobody is told that a token is
// wrong.
func TestAnIssuerThatIsAwayIsSaid(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	i.broken.Store(true)
	f := locked(t, func(c *config.Config) {
		c.Auth.Issuers = []auth.Issuer{{Issuer: "https://id.example", Audience: "streamgauge", Algorithms: []string{"RS256"}, Keys: i.URL}}
	})
	token := sign(t, jose.RS256, i.rsa, "rsa", claims(nil))
	for range 20 {
		w := f.do("GET", "/v1/streams", "", bearer(token)...)
		wantProblem(t, w, http.StatusServiceUnavailable, "keys")
		if w.Header().Get("Retry-After") == "" {
			t.Error("it does not say when to come back")
		}
	}
	if n := i.asked.Load(); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
	if w := f.do("GET", "/v1/streams", "", bearer(adminToken)...); w.Code != http.StatusOK {
		t.Errorf("the administrator meanwhile: %d", w.Code)
	}
}

// What an issuer says of somebody can be spoken of in filters.
func TestAFilterCanSpeakOfTheUser(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	f := locked(t, func(c *config.Config) {
		c.Auth.Issuers = []auth.Issuer{{Issuer: "https://id.example", Audience: "streamgauge", Algorithms: []string{"RS256"}, Keys: i.URL}}
		c.Auth.Grants = []auth.Grant{{To: []string{auth.ToSignedIn}, Read: streamgauge.Selection{"orders"}, Where: "data.tenant == user.tenant and data.team in user.groups"}}
	})
	for _, data := range []string{`{"tenant":"acme","team":"dev"}`, `{"tenant":"acme","team":"ops"}`, `{"tenant":"other","team":"dev"}`} {
		if w := f.do("POST", "/v1/streams/orders/events", data, bearer(adminToken)...); w.Code != http.StatusOK {
			t.Fatal(w.Body)
		}
	}
	sees := func(changes map[string]any) int {
		token := sign(t, jose.RS256, i.rsa, "rsa", claims(changes))
		w := f.do("GET", "/v1/streams/orders/events?last=10", "", append(bearer(token), "Accept", "application/json")...)
		if w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		return strings.Count(w.Body.String(), `"stream":"orders","id"`)
	}
	for name, c := range map[string]struct {
		changes map[string]any
		sees    int
	}{
		"of the tenant and the team": {nil, 1},
		"of both teams":              {map[string]any{"groups": []string{"ops", "dev"}}, 2},
		"of no team":                 {map[string]any{"groups": []string{}}, 0},
		"of no tenant":               {map[string]any{"tenant": nil}, 0},
		"whose tenant is code":       {map[string]any{"tenant": `" or true or "`}, 0},
		"whose tenant is an object":  {map[string]any{"tenant": map[string]any{"a": 1}}, 0},
	} {
		if got := sees(c.changes); got != c.sees {
			t.Errorf("somebody %s sees %d, want %d", name, got, c.sees)
		}
	}
}
