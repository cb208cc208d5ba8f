package dashboard_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/streamgauge/streamgauge/dashboard"
)

// FuzzParse: what is parsed goes out as JSON; what is not is told with a place
// that is in the text.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("*/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, c := range wrong {
		if len(c.text) < 1000 {
			f.Add([]byte(c.text))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := dashboard.Parse("x.yaml", text, options())
		var errs dashboard.Errors
		switch {
		case err == nil:
			if _, err := json.Marshal(d); err != nil || d.Title == "" {
				t.Fatalf("%+v: %v", d, err)
			}
		case !errors.As(err, &errs) || len(errs) == 0:
			t.Fatalf("got %#v", err)
		}
		for _, e := range errs {
			if e.Line < 1 || e.Column < 1 || e.Message == "" || e.File != "x.yaml" {
				t.Fatalf("got %+v", e)
			}
		}
	})
}

// FuzzPatch: whatever is patched means what it says, and a patch that says what
// is so already changes nothing.
func FuzzPatch(f *testing.F) {
	f.Add([]byte(rows), "/title", []byte(`"x"`), "/rows/0")
	f.Add([]byte("a: |\n  x\nb: [1, {c: d}]\n"), "/b/1/c", []byte(`[{"a":"b\nc"}]`), "/a")
	f.Add([]byte("- - a\n  - b\n- c"), "/0/-", []byte(`{}`), "/1")
	for seed := range uint64(20) {
		g := generate(seed)
		f.Add([]byte(g.b.String()), g.all[0], []byte(`{"a":[1,"2"]}`), g.all[len(g.all)-1])
	}
	f.Fuzz(func(t *testing.T, text []byte, path string, value []byte, from string) {
		if !json.Valid(value) || len(text) > 10_000 {
			t.Skip()
		}
		for _, ops := range [][]dashboard.Op{
			{{Op: "add", Path: path, Value: value}},
			{{Op: "remove", Path: from}},
			{{Op: "move", Path: path, From: from}},
		} {
			got, err := dashboard.Patch(text, ops)
			var failed *dashboard.PatchError
			switch {
			case err == nil && ops[0].Op == "add" && path != "" && path[len(path)-1] != '-':
				// It has the value now: saying so again changes nothing.
				same := []dashboard.Op{{Op: "replace", Path: path, Value: value}}
				if again, err := dashboard.Patch(got, same); err != nil || string(again) != string(got) {
					t.Fatalf("%v: %q became %q, then %q", err, text, got, again)
				}
			case err != nil && !errors.As(err, &failed):
				t.Fatalf("got %#v", err)
			}
		}
	})
}
