package server_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/dashboard"
	"github.com/streamgauge/streamgauge/internal/config"
	"github.com/streamgauge/streamgauge/internal/server"
)

func patchOf(version string) []string {
	return []string{"If-Match", version, "Content-Type", "application/json-patch+json"}
}

func putOf(header, version string) []string {
	return []string{header, version, "Content-Type", "application/yaml"}
}

func (f *fixture) version(name string) string { return f.store.Get(name).Version }

// breakFolder puts something in the place of the folder that nobody, not even
// root, can make a file in. The dashboards stay, since the folder can't be read.
func (f *fixture) breakFolder(t *testing.T) {
	t.Helper()
	if err := os.RemoveAll(f.folder); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.folder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// answer is what a dashboard's routes answer, problems too.
type answer struct {
	Name, Version, YAML, Diff, Detail, Title, Type, Instance string
	Status                                                   int
	Builtin, Writable                                        bool
	Dashboard                                                *struct {
		Title string
		Rows  []json.RawMessage
	}
	Errors dashboard.Errors
}

// site is the API behind a socket.
type site struct {
	*fixture
	url string
}

func newSite(t *testing.T) *site {
	t.Helper()
	f := newFixture(t, nil)
	s := httptest.NewServer(f.handler)
	t.Cleanup(s.Close)
	return &site{f, s.URL}
}

func (s *site) send(t *testing.T, method, path, body string, header ...string) (*http.Response, answer) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var a answer
	if strings.Contains(resp.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(text, &a); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
	}
	return resp, a
}

// file writes a file of the folder.
func (s *site) file(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(s.folder, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.folder, name), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	s.store.Reload()
}

func (s *site) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const shop = `# The shop's.
title: Shop   # short
rows:
  - title: 'Now'

    panels:
      # first
      - { type: stat, stream: shop.orders }
      # second
      - type: log # all of it
        stream: "logs.*"
`

func TestADashboardIsMadeReadEditedAndDeleted(t *testing.T) {
	s := newSite(t)
	resp, made := s.send(t, "PUT", "/v1/dashboards/shop", shop, putOf("If-None-Match", "*")...)
	if resp.StatusCode != http.StatusCreated || s.read(t, "shop.yaml") != shop || made.Builtin || !made.Writable {
		t.Fatalf("PUT: got %d, %+v", resp.StatusCode, made)
	}
	resp, got := s.send(t, "GET", "/v1/dashboards/shop", "")
	tag := resp.Header.Get("ETag")
	if tag != `"`+made.Version+`"` || got.YAML != shop || got.Dashboard.Title != "Shop" || len(got.Errors) != 0 {
		t.Fatalf("GET: got %s, %+v", tag, got)
	}
	if resp, _ := s.send(t, "GET", "/v1/dashboards/shop", "", "If-None-Match", tag); resp.StatusCode != http.StatusNotModified {
		t.Errorf("GET again: got %d", resp.StatusCode)
	}
	const patch = `[{"op":"replace","path":"/title","value":"My shop"},{"op":"move","from":"/rows/0/panels/1","path":"/rows/0/panels/0"}]`
	want := strings.Replace(shop, "Shop   #", "My shop   #", 1)
	want = strings.Replace(want, "      # first\n      - { type: stat, stream: shop.orders }\n", "", 1) + "      # first\n      - { type: stat, stream: shop.orders }\n"
	resp, dry := s.send(t, "PATCH", "/v1/dashboards/shop?dry_run=true", patch, patchOf(tag)...)
	if resp.StatusCode != http.StatusOK || dry.YAML != want || !strings.Contains(dry.Diff, "-title: Shop   # short\n+title: My shop   # short\n") {
		t.Fatalf("dry PATCH: got %d, %s%s%s", resp.StatusCode, dry.Detail, dry.Diff, dry.YAML)
	}
	if s.read(t, "shop.yaml") != shop {
		t.Error("the dry run changed the file")
	}
	resp, changed := s.send(t, "PATCH", "/v1/dashboards/shop", patch, patchOf(tag)...)
	if resp.StatusCode != http.StatusOK || s.read(t, "shop.yaml") != want || changed.Diff != dry.Diff || changed.Version != dry.Version || changed.Version == made.Version {
		t.Fatalf("PATCH: got %d, %+v", resp.StatusCode, changed)
	}
	for method, body := range map[string]string{"PATCH": patch, "PUT": shop, "DELETE": ""} {
		header := map[string][]string{"PATCH": patchOf(tag), "PUT": putOf("If-Match", tag), "DELETE": {"If-Match", tag}}[method]
		if resp, late := s.send(t, method, "/v1/dashboards/shop", body, header...); resp.StatusCode != http.StatusPreconditionFailed || !strings.Contains(late.Detail, "GET it again") {
			t.Errorf("%s of an old version: got %d, %s", method, resp.StatusCode, late.Detail)
		}
	}
	if resp, _ := s.send(t, "DELETE", "/v1/dashboards/shop", "", "If-Match", changed.Version); resp.StatusCode != http.StatusNoContent {
		t.Errorf("DELETE: got %d", resp.StatusCode)
	}
	if left, err := os.ReadDir(s.folder); err != nil || len(left) > 0 {
		t.Errorf("the folder still has %v, %v", left, err)
	}
}

func TestAFileTakesThePlaceOfWhatIsBuiltIn(t *testing.T) {
	s := newSite(t)
	_, before := s.send(t, "GET", "/v1/dashboards/host", "")
	if resp, refused := s.send(t, "PUT", "/v1/dashboards/host", shop, putOf("If-None-Match", "*")...); resp.StatusCode != http.StatusPreconditionFailed {
		t.Errorf("PUT of a new one: got %d, %s", resp.StatusCode, refused.Detail)
	}
	resp, own := s.send(t, "PATCH", "/v1/dashboards/host", `[{"op":"add","path":"/description","value":"Mine"}]`, patchOf(before.Version)...)
	if resp.StatusCode != http.StatusOK || own.Builtin || s.read(t, "host.yaml") != strings.Replace(before.YAML, "This very machine", "Mine", 1) {
		t.Fatalf("PATCH: got %d, %+v", resp.StatusCode, own)
	}
	s.file(t, "host.yaml", "titel: Host\n")
	if _, wrong := s.send(t, "GET", "/v1/dashboards/host", ""); wrong.Dashboard == nil || wrong.Dashboard.Title != "Host" || len(wrong.Errors) == 0 {
		t.Errorf("got %+v", wrong)
	}
	if resp, _ := s.send(t, "DELETE", "/v1/dashboards/host", ""); resp.StatusCode != http.StatusNoContent {
		t.Errorf("DELETE: got %d", resp.StatusCode)
	}
	if _, again := s.send(t, "GET", "/v1/dashboards/host", ""); !again.Builtin || again.YAML != before.YAML {
		t.Errorf("got %+v", again)
	}
}

func TestAWrongFileIsToldBesideTheLastGoodVersion(t *testing.T) {
	s := newSite(t)
	s.file(t, "shop.yaml", shop)
	const wrong = "title: Shop\nrows:\n  - panels:\n      - type: stet\n"
	s.file(t, "shop.yaml", wrong)
	_, got := s.send(t, "GET", "/v1/dashboards/shop", "")
	if got.YAML != wrong || got.Dashboard == nil || len(got.Dashboard.Rows) != 1 || len(got.Errors) != 1 {
		t.Fatalf("got %+v", got)
	}
	if e := got.Errors[0]; e.Line != 4 || e.Column != 15 || e.Path != "/rows/0/panels/0/type" || !strings.Contains(e.Message, "did you mean stat?") || !strings.HasSuffix(e.File, "shop.yaml") {
		t.Errorf("got %+v", e)
	}
	if resp, mended := s.send(t, "PATCH", "/v1/dashboards/shop", `[{"op":"replace","path":"/rows/0/panels/0","value":{"type":"stat","stream":"a"}}]`, patchOf(got.Version)...); resp.StatusCode != http.StatusOK || len(mended.Errors) != 0 {
		t.Errorf("mending it: got %d, %+v", resp.StatusCode, mended)
	}
	resp, refused := s.send(t, "PUT", "/v1/dashboards/shop", wrong, putOf("If-Match", "*")...)
	if resp.StatusCode != http.StatusUnprocessableEntity || len(refused.Errors) != 1 || refused.YAML != wrong || refused.Diff == "" || !strings.Contains(refused.Detail, "shop.yaml:4:15") {
		t.Errorf("PUT of a wrong one: got %d, %+v", resp.StatusCode, refused)
	}
}

func TestWhereTheFolderCantBeWrittenTheTextIsThereToCopy(t *testing.T) {
	s := newSite(t)
	s.file(t, "shop.yaml", shop)
	s.breakFolder(t)
	resp, got := s.send(t, "PATCH", "/v1/dashboards/shop", `[{"op":"replace","path":"/title","value":"S"}]`, patchOf("*")...)
	if resp.StatusCode != http.StatusForbidden || got.YAML != strings.Replace(shop, "Shop   #", "S   #", 1) || !strings.Contains(got.Diff, "+title: S   # short") || !strings.Contains(got.Detail, "Copy the text") {
		t.Errorf("got %d, %+v", resp.StatusCode, got)
	}
	if resp, dry := s.send(t, "PATCH", "/v1/dashboards/shop?dry_run=true", `[{"op":"replace","path":"/title","value":"S"}]`, patchOf("*")...); resp.StatusCode != http.StatusOK || dry.Diff != got.Diff {
		t.Errorf("dry run: got %d, %+v", resp.StatusCode, dry)
	}
}

func TestNamesAndLinksLeadNowhereElse(t *testing.T) {
	s := newSite(t)
	outside := filepath.Join(t.TempDir(), "outside.yaml")
	if err := os.WriteFile(outside, []byte("title: Secret\nrows: []\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	s.file(t, "inside.yaml", shop)
	for name, target := range map[string]string{"leads-out.yaml": outside, "leads-in.yaml": "inside.yaml", "dangling.yaml": "nothing.yaml"} {
		if err := os.Symlink(target, filepath.Join(s.folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	s.store.Reload()
	for name, title := range map[string]string{"leads-out": "", "dangling": "", "leads-in": "Shop"} {
		_, got := s.send(t, "GET", "/v1/dashboards/"+name, "")
		if title == "" && (got.Dashboard != nil || len(got.Errors) == 0 || strings.Contains(got.YAML, "Secret")) || title != "" && (got.Dashboard == nil || got.Dashboard.Title != title) {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	if resp, _ := s.send(t, "PUT", "/v1/dashboards/leads-out", shop, putOf("If-Match", "*")...); resp.StatusCode != http.StatusOK {
		t.Errorf("PUT over a link: got %d", resp.StatusCode)
	}
	if text, err := os.ReadFile(outside); err != nil || !strings.Contains(string(text), "Secret") {
		t.Errorf("what the link named has become %q, %v", text, err)
	}
	for _, name := range []string{"..%2fx", "%2e%2e%2fx", "a%2fb", "A", "a.b", "-a", strings.Repeat("a", 65), "a%00b", "schema.json"} {
		resp, _ := s.send(t, "PUT", "/v1/dashboards/"+name, shop, putOf("If-None-Match", "*")...)
		if resp.StatusCode != http.StatusBadRequest && resp.StatusCode != http.StatusNotFound && resp.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("PUT %s: got %d", name, resp.StatusCode)
		}
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(s.folder), "*")); err != nil || len(left) != 1 {
		t.Errorf("beside the folder there is %v, %v", left, err)
	}
}

func TestAHugeFileIsRefused(t *testing.T) {
	s := newSite(t)
	s.file(t, "huge.yaml", "title: H\nrows: []\n"+strings.Repeat("#", 3*dashboard.MaxBytes))
	if _, got := s.send(t, "GET", "/v1/dashboards/huge", ""); got.Dashboard != nil || len(got.Errors) != 1 || len(got.YAML) > dashboard.MaxBytes+1 {
		t.Errorf("got %d bytes, %v", len(got.YAML), got.Errors)
	}
}

func TestPagesOfAllowedOriginsMayEditDashboards(t *testing.T) {
	f := newFixture(t, func(c *config.Config) { c.CORS.Origins = []string{"https://app.example.com"} })
	w := f.do("OPTIONS", "/v1/dashboards/host", "", "Origin", "https://app.example.com", "Access-Control-Request-Method", "PATCH")
	if got := w.Header().Get("Access-Control-Allow-Methods") + w.Header().Get("Access-Control-Allow-Headers"); !strings.Contains(got, "PATCH") || !strings.Contains(got, "If-Match") {
		t.Errorf("got %q", got)
	}
	if w := f.do("PATCH", "/v1/dashboards/host", "[]", append(patchOf("*"), "Origin", "https://evil.example.com", "Sec-Fetch-Site", "cross-site")...); w.Code != http.StatusForbidden {
		t.Errorf("another origin: got %d", w.Code)
	}
}

// A whole server: a file that is changed is told to a subscriber within a second.
func TestAChangedFileIsToldWithinASecond(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "dashboards")
	url := start(t, func(c *config.Config) { c.Dashboards = folder }).url
	resp, err := http.Get(url + "/v1/streams/" + server.DashboardsStream + "/events?last=100")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	told := make(chan string, 100)
	go func() {
		defer close(told)
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			if data, ok := strings.CutPrefix(lines.Text(), `data: {"name":"shop"`); ok {
				told <- data
			}
		}
	}()
	wait := func(want string) {
		t.Helper()
		select {
		case got := <-told:
			if !strings.Contains(got, want) {
				t.Errorf("got %s, want %s", got, want)
			}
		case <-time.After(time.Second):
			t.Errorf("nothing was told within a second; want %s", want)
		}
	}
	path := filepath.Join(folder, "shop.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path+"~", []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+"~", path); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	write(shop)
	wait(`"title":"Shop","ok":true}`)
	write("titel: x\n")
	wait(`"title":"Shop","ok":false}`)
	write(strings.Replace(shop, "Shop", "Market", 1))
	wait(`"title":"Market","ok":true}`)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	wait(`"deleted":true}`)
}

func TestNamedViewsAreFollowedByName(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "shop.yaml"), []byte("title: Shop\nviews:\n  orders: count(shop.orders) every 1h\nrows: []\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	url := start(t, func(c *config.Config) { c.Dashboards = folder }).url
	resp, err := http.Post(url+"/v1/streams/shop.orders/events", "application/json", strings.NewReader("[1,2,3]"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	for name, want := range map[string]int{"shop/orders": http.StatusOK, "shop/none": http.StatusBadRequest, "none/orders": http.StatusBadRequest} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", url+"/v1/events?last=1&view="+name, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", "application/json")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != want || want == http.StatusOK && !strings.Contains(string(body), `"count":3`) {
			t.Errorf("%s: got %d, %s, %v", name, resp.StatusCode, body, err)
		}
	}
}
