package dashboard_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	yaml "go.yaml.in/yaml/v4"

	"github.com/streamgauge/streamgauge/dashboard"
)

// toJSON is the text's data by way of the library and not of Patch.
func toJSON(t testing.TB, text string) string {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	out, err := json.Marshal(stringKeys(v))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return string(out)
}

// stringKeys makes of keys such as 500 and true what JSON has.
func stringKeys(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key := range v {
			v[key] = stringKeys(v[key])
		}
	case []any:
		for i := range v {
			v[i] = stringKeys(v[i])
		}
	case map[any]any:
		out := map[string]any{}
		for key := range v {
			out[fmt.Sprint(key)] = stringKeys(v[key])
		}
		return out
	}
	return v
}

func sameJSON(t testing.TB, a, b string) bool {
	t.Helper()
	var x, y any
	if err := json.Unmarshal([]byte(a), &x); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(b), &y); err != nil {
		t.Fatal(err)
	}
	return reflect.DeepEqual(x, y)
}

// value returns some JSON.
func value(r *rand.Rand, depth int) any {
	switch n := r.IntN(12); {
	case depth > 0 && n < 2:
		return map[string]any{"type": "stat", "title": value(r, depth-1), "x y": value(r, depth-1), "w": 3, "more": value(r, 0)}
	case depth > 0 && n < 4:
		return []any{value(r, depth-1), value(r, depth-1)}
	case n == 4:
		return map[string]any{}
	case n == 5:
		return []any{}
	}
	return []any{"word", 7, 2.5, true, nil, "yes", "12", "a: b", "# x", "", " edge ", "line one\nline two\n", "tail\n\n\n", "é\u2028\x7f☃", "- x", "{", "null", "it's \"q\"", "x #y", "2026-01-31", "a, b]", "one\n  two", 1e21, "~"}[r.IntN(24)]
}

// operation returns an operation on the document and the paths that it touches.
func (g *generator) operation(r *rand.Rand) (op dashboard.Op) {
	path := g.all[r.IntN(len(g.all))]
	raw, err := json.Marshal(value(r, 2))
	if err != nil {
		panic(err)
	}
	switch r.IntN(5) {
	case 0:
		return dashboard.Op{Op: "replace", Path: path, Value: raw}
	case 1:
		return dashboard.Op{Op: "remove", Path: path}
	case 2:
		return dashboard.Op{Op: "add", Path: g.maps[r.IntN(len(g.maps))] + "/new", Value: raw}
	case 3:
		if len(g.lists) > 0 {
			return dashboard.Op{Op: "add", Path: g.lists[r.IntN(len(g.lists))] + "/" + []string{"-", "0", "1"}[r.IntN(3)], Value: raw}
		}
	}
	to := g.all[r.IntN(len(g.all))]
	if len(g.lists) > 0 && r.IntN(2) == 0 {
		to = g.lists[r.IntN(len(g.lists))] + "/" + []string{"-", "0", "1"}[r.IntN(3)]
	}
	if strings.HasPrefix(to, path+"/") { // which RFC 6902 forbids and the library does not
		return dashboard.Op{Op: "remove", Path: path}
	}
	return dashboard.Op{Op: "move", From: path, Path: to}
}

func TestAPatchMeansWhatItSaysAndChangesNothingElse(t *testing.T) {
	applied := map[string]int{}
	unusual := 0
	for seed := range uint64(1500) {
		g := generate(seed)
		text := g.b.String()
		op := g.operation(rand.New(rand.NewPCG(seed, 8)))
		patch, err := json.Marshal([]dashboard.Op{op})
		if err != nil {
			t.Fatal(err)
		}
		got, err := dashboard.Patch([]byte(text), []dashboard.Op{op})
		want, wantErr := independently(t, text, patch)
		var failed *dashboard.PatchError
		switch {
		case errors.As(err, &failed) && strings.Contains(err.Error(), "unusual"):
			unusual++
			t.Logf("seed %d: %s: %v in\n%s", seed, patch, err, text)
			continue
		case (err == nil) != (wantErr == nil):
			t.Fatalf("seed %d: got error %v, want %v, for %s in\n%s", seed, err, wantErr, patch, text)
		case err != nil:
			continue
		}
		applied[op.Op]++
		if !sameJSON(t, toJSON(t, string(got)), want) {
			t.Fatalf("seed %d: %s made\n%s\nof\n%s", seed, patch, got, text)
		}
		if err := g.onlyThere(op, text, string(got)); err != nil {
			t.Fatalf("seed %d: %s: %v: made\n%s\nof\n%s", seed, patch, err, got, text)
		}
	}
	for _, op := range []string{"add", "remove", "replace", "move"} {
		if applied[op] < 100 {
			t.Errorf("%s was applied %d times only", op, applied[op])
		}
	}
	if unusual > 1 {
		t.Errorf("%d documents in 1500 could not be edited", unusual)
	}
}

// independently applies the patch to the data with a library.
func independently(t *testing.T, text string, patch []byte) (string, error) {
	t.Helper()
	p, err := jsonpatch.DecodePatch(patch)
	if err != nil {
		t.Fatal(err)
	}
	o := jsonpatch.NewApplyOptions()
	o.SupportNegativeIndices = false
	out, err := p.ApplyWithOptions([]byte(toJSON(t, text)), o)
	return string(out), err
}

// onlyThere reports whether the new text differs from the old one only where the
// operation may change it.
func (g *generator) onlyThere(op dashboard.Op, old, now string) error {
	if old == now {
		return nil
	}
	if op.Op == "move" {
		return g.onlyMoved(op, old, now)
	}
	first, last := 0, len(old)
	for first < min(len(old), len(now)) && old[first] == now[first] {
		first++
	}
	for rest := len(now); last > first && rest > first && old[last-1] == now[rest-1]; rest-- {
		last--
	}
	allowed := g.allowed(op.Path)
	// What is cut out beside an equal text could as well have been cut out further
	// on: any of these readings will do.
	for shift := 0; shift <= first; shift++ {
		from, to := first-shift, last-shift
		if !strings.HasSuffix(now, old[to:]) {
			break
		}
		if within(old, from, to, allowed) {
			return nil
		}
	}
	return fmt.Errorf("changed [%d,%d) %q, allowed were [%d,%d)", first, last, old[first:last], allowed.from, allowed.to)
}

// within reports whether the change is within what is allowed. Gaps go with
// what they part.
func within(old string, from, to int, allowed span) bool {
	if from < allowed.from && strings.TrimSpace(old[from:min(to, allowed.from)]) == "" {
		from = min(to, allowed.from)
	}
	if to > allowed.to && strings.TrimSpace(old[max(from, allowed.to):to]) == "" {
		to = max(from, allowed.to)
	}
	return from >= allowed.from-1 && (to <= allowed.to || strings.TrimSpace(old[allowed.to:to]) == "")
}

// allowed returns what an operation at the path may change.
func (g *generator) allowed(path string) span {
	parent := path[:strings.LastIndex(path, "/")]
	if in, ok := g.flow[path]; ok {
		return in
	}
	if in, ok := g.flow[parent+"/"]; ok {
		return in
	}
	if own, ok := g.spans[path]; ok {
		if !g.isAlone(path) {
			return own
		}
	}
	if own, ok := g.spans[parent]; ok {
		return own
	}
	return span{0, g.b.Len()}
}

// isAlone reports whether the path's entry is the only one of its parent, which
// becomes empty without it.
func (g *generator) isAlone(path string) bool {
	parent := path[:strings.LastIndex(path, "/")]
	n := 0
	for _, p := range g.all {
		if strings.HasPrefix(p, parent+"/") && !strings.Contains(p[len(parent)+1:], "/") {
			n++
		}
	}
	return n == 1
}

// onlyMoved reports whether every comment outside of what was moved is still
// there, and every one of an item that went from list to list.
func (g *generator) onlyMoved(op dashboard.Op, old, now string) error {
	moved := g.allowed(op.From)
	replaced := span{}
	if _, there := g.spans[op.Path]; there && !slices.Contains(g.lists, op.Path[:strings.LastIndex(op.Path, "/")]) {
		replaced = g.spans[op.Path]
	} else if in, ok := g.flow[op.Path]; ok {
		replaced = in
	} else if in, ok := g.flow[op.Path[:strings.LastIndex(op.Path, "/")]+"/"]; ok {
		replaced = in
	}
	at := 0
	for line := range strings.Lines(old) {
		begin := at
		at += len(line)
		i := strings.Index(line, "# ")
		if i < 0 || strings.Contains(line, "# no comment") || strings.Contains(line, "# x") {
			continue
		}
		inside := func(s span) bool { return begin+i >= s.from && begin+i < s.to }
		if inside(moved) || inside(replaced) {
			continue
		}
		if comment := strings.TrimRight(line[i:], "\n"); !strings.Contains(now, comment) {
			return fmt.Errorf("the comment %q is gone", comment)
		}
	}
	return nil
}

// A patch is parsed many times, which must not keep the server busy for long.
func TestAPatchThatWouldTakeForeverIsRefused(t *testing.T) {
	long := make([]string, 1900)
	for i := range long {
		long[i] = fmt.Sprintf("%s%d", strings.Repeat("x", 400), i)
	}
	value, err := json.Marshal(long)
	if err != nil {
		t.Fatal(err)
	}
	op := dashboard.Op{Op: "replace", Path: "/rows", Value: value}
	var wrong *dashboard.PatchError
	if _, err := dashboard.Patch([]byte("title: a\nrows:\n- a\n"), []dashboard.Op{op}); !errors.As(err, &wrong) || !strings.Contains(wrong.Reason, "too much at once") {
		t.Errorf("a list written anew item by item: got %v", err)
	}
}
