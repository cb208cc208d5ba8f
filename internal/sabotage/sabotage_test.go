// Package sabotage tests the tests: it puts the faults that other systems have
// had back into our code, one at a time, and demands that a named test notices.
//
// Nothing of it is in the product: a fault is an edit of a source file that
// only the compiler of that one test run sees.
package sabotage

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A fault is a bug that somebody shipped.
type fault struct {
	name  string
	seen  string // where
	file  string
	edits []edit
	pkg   string // whose test notices; default the root's
	env   string // in which it does
	test  string // the test that notices
}

// byGoroutine has connections carried as they are where there is no event loop.
const byGoroutine = "STREAMGAUGE_TRANSPORT=goroutine"

// An edit replaces a text that the file has exactly once.
type edit struct{ old, new string }

// Whoever changes what a fault replaces sees it at once, and not only when all are put back.
func TestEveryFaultFitsTheCode(t *testing.T) {
	for _, f := range slices.Concat(faults, accessFaults) {
		t.Run(f.name, func(t *testing.T) { f.overlay(t, "../..") })
	}
}

func TestEveryFaultIsNoticed(t *testing.T) {
	if os.Getenv("STREAMGAUGE_SABOTAGE") == "" {
		t.Skip("left out: sabotage takes minutes; set STREAMGAUGE_SABOTAGE=1")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range slices.Concat(faults, accessFaults) {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			if f.pkg == "" {
				f.pkg = "."
			}
			overlay := f.overlay(t, root)
			out, failed := runTest(t, root, f, "-overlay="+overlay)
			switch {
			case strings.Contains(out, "[build failed]"), strings.Contains(out, "[setup failed]"):
				t.Fatalf("the fault does not compile; mend it:\n%s", out)
			case !failed:
				t.Errorf("%s (%s) was put back and %s passed:\n%s", f.name, f.seen, f.test, out)
			case !regexp.MustCompile(`(?m)^--- FAIL: ` + f.test + `\b|^panic: |^WARNING: DATA RACE`).MatchString(out):
				t.Errorf("something failed, but not %s:\n%s", f.test, out)
			}
		})
	}
	t.Run("without a fault all of these tests pass", func(t *testing.T) {
		tests := map[string][]string{}
		for _, f := range slices.Concat(faults, accessFaults) {
			pkg := "./" + strings.TrimPrefix(f.pkg, "./")
			tests[pkg] = append(tests[pkg], f.test)
		}
		for pkg, names := range tests {
			f := fault{pkg: pkg, test: "(" + strings.Join(names, "|") + ")"}
			if out, failed := runTest(t, root, f); failed {
				t.Errorf("%s:\n%s", pkg, out)
			}
		}
	})
}

// overlay writes the edited file aside, and what the compiler must know of it.
func (f *fault) overlay(t *testing.T, root string) string {
	t.Helper()
	path := filepath.Join(root, f.file)
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(source)
	for _, e := range f.edits {
		if n := strings.Count(text, e.old); n != 1 {
			t.Fatalf("%s has the text %d times, want once; the fault must follow the code:\n%s", f.file, n, e.old)
		}
		text = strings.Replace(text, e.old, e.new, 1)
	}
	dir := t.TempDir()
	edited := filepath.Join(dir, filepath.Base(f.file))
	if err := os.WriteFile(edited, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	config, err := json.Marshal(map[string]any{"Replace": map[string]string{path: edited}})
	if err != nil {
		t.Fatal(err)
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, config, 0o600); err != nil {
		t.Fatal(err)
	}
	return overlay
}

func runTest(t *testing.T, root string, f fault, flags ...string) (output string, failed bool) {
	t.Helper()
	args := append([]string{"test", "-count=1", "-vet=off", "-timeout=90s", "-run=^" + f.test + "$"}, flags...)
	cmd := exec.CommandContext(t.Context(), "go", append(args, f.pkg)...)
	cmd.Dir, cmd.Env = root, append(os.Environ(), f.env)
	out, err := cmd.CombinedOutput()
	return string(out), err != nil
}
