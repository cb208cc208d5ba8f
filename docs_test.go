package streamgauge_test

import (
	"encoding/json"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/filter"
)

// A guarantee that names a test which is gone shows nothing.
func TestTheGuaranteesNameTestsThatExist(t *testing.T) {
	var text []byte
	for _, path := range []string{"docs/guarantees.md", "SECURITY.md"} {
		one, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, one...)
	}
	var tests strings.Builder
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if d.IsDir() && d.Name() == "node_modules" {
			return filepath.SkipDir
		}
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		tests.Write(source)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`\b(Test|Fuzz|Benchmark)[A-Z]\w+`).FindAllString(string(text), -1)
	if len(names) < 50 {
		t.Errorf("only %d tests are named", len(names))
	}
	for _, name := range names {
		if !strings.Contains(tests.String(), "func "+name+"(") {
			t.Errorf("there is no %s", name)
		}
	}
	// A file of JavaScript, and perhaps its test by title.
	for _, named := range regexp.MustCompile("`(\\S+\\.mjs)`(?:, \"([^\"]+)\")?").FindAllStringSubmatch(string(text), -1) {
		source, err := os.ReadFile(named[1])
		if err != nil {
			t.Error(err)
		} else if title := named[2]; title != "" && !strings.Contains(string(source), "test('"+title+"'") {
			t.Errorf("%s has no test %q", named[1], title)
		}
	}
}

// fenced returns the blocks of the kind in the text, without their fences.
func fenced(text []byte, kind string) []string {
	var out []string
	for _, match := range regexp.MustCompile("(?s)```"+kind+"\n(.*?)```").FindAllSubmatch(text, -1) {
		out = append(out, string(match[1]))
	}
	return out
}

// compileFilter is filter.Compile as an option.
func compileFilter(source string) (streamgauge.Filter, error) { return filter.Compile(source) }

func TestTheViewsInTheDocumentationAreViews(t *testing.T) {
	text, err := os.ReadFile("docs/views.md")
	if err != nil {
		t.Fatal(err)
	}
	views := strings.Split(strings.TrimSpace(fenced(text, "view")[0]), "\n")
	for _, match := range regexp.MustCompile(`'view=(.*?)'`).FindAllSubmatch(text, -1) {
		views = append(views, string(match[1]))
	}
	if len(views) < 10 {
		t.Errorf("only %d views were found", len(views))
	}
	for _, view := range views {
		v, err := streamgauge.ParseView(view)
		if err != nil {
			t.Errorf("%s: %v", view, err)
		}
		if v.Where != "" {
			if _, err := filter.Compile(v.Where); err != nil {
				t.Errorf("%s: %v", view, err)
			}
		}
	}
}

// The rows in the documentation are what its events come to.
func TestTheRowsInTheDocumentationAreWhatComes(t *testing.T) {
	text, err := os.ReadFile("docs/views.md")
	if err != nil {
		t.Fatal(err)
	}
	log := streamgauge.NewMemoryLog(nil)
	log.Now = func() time.Time { return time.Date(2026, 3, 1, 12, 0, 20, 0, time.UTC) }
	f := newFixture(t, &streamgauge.Options{Log: log, CompileFilter: compileFilter})
	for line := range strings.Lines(fenced(text, "events")[0]) {
		var e struct {
			Stream string
			Time   time.Time
			Data   json.RawMessage
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if _, err := f.hub.Publish(t.Context(), streamgauge.Event{Stream: e.Stream, Time: e.Time, Data: e.Data}); err != nil {
			t.Fatal(err)
		}
	}
	all := fenced(text, "rows")
	asked := regexp.MustCompile("`([^`]*)` has").FindAllSubmatch(text, -1)
	if len(all) != 2 || len(asked) != 2 {
		t.Fatalf("there are %d blocks of rows for %d views", len(all), len(asked))
	}
	for i, want := range all {
		response := f.get("/v1/events?last=99&view="+url.QueryEscape(string(asked[i][1])), "Accept", "application/json")
		var page struct{ Events []json.RawMessage }
		if err := json.NewDecoder(response.Body).Decode(&page); err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for _, row := range page.Events {
			got.WriteString(string(row) + "\n")
		}
		if got.String() != want {
			t.Errorf("%s: got\n%swant\n%s", asked[i][1], got.String(), want)
		}
	}
}
