package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/auth"
	"github.com/streamgauge/streamgauge/internal/config"
)

// ticketFor gets a ticket with a token.
func (f *fixture) ticketFor(t *testing.T, token, members string) (ticket string, code int) {
	t.Helper()
	w := f.do("POST", "/v1/tickets", "{"+members+"}", append(bearer(token), "Content-Type", "application/json")...)
	var made struct{ Ticket string }
	_ = json.Unmarshal(w.Body.Bytes(), &made)
	return made.Ticket, w.Code
}

// What narrows a right can't widen it, whatever its text is.
func TestAConditionCannotUndoAnother(t *testing.T) {
	t.Parallel()
	f := locked(t, nil)
	for _, tenant := range []string{"acme", "other"} {
		if w := f.do("POST", "/v1/streams/o/events", `{"tenant":"`+tenant+`"}`, bearer(adminToken)...); w.Code != http.StatusOK {
			t.Fatal(w.Body)
		}
	}
	for _, where := range []string{`data.tenant == \"acme\" // Acme GmbH`, `data.tenant == \"acme\"`, `/* ( */ data.tenant == \"acme\"`} {
		token, _ := f.token(t, `"read":["o"],"where":"`+where+`"`)
		for _, wanted := range []string{`true\nor true`, `true) or (true`, `true // `, `/* ( */ true`, `true or true`} {
			ticket, code := f.ticketFor(t, token, `"read":["o"],"where":"`+wanted+`"`)
			if code != http.StatusCreated {
				continue // it makes no sense
			}
			w := f.do("GET", "/v1/streams/o/events?last=10&ticket="+ticket, "", "Accept", "application/json")
			if w.Code != http.StatusOK || strings.Contains(w.Body.String(), `"other"`) {
				t.Errorf("%s narrowed by %s: %d %s", where, wanted, w.Code, w.Body)
			}
		}
	}
	token, _ := f.token(t, `"read":["o"],"where":"data.tenant == \"`+strings.Repeat("x", 600)+`\""`)
	if _, code := f.ticketFor(t, token, `"read":["o"],"where":"data.tenant == \"`+strings.Repeat("y", 600)+`\""`); code != http.StatusBadRequest {
		t.Errorf("what is too long together: %d", code)
	}
}

// Whether a stream exists can't be seen by who may not write to it, however much of a limit is
// left.
func TestLimitsDoNotTellOfStreams(t *testing.T) {
	t.Parallel()
	f := locked(t, func(c *config.Config) { c.Limits.NewStreamsPerMinute, c.Limits.BatchEvents = 1, 1 })
	if w := f.do("POST", "/v1/streams/secret.there/events", "1", bearer(adminToken)...); w.Code != http.StatusOK {
		t.Fatal(w.Body)
	}
	reader, _ := f.token(t, `"read":["a"]`)
	for i := range 20 {
		if w := f.do("POST", fmt.Sprintf("/v1/streams/made.up%d/events", i), "1", bearer(reader)...); w.Code != http.StatusForbidden {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	there, absent := f.do("POST", "/v1/streams/secret.there/events", "1", bearer(reader)...), f.do("POST", "/v1/streams/secret.thexe/events", "1", bearer(reader)...)
	if there.Code != absent.Code || strings.ReplaceAll(there.Body.String(), "there", "thexe") != absent.Body.String() {
		t.Errorf("%d %s\n%d %s", there.Code, there.Body, absent.Code, absent.Body)
	}
}

// What a ticket was used for stays known, whatever else is published meanwhile.
func TestAUsedTicketStaysUsed(t *testing.T) {
	t.Parallel()
	f := locked(t, nil)
	token, _ := f.token(t, `"read":["a"]`)
	ticket, _ := f.ticketFor(t, token, "")
	use := func() int {
		return f.do("GET", "/v1/streams/a/events?ticket="+ticket, "", "Accept", "application/json").Code
	}
	if got := use(); got != http.StatusOK {
		t.Fatal(got)
	}
	for i := range streamgauge.IdempotencyKeys + 1 { // more than the log remembers
		if _, err := f.hub.PublishBatch(t.Context(), streamgauge.Batch{Events: []streamgauge.Event{{Stream: "a", Data: []byte("1")}}, Key: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if got := use(); got != http.StatusUnauthorized {
		t.Errorf("the second time: %d", got)
	}
}

// What whoever likes can do does not drive out what was done, and no rule of the user's does.
func TestTheAuditStreamIsKept(t *testing.T) {
	t.Parallel()
	f := locked(t, func(c *config.Config) {
		c.Streams = []streamgauge.Rule{{Match: ">", Keep: streamgauge.Keep{Events: 3}}}
	})
	for range 10 {
		f.token(t, `"read":["a"]`)
	}
	reader, _ := f.token(t, `"read":["a"]`)
	for range 500 {
		cookie := f.do("POST", "/v1/session", `{"token":"`+reader+`"}`, "Content-Type", "application/json").Result().Cookies()[0]
		f.do("DELETE", "/v1/session", "", "Cookie", cookie.Name+"="+cookie.Value, "Sec-Fetch-Site", "same-origin")
	}
	page := func() string {
		return f.do("GET", "/v1/streams/hub.audit/events?last=1000", "", append(bearer(adminToken), "Accept", "application/json")...).Body.String()
	}
	eventually(t, "signing in and out is written down", func() bool { return strings.Contains(page(), "signed out") && strings.Contains(page(), "signed in") })
	if n, all := strings.Count(page(), "created the token"), strings.Count(page(), `"stream":"hub.audit","id"`); n != 11 || all > 30 {
		t.Errorf("%d of 11 deeds are kept, %d events in all", n, all)
	}
}

func TestClaimsAreWrittenAsTheyAre(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	f := locked(t, func(c *config.Config) {
		c.Auth.Issuers = []auth.Issuer{{Issuer: "https://id.example", Audience: "streamgauge", Algorithms: []string{"RS256"}, Keys: i.URL}}
	})
	for name, changes := range map[string]map[string]any{
		"AUD":         {"aud": "other", "AUD": "streamgauge"},
		"EXP":         {"exp": 1, "EXP": farAway.Unix()},
		"StreamGauge": {"streamgauge": nil, "StreamGauge": map[string]any{"admin": true}},
	} {
		token := sign(t, "RS256", i.rsa, "rsa", claims(changes))
		if w := f.do("GET", "/v1/streams", "", bearer(token)...); w.Code != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

// A cookie without the prefix can be of a neighbouring host: over HTTPS it is none.
func TestOverHTTPSOnlyTheHostsOwnCookieCounts(t *testing.T) {
	t.Parallel()
	f := locked(t, nil)
	cookie := f.do("POST", "/v1/session", `{"token":"`+adminToken+`"}`, "Content-Type", "application/json").Result().Cookies()[0]
	for _, c := range []struct {
		name, proto string
		code        int
	}{
		{auth.InsecureCookieName, "http", http.StatusOK},
		{auth.InsecureCookieName, "https", http.StatusUnauthorized},
		{auth.CookieName, "https", http.StatusOK},
	} {
		if w := f.do("GET", "/v1/streams", "", "Cookie", c.name+"="+cookie.Value, "X-Forwarded-Proto", c.proto); w.Code != c.code {
			t.Errorf("%s over %s: %d", c.name, c.proto, w.Code)
		}
	}
}

func TestOfTwoLinesOfGroupsNoneIsBelieved(t *testing.T) {
	t.Parallel()
	f := locked(t, func(c *config.Config) {
		c.TrustedProxies, c.Auth.ProxyUser, c.Auth.ProxyGroups = prefixes("192.0.2.0/24"), "X-User", "X-Groups"
		c.Auth.Grants = []auth.Grant{{To: []string{"group:ops"}, Admin: true}}
	})
	if w := f.do("GET", "/v1/tokens", "", "X-User", "bob", "X-Groups", "ops", "X-Groups", "dev"); w.Code != http.StatusUnauthorized {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := f.do("GET", "/v1/tokens", "", "X-User", "bob", "X-Groups", "dev, ops"); w.Code != http.StatusOK {
		t.Errorf("one line: %d %s", w.Code, w.Body)
	}
}

// Pages in a browser get nothing of the admin listener, by whatever name they ask.
func TestTheAdminListenerIsNothingForPages(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	url := r.adminURL(t)
	for name, c := range map[string]struct {
		method, path, host, site string
		code                     int
	}{
		"the operator":         {"GET", "/metrics", "", "", http.StatusOK},
		"typed into a browser": {"GET", "/metrics", "", "none", http.StatusOK},
		"a rebound name":       {"GET", "/metrics", "evil.example", "", http.StatusMisdirectedRequest},
		"another site":         {"GET", "/debug/pprof/profile?seconds=1", "", "cross-site", http.StatusForbidden},
		"another port":         {"GET", "/metrics", "", "same-site", http.StatusForbidden},
		"a form":               {"POST", "/debug/pprof/profile?seconds=1", "", "", http.StatusMethodNotAllowed},
	} {
		req, _ := http.NewRequestWithContext(t.Context(), c.method, url+c.path, nil)
		req.Host = c.host
		if c.site != "" {
			req.Header.Set("Sec-Fetch-Site", c.site)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.code {
			t.Errorf("%s: %d, want %d", name, resp.StatusCode, c.code)
		}
	}
}

// Anybody may claim an address: only one that is verified says who it is.
func TestAnAddressHasToBeVerified(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	f := locked(t, func(c *config.Config) {
		c.Auth.Issuers = []auth.Issuer{{Issuer: "https://id.example", Audience: "streamgauge", Algorithms: []string{"RS256"}, Keys: i.URL, User: "email"}}
		c.Auth.Grants = []auth.Grant{{To: []string{"user:boss@example.com"}, Admin: true}}
	})
	for verified, code := range map[any]int{true: http.StatusOK, "true": http.StatusOK, false: http.StatusUnauthorized, "false": http.StatusUnauthorized, nil: http.StatusUnauthorized, 1: http.StatusUnauthorized} {
		token := sign(t, "RS256", i.rsa, "rsa", claims(map[string]any{"email": "boss@example.com", "email_verified": verified}))
		if w := f.do("GET", "/v1/tokens", "", bearer(token)...); w.Code != code {
			t.Errorf("email_verified %v: %d %s", verified, w.Code, w.Body)
		}
	}
}

// Whoever signs out has ended every session of which the browser has a cookie, whatever else the
// request shows.
func TestSigningOutEndsEverySessionOfTheBrowser(t *testing.T) {
	t.Parallel()
	f := locked(t, nil)
	other, _ := f.token(t, `"read":["a"]`)
	value := func(token string) string {
		return f.do("POST", "/v1/session", `{"token":"`+token+`"}`, "Content-Type", "application/json").Result().Cookies()[0].Value
	}
	one, two := auth.CookieName+"="+value(adminToken), auth.InsecureCookieName+"="+value(other)
	w := f.do("DELETE", "/v1/session", "", append(bearer(other), "Cookie", one+"; "+two, "Sec-Fetch-Site", "same-origin")...)
	if w.Code != http.StatusNoContent || len(w.Result().Cookies()) != 2 {
		t.Fatalf("%d %v", w.Code, w.Result().Cookies())
	}
	for _, cookie := range []string{one, two} {
		if w := f.do("GET", "/v1/streams", "", "Cookie", cookie); w.Code != http.StatusUnauthorized {
			t.Errorf("%.20s: %d", cookie, w.Code)
		}
	}
}

// A link shows a dashboard, and nothing once that is gone.
func TestAShareLinkEndsWithItsDashboard(t *testing.T) {
	t.Parallel()
	f := locked(t, nil)
	if w := f.do("PUT", "/v1/dashboards/brief", "title: Brief\nrows: [{panels: [{type: log, stream: a}]}]\n", append(putOf("If-None-Match", "*"), bearer(adminToken)...)...); w.Code != http.StatusCreated {
		t.Fatal(w.Code, w.Body)
	}
	secret, _ := f.share(t, `"dashboard":"brief","expires_in":"1h"`)
	read := func() int {
		return f.do("GET", "/v1/streams/a/events", "", append(bearer(secret), "Accept", "application/json")...).Code
	}
	if got := read(); got != http.StatusOK {
		t.Fatal(got)
	}
	if w := f.do("DELETE", "/v1/dashboards/brief", "", bearer(adminToken)...); w.Code != http.StatusNoContent {
		t.Fatal(w.Code, w.Body)
	}
	if got := read(); got != http.StatusUnauthorized {
		t.Errorf("after it was deleted: %d", got)
	}
}

// A body of another type is answered in the words of JSON.
func TestABodyOfAnotherTypeIsSaid(t *testing.T) {
	t.Parallel()
	f := locked(t, nil)
	for body, want := range map[string]string{
		`[]`:                       "has to be an object, it is of type array",
		`"x"`:                      "has to be an object, it is of type string",
		`{"name":7}`:               "name can't be of type number",
		`{"name":"x","read":"a"}`:  "read can't be of type string",
		`{"name":"x","reads":[]}`:  "unknown field",
		`{"name":"x"} {"name":""}`: "something follows the object",
	} {
		w := f.do("POST", "/v1/tokens", body, append(bearer(adminToken), "Content-Type", "application/json")...)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) || strings.Contains(w.Body.String(), "struct") {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
}
