package yamlfile_test

import (
	"errors"
	"testing"

	yaml "go.yaml.in/yaml/v4"

	"github.com/streamgauge/streamgauge/internal/yamlfile"
)

func TestWhatIsNoSingleDocumentIsToldWithItsPlace(t *testing.T) {
	for name, c := range map[string]struct {
		text, want string
	}{
		"a bracket that stays open": {"a: 1\nb: [1\n", "line 3, column 1: is no YAML: did not find expected ',' or ']' (while parsing a flow sequence that begins in line 2)"},
		"an alias of nothing":       {"é: *a\n", "line 1, column 4: is no YAML: unknown anchor 'a' referenced"},
		"a control character":       {"a: 1\nü: \x7f", "line 2, column 4: has the control character U+007F, which YAML does not allow"},
		"no UTF-8":                  {"é\xff", "line 1, column 2: has a byte that is no UTF-8"},
		"a second document":         {"a: 1\n---\nb: 1\n", "line 2, column 1: begins a second document, there must be one"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := yamlfile.Parse([]byte(c.text))
			var syntax *yamlfile.SyntaxError
			if !errors.As(err, &syntax) || err.Error() != c.want {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestNothingIsNoDocument(t *testing.T) {
	for _, text := range []string{"", "# soon\n", "\n\n"} {
		if root, err := yamlfile.Parse([]byte(text)); root != nil || err != nil {
			t.Errorf("%q: got %v, %v", text, root, err)
		}
	}
}

func TestNodesAreDescribedInAFewWords(t *testing.T) {
	root, err := yamlfile.Parse([]byte("[a, 'b', 1, true, ~, [], {}, \"\\u00e9\", &x y, *x]\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`the text "a"`, `the text "b"`, "1", "true", "nothing", "a list", "a mapping", `the text "é"`, `the text "y"`, "an alias"}
	for i, n := range root.Content {
		if got := yamlfile.Describe(n); got != want[i] {
			t.Errorf("%d: got %s, want %s", i, got, want[i])
		}
	}
	if last := yamlfile.Resolve(root.Content[9]); last.Kind != yaml.ScalarNode || last.Value != "y" {
		t.Errorf("the alias is %+v", last)
	}
}

func TestTheNearestNameIsMeant(t *testing.T) {
	names := []string{"title", "rows", "views", "window"}
	for got, want := range map[string]string{"titel": "title", "Row": "rows", "vew": "views", "completely": "", "windw": "window"} {
		if near := yamlfile.Nearest(got, names); near != want {
			t.Errorf("%s: got %q, want %q", got, near, want)
		}
	}
	if hint := yamlfile.DidYouMean("completely", names); hint != "there are title, rows, views, window" {
		t.Errorf("got %q", hint)
	}
}
