package server_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/internal/auth"
	"github.com/streamgauge/streamgauge/internal/config"
)

// A share link shows a dashboard as it was when it was shared, and nothing else.
func TestAShareLinkShowsOneDashboard(t *testing.T) {
	t.Parallel()
	f := locked(t, nil)
	save := func(name, streams string) {
		w := f.do("PUT", "/v1/dashboards/"+name, "title: T\nrows: [{panels: [{type: timeseries, stream: ["+streams+"]}, {type: stat, view: count(seen.b)}]}]\n",
			append(bearer(adminToken), putOf("If-Match", "*")...)...)
		if w.Code != http.StatusOK {
			t.Fatal(w.Code, w.Body)
		}
	}
	for _, name := range []string{"board", "other"} {
		f.do("PUT", "/v1/dashboards/"+name, "title: T\nrows: []\n", append(bearer(adminToken), putOf("If-None-Match", "*")...)...)
	}
	save("board", "seen.a")
	save("other", "seen.a")
	for _, stream := range []string{"seen.a", "seen.b", "later"} {
		for n := range 4 {
			if w := f.do("POST", "/v1/streams/"+stream+"/events", fmt.Sprintf(`{"n":%d}`, n), bearer(adminToken)...); w.Code != http.StatusOK {
				t.Fatal(w.Body)
			}
		}
	}
	secret, id := f.share(t, `"dashboard":"board","where":"data.n > 1","expires_in":"24h"`)
	save("board", "seen.a, later")
	seen := func() string {
		w := f.do("GET", "/v1/events?stream=>", "", append(bearer(secret), "Accept", "application/json")...)
		if w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		return w.Body.String()
	}
	if got := seen(); strings.Count(got, `"n":`) != 4 || strings.Contains(got, "later") || strings.Contains(got, `"n":1`) {
		t.Errorf("it shows %s", got)
	}
	f.do("PUT", "/v1/dashboards/board", "title: T\nrows: [{panels: [{type: timeseries, stream: [seen.a]}]}]\n", append(bearer(adminToken), putOf("If-Match", "*")...)...)
	if list := f.do("GET", "/v1/dashboards", "", bearer(secret)...).Body.String(); strings.Count(list, `"name"`) != 1 || !strings.Contains(list, `"board"`) {
		t.Errorf("the dashboards are %s", list)
	}
	for method, target := range map[string]string{"GET": "/v1/dashboards/other", "POST": "/v1/streams/seen.a/events", "DELETE": "/v1/streams/seen.a", "PUT": "/v1/dashboards/board"} {
		if w := f.do(method, target, "1", append(bearer(secret), putOf("If-Match", "*")...)...); w.Code != http.StatusForbidden && w.Code != http.StatusNotFound && w.Code != http.StatusUnsupportedMediaType {
			t.Errorf("%s %s: %d", method, target, w.Code)
		}
	}
	if got := f.head(t); got == 0 {
		t.Error("nothing was published")
	}
	if w := f.do("DELETE", "/v1/shares/"+id, "", bearer(adminToken)...); w.Code != http.StatusNoContent {
		t.Fatal(w.Code, w.Body)
	}
	wantProblem(t, f.do("GET", "/v1/streams", "", bearer(secret)...), http.StatusUnauthorized)
	wantProblem(t, f.do("POST", "/v1/shares", `{"dashboard":"board","expires_in":"100000h"}`, append(bearer(adminToken), "Content-Type", "application/json")...), http.StatusBadRequest, "within a year")
	wantProblem(t, f.do("POST", "/v1/shares", `{"dashboard":"none","expires_in":"1h"}`, append(bearer(adminToken), "Content-Type", "application/json")...), http.StatusNotFound)
}

// A ticket is good for one connection, soon, and for no more than what it was asked for.
func TestATicketIsGoodForOneConnection(t *testing.T) {
	t.Parallel()
	f := locked(t, nil)
	token, id := f.token(t, `"read":["a.>", "b"],"write":["a.>"]`)
	for _, stream := range []string{"a.x", "b"} {
		if w := f.do("POST", "/v1/streams/"+stream+"/events", `{"n":1}`, bearer(adminToken)...); w.Code != http.StatusOK {
			t.Fatal(w.Body)
		}
	}
	ticket := func(members string) string {
		w := f.do("POST", "/v1/tickets", "{"+members+"}", append(bearer(token), "Content-Type", "application/json")...)
		var made struct{ Ticket string }
		if err := json.Unmarshal(w.Body.Bytes(), &made); err != nil || w.Code != http.StatusCreated {
			t.Fatal(w.Code, w.Body)
		}
		return made.Ticket
	}
	use := func(ticket, method, path string, header ...string) *httptest.ResponseRecorder {
		return f.do(method, path+"ticket="+ticket, "1", append(header, "Accept", "application/json")...)
	}
	one := ticket("")
	if w := use(one, "GET", "/v1/events?stream=>&last=10&"); w.Code != http.StatusOK || strings.Count(w.Body.String(), `"n":1`) != 2 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	wantProblem(t, use(one, "GET", "/v1/events?stream=>&"), http.StatusUnauthorized, "used already")
	if w := use(ticket(`"read":["a.*","c"]`), "GET", "/v1/events?stream=>&last=10&"); w.Code != http.StatusOK || strings.Count(w.Body.String(), `"n":1`) != 1 {
		t.Errorf("a narrower one: %d %s", w.Code, w.Body)
	}
	if w := use(ticket(`"read":["a.*"],"where":"data.n > 1"`), "GET", "/v1/events?stream=>&last=10&"); strings.Contains(w.Body.String(), `"n":1`) {
		t.Errorf("with a condition: %s", w.Body)
	}
	wantProblem(t, use(ticket(""), "POST", "/v1/streams/a.x/events?"), http.StatusUnauthorized, "following")
	wantProblem(t, use(ticket(""), "GET", "/v1/streams?"), http.StatusUnauthorized, "following")
	bound := ticket(`"origin":"https://app.example"`)
	wantProblem(t, use(bound, "GET", "/v1/streams/b/events?"), http.StatusUnauthorized, "another origin")
	wantProblem(t, use(bound, "GET", "/v1/streams/b/events?", "Origin", "https://evil.example"), http.StatusUnauthorized, "another origin")
	if w := use(bound, "GET", "/v1/streams/b/events?last=1&", "Origin", "https://app.example"); w.Code != http.StatusOK {
		t.Errorf("from its origin: %d %s", w.Code, w.Body)
	}
	wantProblem(t, use("x", "GET", "/v1/streams/b/events?"), http.StatusUnauthorized, "not valid")
	cookie := f.do("POST", "/v1/session", `{"token":"`+token+`"}`, "Content-Type", "application/json").Result().Cookies()[0].Value
	wantProblem(t, use(cookie, "GET", "/v1/streams/b/events?"), http.StatusUnauthorized, "not valid")
	revoked := ticket("")
	if w := f.do("GET", "/v1/streams", "", "Cookie", auth.CookieName+"="+revoked); w.Code != http.StatusUnauthorized {
		t.Errorf("a ticket as a cookie: %d", w.Code)
	}
	if w := f.do("DELETE", "/v1/tokens/"+id, "", bearer(adminToken)...); w.Code != http.StatusNoContent {
		t.Fatal(w.Code)
	}
	wantProblem(t, use(revoked, "GET", "/v1/streams/b/events?"), http.StatusUnauthorized, "revoked")
}

// Whoever follows by a link is sent away when its dashboard's file is removed.
func TestWhoFollowsByALinkLeavesWithItsDashboard(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := filepath.Join(folder, "brief.yaml")
	if err := os.WriteFile(file, []byte("title: Brief\nrows: [{panels: [{type: log, stream: a}]}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := start(t, func(c *config.Config) { c.Auth.AdminToken, c.Dashboards = adminToken, folder })
	ask := func(method, path, token, body string) *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), method, r.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		return resp
	}
	var made struct{ Token string }
	if err := json.NewDecoder(ask("POST", "/v1/shares", adminToken, `{"dashboard":"brief","expires_in":"1h"}`).Body).Decode(&made); err != nil || made.Token == "" {
		t.Fatalf("it is not shared: %v", err)
	}
	lines := bufio.NewScanner(ask("GET", "/v1/streams/a/events", made.Token, "").Body)
	untilLine(t, lines, "hub.hello")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	untilLine(t, lines, `"reason":"revoked"`)
}
