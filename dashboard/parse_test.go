package dashboard_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/streamgauge/streamgauge/dashboard"
	"github.com/streamgauge/streamgauge/filter"
)

// options check filters as the server does.
func options() *dashboard.Options { return &dashboard.Options{CheckFilter: checkFilter} }

func checkFilter(src string) error {
	_, err := filter.Compile(src)
	return err
}

func TestWhatIsBuiltInIsFine(t *testing.T) {
	files, err := filepath.Glob("builtin/*.yaml")
	if err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d, err := dashboard.Parse(file, text, options())
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range d.Rows {
			width := 0
			for _, p := range row.Panels {
				if width += p.Width; width > 12 {
					width = p.Width
				}
			}
			if width != 12 {
				t.Errorf("%s: the row %q has a last line of %d columns", file, row.Title, width)
			}
		}
		if fault := validate(t, string(text)); fault != nil {
			t.Errorf("%s: %v", file, fault)
		}
	}
}

// validate says what the schema has against the text.
func validate(t *testing.T, text string) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(dashboard.Schema())))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(toJSON(t, text)))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(value)
}

// head begins files whose rows are the point.
const head = "title: T\nrows:\n  - panels:\n      - "

// The position is of the first error; "schema" says that the schema finds it too.
var wrong = []struct{ name, text, want, schema string }{
	{"an unknown key is told with what was meant", "titel: T\nrows: []\n", "x.yaml:1:1: titel is no key of a dashboard (did you mean title?)", "too"},
	{"a missing title", "rows: []\n", "x.yaml:1:1: has no title; say what the page calls the dashboard", "too"},
	{"missing rows", "title: T\n", "x.yaml:1:1: has no rows; write rows: [] for none yet", "too"},
	{"a number for a text", "title: 12\nrows: []\n", "x.yaml:1:8: title is 12, it must be a text: write it in quotes", "too"},
	{"a text for a list", "title: T\nrows: none\n", `x.yaml:2:7: rows is the text "none", it must be a list of rows`, "too"},
	{"no value", "title: T\nrows:\n", "x.yaml:2:1: rows has no value; leave the key out, or give it one", "too"},
	{"the same key twice", "title: T\nrows: []\ntitle: U\n", "x.yaml:3:1: title is there twice, first in line 1", "-"},
	{"an unknown type of panel", head + "type: gouge\n", `x.yaml:4:15: rows[0].panels[0].type is "gouge", it must be one of stat, timeseries, gauge, bars, table, status, heatmap, log, feed, text (did you mean gauge?)`, "too"},
	{"no type", head + "stream: a\n", "x.yaml:4:9: rows[0].panels[0] has no type; it is one of stat, timeseries, gauge, bars, table, status, heatmap, log, feed, text", "too"},
	{"a key of another type", head + "{ type: stat, stream: a, stack: true }\n", "x.yaml:4:34: rows[0].panels[0].stack is nothing for a stat; stack is for timeseries", "too"},
	{"too wide", head + "{ type: stat, stream: a, width: 13 }\n", "x.yaml:4:41: rows[0].panels[0].width is 13, it must be from 1 to 12", "too"},
	{"a number in quotes", head + "{ type: stat, stream: a, width: '3' }\n", `x.yaml:4:41: rows[0].panels[0].width is the text "3", it must be a whole number from 1 to 12: leave the quotes out`, "too"},
	{"yes for true", head + "{ type: timeseries, stream: a, stack: yes }\n", `x.yaml:4:47: rows[0].panels[0].stack is the text "yes", it must be true or false`, "too"},
	{"nothing to show", head + "type: stat\n", "x.yaml:4:9: rows[0].panels[0] shows nothing; write stream: or view:", "too"},
	{"two things to show", head + "{ type: stat, stream: a, view: count(a) }\n", "x.yaml:4:9: rows[0].panels[0] has both stream and view; a panel shows one of them", "too"},
	{"a filter beside a view", head + "{ type: stat, filter: 'true', view: count(a) }\n", "x.yaml:4:9: rows[0].panels[0].filter goes with stream; what a view is computed from is said in the view (… where …)", "too"},
	{"a view in a log", head + "{ type: log, view: count(a) }\n", "x.yaml:4:22: rows[0].panels[0].view is nothing for a log; view is for stat, timeseries, gauge, bars, table, status, heatmap", "too"},
	{"a selector with a gap", head + "{ type: stat, stream: a..b }\n", "x.yaml:4:31: rows[0].panels[0].stream can't select streams: ", "too"},
	{"a selector that goes on after >", head + "{ type: stat, stream: [a, 'b.>.c'] }\n", "x.yaml:4:35: rows[0].panels[0].stream[1] can't select streams: ", "too"},
	{"an empty list", head + "{ type: stat, stream: [] }\n", "x.yaml:4:31: rows[0].panels[0].stream is an empty list; leave the key out, or name at least one", "too"},
	{"a pointer without a slash", head + "{ type: stat, stream: a, field: total }\n", `x.yaml:4:41: rows[0].panels[0].field is "total", which is no JSON pointer such as /total or /labels/host: it must begin with /`, "too"},
	{"a filter that can't be compiled", head + "{ type: log, stream: a, filter: data.x >> 1 }\n", "x.yaml:4:41: rows[0].panels[0].filter can't be used: ", ""},
	{"a view that is none, with its column", head + "{ type: stat, view: p95(a /ms) evry 5s }\n", "x.yaml:4:40: rows[0].panels[0].view is no view: expected by, over, every, where or the end; found \"evry\"", ""},
	{"a view whose where can't be compiled", head + "{ type: stat, view: count(a) where data.x >> 1 }\n", "x.yaml:4:29: rows[0].panels[0].view has a where that can't be used: ", ""},
	{"a view's name that is not there", "title: T\nviews:\n  revenue: count(a)\nrows:\n  - panels:\n      - { type: stat, view: revenu }\n", `x.yaml:6:29: rows[0].panels[0].view is "revenu", which is no view of this dashboard (did you mean revenue?); write a view such as count(shop.orders) every 10s, or name one in views:`, ""},
	{"a variable that is not there", "title: T\nvariables:\n  service: { streams: logs.* }\nrows:\n  - panels:\n      - { type: log, stream: logs.$servce }\n", "x.yaml:6:30: rows[0].panels[0].stream uses $servce, which is no variable of this dashboard (did you mean service?)", ""},
	{"a variable without choices", "title: T\nvariables:\n  a: { label: A }\nrows: []\n", "x.yaml:3:3: variables.a has no choices; ", "too"},
	{"a duration without a unit", "title: T\nwindow: '15'\nrows: []\n", `x.yaml:2:9: window is "15", which is no duration such as 90s, 15m or 24h`, "too"},
	{"a duration that is too short", "title: T\nwindow: 1s\nrows: []\n", "x.yaml:2:9: window is 1s, it must be from 10s to 744h", ""},
	{"a long unit", head + "{ type: stat, stream: a, unit: megafurlongs/s }\n", `x.yaml:4:40: rows[0].panels[0].unit is "megafurlongs/s", which is no unit: `, "too"},
	{"a threshold without a state", head + "{ type: stat, stream: a, thresholds: [{ at: 1 }] }\n", "x.yaml:4:47: rows[0].panels[0].thresholds[0] has no state; it is one of good, warn, bad", "too"},
	{"an infinite number", head + "{ type: stat, stream: a, max: .inf }\n", "x.yaml:4:39: rows[0].panels[0].max is .inf, it must be a number", "-"},
	{"min above max", head + "{ type: stat, stream: a, min: 2, max: 1 }\n", "x.yaml:4:9: rows[0].panels[0].min is 2, it must be less than max (1)", ""},
	{"an unknown part of a feed", head + "{ type: feed, stream: a, fields: { actr: /a } }\n", "x.yaml:4:44: rows[0].panels[0].fields.actr is no key of the fields of a feed (did you mean actor?)", "too"},
	{"a text without text", head + "type: text\n", "x.yaml:4:9: rows[0].panels[0] has no text", "too"},
	{"a merge key", "title: T\nrows:\n  - &r { panels: [] }\n  - { panels: [], <<: *r }\n", "x.yaml:4:19: rows[1].<< is no key: merge keys are not supported here, write the members out", ""},
	{"no YAML", "title: a: b\n", "x.yaml:1:9: is no YAML: mapping values are not allowed in this context (a value with a colon needs quotes, a key must stand below its siblings)", "-"},
	{"a tab", "title: T\n\trows: []\n", "x.yaml:2:1: is no YAML: found a tab character that violates indentation (YAML is indented by spaces)", "-"},
	{"a control character", "title: T\x01\n", "x.yaml:1:9: has the control character U+0001, which YAML does not allow", "-"},
	{"bytes that are no UTF-8", "title: \xff\n", "x.yaml:1:8: has a byte that is no UTF-8", "-"},
	{"two documents", "title: T\nrows: []\n---\na: 1\n", "x.yaml:3:1: begins a second document, there must be one", "-"},
	{"nothing", "# soon\n", "x.yaml:1:1: is empty; a dashboard has at least title: and rows:", "-"},
	{"a list", "- a\n", "x.yaml:1:1: is a list, it must be a dashboard", "too"},
	{"too much", strings.Repeat("#", dashboard.MaxBytes+1), "x.yaml:1:1: has 1048577 bytes, at most 1048576 are allowed", "-"},
}

func TestWhatIsWrongIsToldWithItsPlace(t *testing.T) {
	for _, c := range wrong {
		t.Run(c.name, func(t *testing.T) {
			_, err := dashboard.Parse("x.yaml", []byte(c.text), options())
			var errs dashboard.Errors
			if !errors.As(err, &errs) {
				t.Fatalf("got %v, want %s", err, c.want)
			}
			if got := errs[0].Error(); !strings.HasPrefix(got, c.want) || !strings.HasSuffix(c.want, " ") && got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if c.schema == "-" {
				return
			}
			if fault := validate(t, c.text); (fault != nil) != (c.schema == "too") {
				t.Errorf("the schema says %v", fault)
			}
		})
	}
}

func TestAllErrorsAreToldInOrder(t *testing.T) {
	const text = "title: 1\nwindo: 5m\nrows:\n  - panels:\n      - { type: stat, stream: a..b, width: 0 }\n      - { type: stet }\n    titel: x\n"
	_, err := dashboard.Parse("x.yaml", []byte(text), options())
	var errs dashboard.Errors
	if !errors.As(err, &errs) {
		t.Fatal(err)
	}
	var paths []string
	for _, e := range errs {
		paths = append(paths, e.Path)
	}
	want := "/title /windo /rows/0/panels/0/stream /rows/0/panels/0/width /rows/0/panels/1/type /rows/0/titel"
	if got := strings.Join(paths, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	text2 := "title: T\nrows:\n" + strings.Repeat("  - { panels: 1 }\n", 150)
	_, err = dashboard.Parse("x.yaml", []byte(text2), options())
	if errors.As(err, &errs); len(errs) != 1 || !strings.Contains(errs[0].Message, "150 rows, at most 100") {
		t.Errorf("got %v", err)
	}
	text3 := "title: T\nrows:\n" + strings.Repeat("  - { panels: 1, a: 1 }\n", 90)
	_, err = dashboard.Parse("x.yaml", []byte(text3), options())
	if errors.As(err, &errs); len(errs) != 101 || errs[100].Message != "and 80 errors more from here on" {
		t.Errorf("got %d errors, the last is %v", len(errs), errs[len(errs)-1])
	}
}

func TestEveryKeyIsReadAndGoesOutAsJSON(t *testing.T) {
	text, err := os.ReadFile("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	d, err := dashboard.Parse("folder/full.yaml", text, options())
	if err != nil {
		t.Fatal(err)
	}
	if d.Name != "full" {
		t.Errorf("got the name %q", d.Name)
	}
	if fault := validate(t, string(text)); fault != nil {
		t.Errorf("the schema says %v", fault)
	}
	got, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/full.json", append(got, '\n'))
}

func TestTheExampleOfTheDocumentationIsFine(t *testing.T) {
	doc, err := os.ReadFile("../docs/dashboards.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(doc), "```yaml\n")
	text, _, _ := strings.Cut(rest, "```")
	d, err := dashboard.Parse("shop.yaml", []byte(text), options())
	if err != nil || len(d.Rows) != 2 {
		t.Fatalf("got %+v, %v", d, err)
	}
	// The table has the sizes of every type.
	for _, line := range strings.Split(string(doc), "\n") {
		var kind string
		var width, height int
		if n, _ := fmt.Sscanf(line, "| `%s", &kind); n != 1 || !strings.Contains(line, " × ") {
			continue
		}
		kind = strings.Trim(kind, "`")
		size := strings.TrimSpace(strings.Split(line, "|")[3])
		if _, err := fmt.Sscanf(size, "%d × %d", &width, &height); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		shows := "stream: a"
		if kind == "text" {
			shows = "text: a"
		}
		d, err := dashboard.Parse("x.yaml", fmt.Appendf(nil, "%s{ type: %s, %s }\n", head, kind, shows), options())
		if err != nil {
			t.Fatal(err)
		}
		if p := d.Rows[0].Panels[0]; p.Width != width || p.Height != height {
			t.Errorf("%s: the documentation says %s, it is %d × %d", kind, size, p.Width, p.Height)
		}
	}
}
