package server_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/auth"
	"github.com/streamgauge/streamgauge/internal/config"
	"github.com/streamgauge/streamgauge/internal/testenv"
)

// openIDProvider starts a provider of OpenID Connect, Zitadel's example, which knows the
// client "web" with these callbacks and the user test-user@localhost.
func openIDProvider(t *testing.T, callbacks ...string) (issuer string) {
	t.Helper()
	program, err := testenv.Build("github.com/zitadel/oidc/v3/example/server", "v3.52.0", "server")
	if err != nil {
		if slices.Contains(strings.Split(os.Getenv("STREAMGAUGE_REQUIRE"), ","), "oidc") {
			t.Fatalf("oidc is required: %v", err)
		}
		t.Skipf("left out: there is no provider of OpenID Connect: %v", err)
	}
	_, port, _ := net.SplitHostPort(testenv.FreeAddress(t))
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), "PORT="+port, "REDIRECT_URI="+strings.Join(callbacks, ","))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("the provider says:\n%s", out.Bytes()[max(0, out.Len()-4<<10):])
		}
	})
	issuer = "http://localhost:" + port + "/"
	eventually(t, "the provider listens", func() bool {
		resp, err := http.Get(issuer + ".well-known/openid-configuration")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil && resp.StatusCode == http.StatusOK
	})
	return issuer
}

// A browser has cookies and follows redirects, and notes where it was.
type browser struct {
	*testing.T
	http.Client
	been []string
}

func newBrowser(t *testing.T) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{T: t}
	b.Jar = jar
	b.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		b.been = append(b.been, r.URL.String())
		return nil
	}
	return b
}

// open opens a page and returns where it ends up and what is there.
func (b *browser) open(method, address string, form url.Values) (end *url.URL, text string) {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		b.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("Accept", "text/html")
	resp, err := b.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.Request.URL, fmt.Sprint(resp.StatusCode, " ", string(body))
}

var hiddenID = regexp.MustCompile(`name="id" value="([^"]+)"`)

// signIn fills in the provider's form.
func (b *browser) signIn(form *url.URL, page, password string) (*url.URL, string) {
	b.Helper()
	id := hiddenID.FindStringSubmatch(page)
	if id == nil {
		b.Fatalf("this is no form to sign in: %s: %s", form, page)
	}
	return b.open("POST", form.String(), url.Values{"id": {id[1]}, "username": {"test-user@localhost"}, "password": {password}})
}

// People sign in to the page with a provider, and may do what is granted to them.
func TestPeopleSignInWithAProvider(t *testing.T) {
	t.Parallel()
	front := httptest.NewUnstartedServer(nil)
	base := "http://localhost:" + strings.TrimPrefix(front.Listener.Addr().String(), "127.0.0.1:")
	issuer := openIDProvider(t, base+"/v1/session/oidc/callback")
	f := newFixture(t, func(c *config.Config) {
		c.Auth.OIDC = auth.OIDC{Issuer: issuer, ClientID: "web", ClientSecret: "secret", Name: "Zitadel", Scopes: []string{"profile", "email"}, User: "email", Groups: "groups"}
		c.Auth.Grants = []auth.Grant{{To: []string{"user:test-user@zitadel.ch"}, Read: streamgauge.Selection{"a"}}}
	})
	front.Config.Handler = f.handler
	front.Start()
	t.Cleanup(front.Close)

	b := newBrowser(t)
	if _, text := b.open("GET", base+"/v1/streams", nil); !strings.HasPrefix(text, "401") {
		t.Errorf("before: %s", text)
	}
	if _, text := b.open("GET", base+"/v1/session", nil); !strings.Contains(text, `"provider":"Zitadel"`) {
		t.Errorf("the page is not told of the provider: %s", text)
	}
	form, page := b.open("GET", base+"/v1/session/oidc?return=/host%3Fwindow%3D1h", nil)
	asked, _ := url.Parse(b.been[0])
	if q := asked.Query(); q.Get("code_challenge_method") != "S256" || q.Get("nonce") == "" || len(q.Get("state")) < 20 {
		t.Errorf("the provider is asked %v", q)
	}
	if end, text := b.signIn(form, page, "wrong"); !strings.Contains(end.Host, asked.Host) {
		t.Errorf("a wrong password leads to %s: %s", end, text)
	}
	end, text := b.signIn(form, page, "verysecure")
	if end.String() != base+"/host?window=1h" {
		t.Fatalf("it ends at %s: %s", end, text)
	}
	callback := b.been[slices.IndexFunc(b.been, func(s string) bool {
		return strings.Contains(s, "callback?code=") || strings.Contains(s, "oidc/callback?")
	})]
	if _, text := b.open("GET", base+"/v1/session", nil); !strings.Contains(text, `"name":"test-user@zitadel.ch"`) || !strings.Contains(text, `"admin":false`) || !strings.Contains(text, `"reads":true`) {
		t.Errorf("the session: %s", text)
	}
	if _, text := b.open("GET", base+"/v1/streams", nil); !strings.HasPrefix(text, "200") {
		t.Errorf("signed in: %s", text)
	}

	// An answer that was used, one brought by another browser, and one that was made up.
	failed := func(what, address string, b *browser) {
		t.Helper()
		end, text := b.open("GET", address, nil)
		if !strings.HasPrefix(end.Fragment, "signin-failed=") {
			t.Errorf("%s: it ends at %s: %s", what, end, text)
		}
	}
	stranger := newBrowser(t)
	failed("used", callback, b)
	failed("in another browser", callback, stranger)
	failed("made up", base+"/v1/session/oidc/callback?code=x&state=y", stranger)
	stranger.open("GET", base+"/v1/session/oidc", nil)
	failed("with another's state", callback, stranger)
	failed("refused by the provider", base+"/v1/session/oidc/callback?error=access_denied&state=y", stranger)
	if _, text := stranger.open("GET", base+"/v1/streams", nil); !strings.HasPrefix(text, "401") {
		t.Errorf("the stranger: %s", text)
	}

	// Whoever makes a link must not send people elsewhere.
	for _, path := range []string{"https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "evil", ""} {
		c := newBrowser(t)
		form, page := c.open("GET", base+"/v1/session/oidc?return="+url.QueryEscape(path), nil)
		if end, _ := c.signIn(form, page, "verysecure"); end.String() != base+"/" {
			t.Errorf("return=%q ends at %s", path, end)
		}
	}
}

// signInAnswers are answers that have to do with a provider.
func signInAnswers(t *testing.T) (out []accessAnswer) {
	f := locked(t, nil)
	for _, path := range []string{"/v1/session/oidc", "/v1/session/oidc/callback"} {
		out = append(out, accessAnswer{"GET " + path, f.do("GET", path, "")})
	}
	withProvider := func(issuer string) *fixture {
		return newFixture(t, func(c *config.Config) {
			c.Auth.OIDC = auth.OIDC{Issuer: issuer, ClientID: "web", Name: "x", User: "email"}
		})
	}
	var provider *httptest.Server
	provider = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"authorization_endpoint":"%[1]s/a","token_endpoint":"http://127.0.0.1:1/","jwks_uri":"%[1]s/k"}`, provider.URL)
	}))
	t.Cleanup(provider.Close)
	f = withProvider(provider.URL)
	begun := f.do("GET", "/v1/session/oidc", "")
	out = append(out, accessAnswer{"GET /v1/session/oidc", begun})
	out = append(out, accessAnswer{"GET /v1/session/oidc/callback", f.do("GET", "/v1/session/oidc/callback", "")})
	out = append(out, accessAnswer{"GET /v1/session/oidc/callback", f.do("GET", "/v1/session/oidc/callback", "", "Accept", "text/html")})
	target, err := url.Parse(begun.Header().Get("Location"))
	if err != nil || len(begun.Result().Cookies()) == 0 {
		t.Fatalf("sign-in does not begin: %d %s", begun.Code, begun.Body)
	}
	cookie := begun.Result().Cookies()[0]
	out = append(out, accessAnswer{"GET /v1/session/oidc/callback", f.do("GET", "/v1/session/oidc/callback?code=x&state="+target.Query().Get("state"), "", "Cookie", cookie.Name+"="+cookie.Value)})
	away := withProvider("http://127.0.0.1:1")
	return append(out, accessAnswer{"GET /v1/session/oidc", away.do("GET", "/v1/session/oidc", "")})
}
