package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/auth"
	"github.com/streamgauge/streamgauge/internal/config"
	"github.com/streamgauge/streamgauge/internal/server"
)

var farAway = time.Now().Add(time.Hour)

func prefixes(texts ...string) (out []netip.Prefix) {
	for _, s := range texts {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

const adminToken = "an-administrators-token"

// locked is a fixture where everybody has to show who they are.
func locked(t testing.TB, change func(*config.Config)) *fixture {
	t.Helper()
	return newFixture(t, func(c *config.Config) {
		c.Auth.AdminToken = adminToken
		if change != nil {
			change(c)
		}
	})
}

// bearer returns the header with a token.
func bearer(token string) []string { return []string{"Authorization", "Bearer " + token} }

// token makes a token of these rights, in JSON.
func (f *fixture) token(t testing.TB, rights string) (secret, id string) {
	t.Helper()
	w := f.do("POST", "/v1/tokens", `{"name":"test",`+rights+`}`, append(bearer(adminToken), "Content-Type", "application/json")...)
	var made struct{ Token, ID string }
	if err := json.Unmarshal(w.Body.Bytes(), &made); err != nil || w.Code != http.StatusCreated || made.Token == "" {
		t.Fatalf("no token was made: %d %s", w.Code, w.Body)
	}
	return made.Token, made.ID
}

// share shares a dashboard.
func (f *fixture) share(t testing.TB, members string) (secret, id string) {
	t.Helper()
	w := f.do("POST", "/v1/shares", "{"+members+"}", append(bearer(adminToken), "Content-Type", "application/json")...)
	var made struct{ Token, ID string }
	if err := json.Unmarshal(w.Body.Bytes(), &made); err != nil || w.Code != http.StatusCreated || made.Token == "" {
		t.Fatalf("it is not shared: %d %s", w.Code, w.Body)
	}
	return made.Token, made.ID
}

type accessAnswer struct {
	operation string
	*httptest.ResponseRecorder
}

// accessAnswers are answers that have to do with who one is.
func accessAnswers(t *testing.T) (out []accessAnswer) {
	f := locked(t, nil)
	weak, _ := f.token(t, `"read":["a"]`)
	_, id := f.token(t, `"read":["b"],"where":"data == 1","expires_in":"1h"`)
	isJSON := []string{"Content-Type", "application/json"}
	do := func(operation, body string, header ...string) {
		method, path, _ := strings.Cut(operation, " ")
		path = strings.NewReplacer("{stream}", "a", "{name}", "host", "{id}", "x").Replace(path)
		out = append(out, accessAnswer{operation, f.do(method, path, body, header...)})
	}
	for _, operation := range server.Routes() {
		do(operation, "{}", isJSON...)
		do(operation, "{}", append(bearer(weak), "Content-Type", "application/json", "Accept", "application/json")...)
	}
	admin := append(bearer(adminToken), isJSON...)
	do("GET /v1/session", "", admin...)
	do("POST /v1/session", `{"token":"`+adminToken+`"}`, isJSON...)
	do("POST /v1/session", `{"token":"x","code":"y"}`, isJSON...)
	do("POST /v1/session", `{"token":"sg_x_y"}`, isJSON...)
	do("POST /v1/session", `{}`)
	do("DELETE /v1/session", "")
	do("GET /v1/tokens", "", admin...)
	do("POST /v1/tokens", `{}`, admin...)
	do("POST /v1/tokens", `{"name":"`+strings.Repeat("x", 100_000)+`"}`, admin...)
	do("POST /v1/session", `{"token":"`+strings.Repeat("x", 100_000)+`"}`, isJSON...)
	do("POST /v1/tokens", `{}`, bearer(adminToken)...)
	do("POST /v1/tokens", `{"name":"x","write":["a"]}`, admin...)
	do("DELETE /v1/tokens/{id}", "", admin...)
	out = append(out, accessAnswer{"DELETE /v1/tokens/{id}", f.do("DELETE", "/v1/tokens/"+id, "", admin...)})
	for _, path := range []string{"/v1/shares", "/v1/tickets"} {
		do("POST "+path, `{`, admin...)
		do("POST "+path, `{}`, bearer(adminToken)...)
		do("POST "+path, `{"where":"`+strings.Repeat("x", 100_000)+`"}`, admin...)
	}
	do("GET /v1/shares", "", admin...)
	do("POST /v1/shares", `{"dashboard":"host"}`, admin...)
	do("POST /v1/shares", `{"dashboard":"none","expires_in":"1h"}`, admin...)
	do("POST /v1/tickets", `{"where":"data"}`, admin...)
	do("POST /v1/tickets", `{"read":["a"]}`, admin...)
	do("DELETE /v1/shares/{id}", "", admin...)
	shared, share := f.share(t, `"dashboard":"host","expires_in":"1h"`)
	do("GET /v1/session", "", bearer(shared)...)
	do("POST /v1/session", `{"token":"`+shared+`"}`, isJSON...)
	do("POST /v1/shares", `{"dashboard":"host","expires_in":"1h"}`, admin...)
	out = append(out, accessAnswer{"DELETE /v1/shares/{id}", f.do("DELETE", "/v1/shares/"+share, "", admin...)})
	unlocked := newFixture(t, nil)
	for _, operation := range []string{"POST /v1/session", "GET /v1/tokens", "POST /v1/tokens", "DELETE /v1/tokens/{id}", "POST /v1/tickets", "GET /v1/shares", "POST /v1/shares", "DELETE /v1/shares/{id}"} {
		method, path, _ := strings.Cut(operation, " ")
		out = append(out, accessAnswer{operation, unlocked.do(method, path, "{}", isJSON...)})
	}
	_, id = f.token(t, `"read":["b"]`)
	_, share = f.share(t, `"dashboard":"host","expires_in":"1h"`)
	cookie := f.do("POST", "/v1/session", `{"token":"`+adminToken+`"}`, isJSON...).Result().Cookies()[0]
	if err := f.log.Close(); err != nil {
		t.Fatal(err)
	}
	do("DELETE /v1/session", "", "Cookie", cookie.Name+"="+cookie.Value, "Sec-Fetch-Site", "same-origin")
	if taken := out[len(out)-1].Result().Cookies(); len(taken) != 2 || taken[0].MaxAge >= 0 {
		t.Errorf("signing out while the log is closed leaves the cookie: %v", taken)
	}
	do("POST /v1/tokens", `{"name":"x","write":["a"]}`, admin...)
	do("POST /v1/shares", `{"dashboard":"host","expires_in":"1h"}`, admin...)
	out = append(out, accessAnswer{"DELETE /v1/shares/{id}", f.do("DELETE", "/v1/shares/"+share, "", admin...)})
	out = append(out, signInAnswers(t)...)
	closed := locked(t, nil) // it has no key to seal a session with yet
	if err := closed.log.Close(); err != nil {
		t.Fatal(err)
	}
	out = append(out, accessAnswer{"POST /v1/tickets", closed.do("POST", "/v1/tickets", "{}", admin...)})
	out = append(out, accessAnswer{"POST /v1/session", closed.do("POST", "/v1/session", `{"token":"`+adminToken+`"}`, isJSON...)})
	return append(out, accessAnswer{"DELETE /v1/tokens/{id}", f.do("DELETE", "/v1/tokens/"+id, "", admin...)})
}

// Whatever there is: without showing who one is nothing but what is meant to be open.
func TestNothingIsAnsweredToStrangers(t *testing.T) {
	t.Parallel()
	f := locked(t, nil)
	unlocked := []string{"GET /v1/session/oidc", "GET /v1/session/oidc/callback", "GET /v1/session", "POST /v1/session", "DELETE /v1/session", "GET /v1/dashboards/schema.json", "GET /v1/openapi.yaml", "GET /v1/openapi.json"}
	for _, operation := range server.Routes() {
		method, path, _ := strings.Cut(operation, " ")
		for _, header := range [][]string{nil, {"Authorization", ""}, {"Authorization", "Basic eDp5"}, {"Authorization", "Bearer "}, bearer("wrong"), bearer("sg_x_y"), {"Cookie", auth.CookieName + "=x"}, {"Authorization", "Bearer " + adminToken, "Authorization", "Bearer x"}} {
			w := f.do(method, path, "{}", append(header, "Content-Type", "application/json")...)
			if open := slices.Contains(unlocked, operation) && (len(header) == 0 || header[0] == "Cookie"); (w.Code == http.StatusUnauthorized) == open {
				t.Errorf("%s with %q: %d", operation, header, w.Code)
			}
			if w.Code == http.StatusUnauthorized && w.Header().Get("WWW-Authenticate") == "" {
				t.Errorf("%s with %q: does not say how", operation, header)
			}
		}
	}
}

func TestATokenMayDoWhatItWasMadeFor(t *testing.T) {
	t.Parallel()
	f := locked(t, nil)
	reader, _ := f.token(t, `"read":["a.>"],"where":"data.n > 1"`)
	writer, _ := f.token(t, `"write":["a.*"]`)
	for i := range 4 {
		if w := f.do("POST", "/v1/streams/a.x/events", fmt.Sprintf(`{"n":%d}`, i), bearer(writer)...); w.Code != http.StatusOK {
			t.Fatalf("publish: %d %s", w.Code, w.Body)
		}
	}
	if w := f.do("POST", "/v1/streams/b/events", "1", bearer(adminToken)...); w.Code != http.StatusOK {
		t.Fatalf("publish: %d %s", w.Code, w.Body)
	}
	page := func(token, query string) string {
		w := f.do("GET", "/v1/events?"+query, "", append(bearer(token), "Accept", "application/json")...)
		if w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", query, w.Code, w.Body)
		}
		var page struct{ Events []struct{ Data any } }
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(page.Events)
	}
	for query, want := range map[string]string{
		"stream=>":                "[{map[n:2]} {map[n:3]}]",
		"stream=b":                "[]",
		"stream=hub.auth":         "[]",
		"stream=hub.*&stream=hub": "[]",
	} {
		if got := page(reader, query); got != want {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
	}
	if got := page(adminToken, "stream=>"); strings.Count(got, "n:") != 4 || strings.Contains(got, "hash") {
		t.Errorf("the administrator sees %s", got)
	}
	if got := page(writer, "stream=>"); got != "[]" {
		t.Errorf("who may only publish sees %s", got)
	}
	wantProblem(t, f.do("POST", "/v1/streams/a.x/events", "1", bearer(reader)...), http.StatusForbidden, "ot allowed")
	wantProblem(t, f.do("POST", "/v1/streams/b/events", "1", bearer(writer)...), http.StatusForbidden, "ot allowed")
	wantProblem(t, f.do("POST", "/v1/events", `[{"stream":"a.x","data":1},{"stream":"b","data":1}]`, bearer(writer)...), http.StatusForbidden, "nothing of the request")
	if got := page(adminToken, "stream=a.>&stream=b"); strings.Count(got, "{") != 5 {
		t.Errorf("something was stored: %s", got)
	}
	list := f.do("GET", "/v1/streams", "", bearer(reader)...).Body.String()
	if strings.Contains(list, `"b"`) || strings.Contains(list, "hub.auth") || !strings.Contains(list, `"partial":true`) || strings.Contains(list, `"events":4`) {
		t.Errorf("the list of streams: %s", list)
	}
	if list := f.do("GET", "/v1/streams", "", bearer(adminToken)...).Body.String(); strings.Contains(list, "hub.auth") || !strings.Contains(list, `"name":"b"`) {
		t.Errorf("the administrator's list of streams: %s", list)
	}
}

func TestARevokedTokenIsNone(t *testing.T) {
	t.Parallel()
	f := locked(t, nil)
	secret, id := f.token(t, `"read":["a"]`)
	server := httptest.NewServer(f.handler)
	t.Cleanup(server.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	r, _ := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/v1/streams/a/events", nil)
	r.Header.Set("Authorization", "Bearer "+secret)
	response, err := http.DefaultClient.Do(r)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatal(response, err)
	}
	defer response.Body.Close()
	if w := f.do("DELETE", "/v1/tokens/"+id, "", bearer(adminToken)...); w.Code != http.StatusNoContent {
		t.Fatalf("revoke: %d %s", w.Code, w.Body)
	}
	var said strings.Builder
	buffer := make([]byte, 4096)
	for {
		n, err := response.Body.Read(buffer)
		said.Write(buffer[:n])
		if err != nil {
			break
		}
	}
	if !strings.Contains(said.String(), `"reason":"revoked"`) {
		t.Errorf("who was connected is told %s", said.String())
	}
	wantProblem(t, f.do("GET", "/v1/streams", "", bearer(secret)...), http.StatusUnauthorized, "revoked")
	wantProblem(t, f.do("DELETE", "/v1/tokens/"+id, "", bearer(adminToken)...), http.StatusNotFound)
	if list := f.do("GET", "/v1/tokens", "", bearer(adminToken)...).Body.String(); strings.Contains(list, id) {
		t.Errorf("it is in the list: %s", list)
	}
}

// A page signs in with a token, or with a link that can be used once, and has a cookie then.
func TestASessionIsACookie(t *testing.T) {
	t.Parallel()
	f := locked(t, nil)
	token, id := f.token(t, `"read":["a"]`)
	signIn := func(body string, header ...string) (*httptest.ResponseRecorder, string) {
		w := f.do("POST", "/v1/session", body, append(header, "Content-Type", "application/json", "Sec-Fetch-Site", "same-origin")...)
		cookies := w.Result().Cookies()
		if len(cookies) == 0 {
			return w, ""
		}
		c := cookies[0]
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.Secure != strings.HasPrefix(c.Name, "__Host-") {
			t.Errorf("the cookie is %v", c)
		}
		return w, c.Name + "=" + c.Value
	}
	w, cookie := signIn(`{"token":"` + token + `"}`)
	if w.Code != http.StatusOK || strings.HasPrefix(cookie, "__Host-") || cookie == "" {
		t.Fatalf("signing in: %d %s %s", w.Code, cookie, w.Body)
	}
	if _, secure := signIn(`{"token":"`+token+`"}`, "X-Forwarded-Proto", "https"); !strings.HasPrefix(secure, "__Host-") {
		t.Errorf("over HTTPS the cookie is %s", secure)
	}
	session := decode[map[string]any](t, f.do("GET", "/v1/session", "", "Cookie", cookie))
	if session["signed_in"] != true || session["admin"] != false || session["reads"] != true || session["writes"] != false {
		t.Errorf("the session is %v", session)
	}
	if w := f.do("GET", "/v1/streams", "", "Cookie", cookie); w.Code != http.StatusOK {
		t.Errorf("with the cookie: %d %s", w.Code, w.Body)
	}
	if w := f.do("GET", "/v1/streams", "", "Cookie", cookie[:len(cookie)-2]+"xx"); w.Code != http.StatusUnauthorized {
		t.Errorf("with one that was tampered with: %d", w.Code)
	}
	f.do("DELETE", "/v1/tokens/"+id, "", bearer(adminToken)...)
	if w := f.do("GET", "/v1/streams", "", "Cookie", cookie); w.Code != http.StatusUnauthorized {
		t.Errorf("with the cookie of a token that was revoked: %d", w.Code)
	}

	code, err := f.auth.Link(t.Context(), farAway)
	if err != nil {
		t.Fatal(err)
	}
	if w := f.do("GET", "/v1/streams", "", bearer(code)...); w.Code != http.StatusUnauthorized {
		t.Errorf("a link's code is taken for a token: %d", w.Code)
	}
	w, cookie = signIn(`{"code":"` + code + `"}`)
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"admin":true`) {
		t.Fatalf("the link: %d %s", w.Code, w.Body)
	}
	if w, again := signIn(`{"code":"` + code + `"}`); w.Code != http.StatusUnauthorized || again != "" {
		t.Errorf("the link a second time: %d %s", w.Code, w.Body)
	}
	publish := func(header ...string) int {
		return f.do("POST", "/v1/streams/a/events", "1", append(header, "Cookie", cookie)...).Code
	}
	if got := publish("Sec-Fetch-Site", "same-origin"); got != http.StatusOK {
		t.Errorf("the page publishes: %d", got)
	}
	for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"}, nil} {
		if got := publish(header...); got != http.StatusForbidden {
			t.Errorf("with the cookie and %q: %d", header, got)
		}
	}
	if w := f.do("DELETE", "/v1/session", "", "Cookie", cookie, "Sec-Fetch-Site", "same-origin"); w.Code != http.StatusNoContent || w.Result().Cookies()[0].MaxAge >= 0 {
		t.Errorf("signing out: %d %v", w.Code, w.Result().Cookies())
	}
	if got := publish("Sec-Fetch-Site", "same-origin"); got != http.StatusUnauthorized {
		t.Errorf("with a copy of the cookie: %d", got)
	}
}

func TestGrantsAreForThoseWhoAreNamed(t *testing.T) {
	t.Parallel()
	f := locked(t, func(c *config.Config) {
		c.TrustedProxies, c.Auth.ProxyUser, c.Auth.ProxyGroups = prefixes("192.0.2.0/24"), "X-User", "X-Groups" // httptest's
		c.Auth.Grants = []auth.Grant{
			{To: []string{auth.ToAnyone}, Read: streamgauge.Selection{"status"}},
			{To: []string{auth.ToSignedIn}, Read: streamgauge.Selection{"orders.>"}, Where: `data.by == user.name or "user.name" == user.name`},
			{To: []string{"group:ops"}, Admin: true},
			{To: []string{"user:ann"}, Write: streamgauge.Selection{"status"}},
			{To: []string{"user:ann"}, Read: streamgauge.Selection{"secret"}, Where: `data.tenant == user.tenant`},
		}
	})
	for _, stream := range []string{"status", "orders.1", "secret", "other"} {
		for _, by := range []string{"ann", "bob"} {
			if w := f.do("POST", "/v1/streams/"+stream+"/events", `{"by":"`+by+`"}`, bearer(adminToken)...); w.Code != http.StatusOK {
				t.Fatal(w.Body)
			}
		}
	}
	for _, c := range []struct {
		name   string
		header []string
		sees   string
	}{
		{"anyone", nil, "status:ann status:bob"},
		{"ann", []string{"X-User", "ann"}, "status:ann status:bob orders.1:ann"},
		{"a name that is code", []string{"X-User", `" or true or "`}, "status:ann status:bob"},
		{"ops", []string{"X-User", "bob", "X-Groups", "dev, ops"}, "status:ann status:bob orders.1:ann orders.1:bob secret:ann secret:bob other:ann other:bob"},
		{"two names", []string{"X-User", "ann", "X-User", "bob"}, "status:ann status:bob"},
	} {
		w := f.do("GET", "/v1/events?stream=>", "", append(c.header, "Accept", "application/json")...)
		var page struct {
			Events []struct {
				Stream string
				Data   struct{ By string }
			}
		}
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil {
			t.Fatalf("%s: %d %s", c.name, w.Code, w.Body)
		}
		var sees []string
		for _, e := range page.Events {
			sees = append(sees, e.Stream+":"+e.Data.By)
		}
		if got := strings.Join(sees, " "); got != c.sees {
			t.Errorf("%s sees %s, want %s", c.name, got, c.sees)
		}
	}
	if w := f.do("POST", "/v1/streams/status/events", "{}", "X-User", "ann"); w.Code != http.StatusOK {
		t.Errorf("ann publishes: %d", w.Code)
	}
	if w := f.do("POST", "/v1/streams/status/events", "{}"); w.Code != http.StatusUnauthorized {
		t.Errorf("anyone publishes: %d", w.Code)
	}
}

func TestDashboardsAreForThoseWhoSeeWhatTheyShow(t *testing.T) {
	t.Parallel()
	f := locked(t, nil)
	if err := os.MkdirAll(f.folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, streams := range map[string]string{"shown": "[a.x, a.>]", "mixed": "[a.x, secret.x]", "broken": "[a.x"} {
		text := "# why it is so\ntitle: T\nrows: [{panels: [{type: timeseries, stream: " + streams + "}]}]\n"
		if err := os.WriteFile(filepath.Join(f.folder, name+".yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f.store.Reload()
	reader, _ := f.token(t, `"read":["a.x"]`)
	list := f.do("GET", "/v1/dashboards", "", bearer(reader)...).Body.String()
	if !strings.Contains(list, `"shown"`) || strings.Contains(list, "mixed") || strings.Contains(list, "broken") || strings.Contains(list, `"host"`) {
		t.Errorf("the list is %s", list)
	}
	shown := f.do("GET", "/v1/dashboards/shown", "", bearer(reader)...)
	if shown.Code != http.StatusOK || strings.Contains(shown.Body.String(), "why it is so") || strings.Contains(shown.Body.String(), `"writable":true`) {
		t.Errorf("what may be seen: %d %s", shown.Code, shown.Body)
	}
	mixed, absent := f.do("GET", "/v1/dashboards/mixed", "", bearer(reader)...), f.do("GET", "/v1/dashboards/mixef", "", bearer(reader)...)
	if mixed.Code != http.StatusNotFound || strings.ReplaceAll(mixed.Body.String(), "mixed", "mixef") != absent.Body.String() {
		t.Errorf("what may not be seen: %s; what is not there: %s", mixed.Body, absent.Body)
	}
	if w := f.do("GET", "/v1/dashboards/mixed", "", bearer(adminToken)...); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "why it is so") {
		t.Errorf("the administrator gets %d", w.Code)
	}
}

// A page that makes up a name for this server's address gets nothing.
func TestOnlyKnownNamesAreAnswered(t *testing.T) {
	t.Parallel()
	hostname, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, func(c *config.Config) { c.AllowedHosts = []string{"metrics.example.com", "*.internal"} })
	for host, allowed := range map[string]bool{
		"localhost": true, "localhost:7070": true, "LOCALHOST:7070": true, "localhost.": true, "app.localhost": true,
		"127.0.0.1:7070": true, "[::1]:7070": true, "192.168.1.5": true, hostname + ":7070": true, "": true,
		"metrics.example.com": true, "metrics.example.com:443": true, "a.internal": true, "a.b.internal:80": true,
		"evil.example": false, "internal": false, "localhost.evil.example": false, "metrics.example.com.evil.example": false,
		"xmetrics.example.com": false, "127.0.0.1.nip.io:7070": false, "evilinternal": false,
	} {
		for _, path := range []string{"/", "/v1/streams"} {
			r := httptest.NewRequest("GET", path, nil)
			r.Host = host
			w := httptest.NewRecorder()
			f.handler.ServeHTTP(w, r)
			if (w.Code == http.StatusOK) != allowed || !allowed && w.Code != http.StatusMisdirectedRequest {
				t.Errorf("%q: %d", host, w.Code)
			}
		}
	}
}

// What administrators do is written down at once, what is refused once a second, however
// often it is tried.
func TestWhoDidWhatIsWrittenDown(t *testing.T) {
	t.Parallel()
	f := locked(t, nil)
	reader, id := f.token(t, `"read":[">"]`)
	for range 500 {
		f.do("GET", "/v1/streams", "", bearer("sg_wrong_token")...)
		f.do("POST", "/v1/streams/a/events", "1", bearer(reader)...)
		f.do("DELETE", "/v1/streams/a", "", bearer(reader)...)
	}
	f.do("POST", "/v1/streams/a/events", "1", append(bearer(adminToken), "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")...)
	f.do("POST", "/v1/session", `{"token":"`+reader+`"}`, "Content-Type", "application/json")
	f.do("POST", "/v1/streams/a/events", "1", bearer(adminToken)...)
	f.do("DELETE", "/v1/streams/a", "", bearer(adminToken)...)
	f.do("PUT", "/v1/dashboards/new", "title: N\nrows: []\n", append(bearer(adminToken), putOf("If-None-Match", "*")...)...)
	f.do("DELETE", "/v1/dashboards/new", "", bearer(adminToken)...)
	f.do("DELETE", "/v1/tokens/"+id, "", bearer(adminToken)...)
	page := func(token string) string {
		return f.do("GET", "/v1/events?stream=hub.audit&stream=hub.refused&last=1000", "", append(bearer(token), "Accept", "application/json")...).Body.String()
	}
	want := []string{
		`"actor":"the administrator","verb":"created the token","object":"` + id + ` (test)","from":"192.0.2.1"`,
		`"verb":"signed in"`, `"verb":"forgot the stream","object":"a"`, `"verb":"saved the dashboard","object":"new"`,
		`"verb":"deleted the dashboard","object":"new"`, `"verb":"revoked the token","object":"` + id,
		`"verb":"was not believed"`, `"verb":"was not allowed to publish"`, `"verb":"was not allowed to"`, `https://evil.example`, `"count":`,
	}
	eventually(t, "everything is written down", func() bool {
		text := page(adminToken)
		return !slices.ContainsFunc(want, func(one string) bool { return !strings.Contains(text, one) })
	})
	text := page(adminToken)
	if n := strings.Count(text, `"stream":"hub.`); n > 30 {
		t.Errorf("%d events of 1,500 refusals", n)
	}
	if strings.Contains(text, reader) || strings.Contains(text, "sg_wrong") || strings.Contains(text, adminToken) {
		t.Error("it tells tokens")
	}
	other, _ := f.token(t, `"read":[">", "hub.audit", "hub.refused"]`)
	if got := page(other); strings.Contains(got, "actor") {
		t.Errorf("one who is no administrator reads it: %.300s", got)
	}
	if list := f.do("GET", "/v1/streams", "", bearer(other)...).Body.String(); strings.Contains(list, "hub.audit") || strings.Contains(list, "hub.refused") {
		t.Errorf("it is in the list of one who is no administrator: %s", list)
	}
}
