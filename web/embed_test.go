package web_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/streamgauge/streamgauge/web"
)

const navigation = "text/html,application/xhtml+xml,*/*;q=0.8"

// page compresses its files when it is made, so the tests share one.
var page = sync.OnceValue(func() http.Handler { return web.Handler() })

func get(t *testing.T, method, target string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	page().ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestEveryFileThatTheIndexNamesIsThere(t *testing.T) {
	index := body(t, get(t, "GET", "/"))
	named := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(index, -1)
	if len(named) < 3 {
		t.Fatalf("index.html names %d files, want a script, a style and an icon:\n%s", len(named), index)
	}
	for _, m := range named {
		name, ok := strings.CutPrefix(m[1], "./")
		if !ok {
			t.Errorf("index.html names %q, want a relative address that works under any path", m[1])
			continue
		}
		r := get(t, "GET", "/"+name)
		if r.StatusCode != http.StatusOK || body(t, r) == "" {
			t.Errorf("%s: status %d or empty, want the file", name, r.StatusCode)
		}
	}
}

func TestThePageIsServedWhereItShouldBe(t *testing.T) {
	for _, tt := range []struct {
		name, method, target, accept string
		status                       int
		contentType                  string
	}{
		{"the root is the page", "GET", "/", "*/*", 200, "text/html; charset=utf-8"},
		{"its script has its type", "GET", "/assets/app.js", "*/*", 200, "text/javascript; charset=utf-8"},
		{"its style has its type", "GET", "/assets/app.css", "*/*", 200, "text/css; charset=utf-8"},
		{"a navigation to a view is the page", "GET", "/wall", navigation, 200, "text/html; charset=utf-8"},
		{"anything else that asks for a view is told no", "GET", "/wall", "application/json", 404, ""},
		{"a missing file is no view", "GET", "/missing.js", navigation, 404, ""},
		{"a deeper path is no view", "GET", "/wall/deep", navigation, 404, ""},
		{"a folder is not listed", "GET", "/assets", "*/*", 404, ""},
		{"nothing can be sent", "POST", "/", navigation, 405, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := get(t, tt.method, tt.target, "Accept", tt.accept)
			if r.StatusCode != tt.status {
				t.Errorf("status %d, want %d", r.StatusCode, tt.status)
			}
			if got := r.Header.Get("Content-Type"); tt.contentType != "" && got != tt.contentType {
				t.Errorf("Content-Type %q, want %q", got, tt.contentType)
			}
			if got := r.Header.Get("Allow"); tt.status == 405 && got != "GET, HEAD" {
				t.Errorf("Allow %q, want GET, HEAD", got)
			}
		})
	}
}

func TestEveryFileCarriesTheSameHeaders(t *testing.T) {
	for _, target := range []string{"/", "/assets/app.js", "/assets/app.css", "/favicon.svg"} {
		h := get(t, "GET", target).Header
		for name, want := range map[string]string{
			"Cache-Control":          "no-cache",
			"Referrer-Policy":        "no-referrer",
			"X-Content-Type-Options": "nosniff",
			"Vary":                   "Accept-Encoding",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", target, name, got, want)
			}
		}
		csp := h.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'self'", "frame-ancestors 'self'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: Content-Security-Policy %q lacks %q", target, csp, want)
			}
		}
		if strings.Contains(csp, "unsafe") {
			t.Errorf("%s: Content-Security-Policy %q allows what is unsafe", target, csp)
		}
	}
}

func TestAFileIsSentOnceAndThenRevalidated(t *testing.T) {
	first := get(t, "GET", "/assets/app.js")
	tag := first.Header.Get("ETag")
	if len(tag) < 20 {
		t.Fatalf("ETag %q, want a hash", tag)
	}
	for _, known := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
		r := get(t, "GET", "/assets/app.js", "If-None-Match", known)
		if r.StatusCode != http.StatusNotModified || body(t, r) != "" {
			t.Errorf("If-None-Match %s: status %d or a body, want a bare 304", known, r.StatusCode)
		}
	}
	if r := get(t, "GET", "/assets/app.js", "If-None-Match", `"other"`); r.StatusCode != http.StatusOK {
		t.Errorf("another tag: status %d, want 200", r.StatusCode)
	}
}

func TestTheCompressedFormIsTheSameFile(t *testing.T) {
	plain := get(t, "GET", "/assets/app.js")
	packed := get(t, "GET", "/assets/app.js", "Accept-Encoding", "br, gzip;q=0.5")
	if got := packed.Header.Get("Content-Encoding"); got != "gzip" {
		t.Fatalf("Content-Encoding %q, want gzip", got)
	}
	if plain.Header.Get("ETag") == packed.Header.Get("ETag") {
		t.Error("both forms have the same strong ETag")
	}
	zip, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err := io.ReadAll(zip)
	if err != nil || string(unpacked) != body(t, plain) {
		t.Errorf("unpacked form differs from the plain one (error %v)", err)
	}
	refused := get(t, "GET", "/assets/app.js", "Accept-Encoding", "gzip;q=0")
	if got := refused.Header.Get("Content-Encoding"); got != "" {
		t.Errorf("gzip refused, yet Content-Encoding is %q", got)
	}
}

func TestHEADSendsTheLengthAndNothingElse(t *testing.T) {
	whole := body(t, get(t, "GET", "/"))
	r := get(t, "HEAD", "/")
	if r.ContentLength != int64(len(whole)) || body(t, r) != "" {
		t.Errorf("length %d, want %d and no body", r.ContentLength, len(whole))
	}
}

// All of the page's script and style, what is loaded later included.
func TestThePageStaysSmall(t *testing.T) {
	for ext, budget := range map[string]int{".js": 180_000, ".css": 15_000} {
		total := 0
		files, err := os.ReadDir("dist/assets")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if filepath.Ext(f.Name()) == ext {
				total += len(body(t, get(t, "GET", "/assets/"+f.Name(), "Accept-Encoding", "gzip")))
			}
		}
		if total == 0 || total > budget {
			t.Errorf("the page's %s files are %d bytes compressed, want at most %d", ext, total, budget)
		}
	}
}
