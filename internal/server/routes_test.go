package server_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/config"
)

func TestWhatTheAPIHasNotIsAProblem(t *testing.T) {
	f := newFixture(t, nil)
	for _, path := range []string{"/v1", "/v1/", "/v1/nothing", "/v1/streams/a/events/b", "/v1/streams/"} {
		wantProblem(t, f.do("GET", path, ""), http.StatusNotFound, "GET /v1/openapi.yaml")
	}
	for target, allow := range map[string]string{
		"PUT /v1/events":            "GET, HEAD, POST",
		"DELETE /v1/events":         "GET, HEAD, POST",
		"POST /v1/streams":          "GET, HEAD",
		"GET /v1/streams/a":         "DELETE",
		"PATCH /v1/streams/a":       "DELETE",
		"OPTIONS /v1/streams":       "GET, HEAD",
		"PUT /v1/streams/a/events":  "GET, HEAD, POST",
		"POST /v1/openapi.yaml":     "GET, HEAD",
		"PROPFIND /v1/openapi.json": "GET, HEAD",
	} {
		method, path, _ := strings.Cut(target, " ")
		w := f.do(method, path, "")
		if got := w.Header().Get("Allow"); got != allow {
			t.Errorf("%s: got Allow %q, want %q", target, got, allow)
		}
		wantProblem(t, w, http.StatusMethodNotAllowed, method, allow)
	}
}

func TestEverythingElseIsTheUI(t *testing.T) {
	f := newFixture(t, nil)
	for _, path := range []string{"/", "/streams/a", "/v2", "/assets/x.js"} {
		if got := f.do("GET", path, "").Body.String(); got != "the UI" {
			t.Errorf("%s: got %q", path, got)
		}
	}
}

type streamList struct {
	Head    string
	Streams []struct {
		Name        string
		Events      int
		Bytes       int64
		Rate        float64
		First, Last string
		Time        time.Time
		AgeMS       int64 `json:"age_ms"`
		Subscribers int
		Rule        struct {
			Match string
			Keep  struct {
				Events int
				Age    string
				Bytes  int64
			}
			Delivery, Format, Key string
		}
	}
}

func TestStreamsAreListedAndForgotten(t *testing.T) {
	f := newFixture(t, func(c *config.Config) {
		c.Streams = []streamgauge.Rule{{Match: "b.*", Keep: streamgauge.Keep{Events: 2}, Delivery: "latest", Key: "/k"}}
	})
	if got := decode[streamList](t, f.do("GET", "/v1/streams", "")); got.Head == "" || got.Streams == nil || len(got.Streams) != 0 {
		t.Errorf("got %+v, want a head and no streams", got)
	}
	f.do("POST", "/v1/streams/b.c/events", `["xx",2,3]`)
	f.do("POST", "/v1/streams/a/events", `1`)
	head, err := f.log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list := decode[streamList](t, f.do("GET", "/v1/streams", ""))
	if list.Head != head.String() || len(list.Streams) != 2 {
		t.Fatalf("got %+v", list)
	}
	a, b := list.Streams[0], list.Streams[1]
	if a.Name != "a" || a.Events != 1 || a.Bytes != 1 || a.First != head.String() || a.Last != head.String() ||
		a.Rule.Match != ">" || a.Rule.Keep.Events != 10_000 || a.Rule.Keep.Age != "24h0m0s" || a.Rule.Delivery != "all" || a.Rule.Format != "json" {
		t.Errorf("a: got %+v", a)
	}
	if b.Name != "b.c" || b.Events != 2 || b.Bytes != 2 || b.Rule.Match != "b.*" || b.Rule.Delivery != "latest" || b.Rule.Key != "/k" ||
		time.Since(b.Time) > time.Minute || b.AgeMS > 60_000 {
		t.Errorf("b: got %+v", b)
	}
	if w := f.do("DELETE", "/v1/streams/b.c", ""); w.Code != http.StatusNoContent || w.Body.Len() > 0 {
		t.Errorf("got %d: %s", w.Code, w.Body)
	}
	wantProblem(t, f.do("DELETE", "/v1/streams/nope", ""), http.StatusNotFound, "no such stream")
	wantProblem(t, f.do("DELETE", "/v1/streams/a..b", ""), http.StatusBadRequest, "token between dots is empty")
	wantProblem(t, f.do("DELETE", "/v1/streams/hub.log", ""), http.StatusForbidden, "the server's own")
	wantProblem(t, f.do("GET", "/v1/streams?page=2", ""), http.StatusBadRequest, `no parameter "page"`)
	for _, s := range decode[streamList](t, f.do("GET", "/v1/streams", "")).Streams {
		if s.Name == "b.c" && s.Events > 0 {
			t.Errorf("the forgotten stream still has events: %+v", s)
		}
	}
}

func TestPagesOfOtherOriginsCannotChangeAnything(t *testing.T) {
	const friend = "https://a.example.com"
	f := newFixture(t, func(c *config.Config) { c.CORS.Origins = []string{friend} })
	for name, c := range map[string]struct {
		header []string
		status int
	}{
		"no browser":                   {nil, 200},
		"our own page":                 {[]string{"Sec-Fetch-Site", "same-origin"}, 200},
		"our own page, an old browser": {[]string{"Origin", "http://example.com"}, 200},
		"a foreign page":               {[]string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, 403},
		"a foreign page, old browser":  {[]string{"Origin", "https://evil.example"}, 403},
		"an almost allowed origin":     {[]string{"Sec-Fetch-Site", "cross-site", "Origin", friend + ".evil.example"}, 403},
		"an allowed origin":            {[]string{"Sec-Fetch-Site", "cross-site", "Origin", friend}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			w := f.do("POST", "/v1/streams/a/events", "1", c.header...)
			if w.Code != c.status {
				t.Errorf("got %d, want %d: %s", w.Code, c.status, w.Body)
			}
			if c.status == http.StatusForbidden {
				wantProblem(t, w, 403, "cors.origins")
			}
		})
	}
}

func TestCORSIsOffByDefault(t *testing.T) {
	f := newFixture(t, nil)
	for _, method := range []string{"GET", "OPTIONS"} {
		w := f.do(method, "/v1/streams", "", "Origin", "https://a.example.com", "Access-Control-Request-Method", "GET")
		for name := range w.Header() {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s: got %s", method, name)
			}
		}
	}
}

func TestCORSForTheOriginsThatAreNamed(t *testing.T) {
	const friend = "https://a.example.com"
	f := newFixture(t, func(c *config.Config) { c.CORS.Origins = []string{"http://localhost:3000", friend} })
	vary := func(h http.Header) bool { return slices.Contains(h.Values("Vary"), "Origin") }

	t.Run("a preflight of an allowed origin", func(t *testing.T) {
		w := f.do("OPTIONS", "/v1/streams/a/events", "", "Origin", friend,
			"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type")
		h := w.Header()
		if w.Code != http.StatusNoContent || h.Get("Access-Control-Allow-Origin") != friend || !vary(h) || h.Get("Access-Control-Max-Age") == "" {
			t.Errorf("got %d %v", w.Code, h)
		}
		for _, name := range []string{"Last-Event-ID", "Content-Type", "Idempotency-Key", "Authorization"} {
			if !strings.Contains(h.Get("Access-Control-Allow-Headers"), name) {
				t.Errorf("%s is not allowed", name)
			}
		}
		for _, method := range []string{"GET", "POST", "DELETE"} {
			if !strings.Contains(h.Get("Access-Control-Allow-Methods"), method) {
				t.Errorf("%s is not allowed", method)
			}
		}
	})
	t.Run("a request of an allowed origin, also a refused one", func(t *testing.T) {
		for _, path := range []string{"/v1/streams", "/v1/nothing"} {
			h := f.do("GET", path, "", "Origin", friend).Header()
			if h.Get("Access-Control-Allow-Origin") != friend || !vary(h) {
				t.Errorf("%s: got %v", path, h)
			}
		}
	})
	t.Run("another origin", func(t *testing.T) {
		for _, origin := range []string{"https://b.example.com", "http://a.example.com", "null", ""} {
			for _, method := range []string{"GET", "OPTIONS"} {
				h := f.do(method, "/v1/streams", "", "Origin", origin, "Access-Control-Request-Method", "GET").Header()
				if h.Get("Access-Control-Allow-Origin") != "" || !vary(h) {
					t.Errorf("%s %q: got %v", method, origin, h)
				}
			}
		}
	})
	t.Run("OPTIONS that is no preflight", func(t *testing.T) {
		wantProblem(t, f.do("OPTIONS", "/v1/streams", "", "Origin", friend), http.StatusMethodNotAllowed)
	})
	t.Run("the UI is not the API", func(t *testing.T) {
		if h := f.do("GET", "/", "", "Origin", friend).Header(); h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("got %v", h)
		}
	})
}

func TestAHeadRequestEndsAtOnce(t *testing.T) {
	f := newFixture(t, nil)
	for _, path := range []string{"/v1/streams/a/events", "/v1/events?stream=a", "/v1/streams"} {
		if w := f.do("HEAD", path, ""); w.Code != http.StatusOK {
			t.Errorf("%s: got %d", path, w.Code)
		}
	}
}
