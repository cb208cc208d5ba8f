package dashboard_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/dashboard"
)

const rows = `# Our shop.

title: 'Shop'     # short
window: 15m

rows:
  # What counts.
  - title: Now
    panels:
      # money
      # in dollars
      - type: stat
        title: Revenue
        width: 3   # a quarter
        thresholds: [{at: 5, state: warn}]

      - {type: stat, stream: a}   # small

  - title: "Later"
    panels: []   # soon
`

func TestPatches(t *testing.T) {
	for _, c := range []struct{ name, text, ops, want string }{
		{
			"a text in quotes stays in such", rows,
			`[{"op":"replace","path":"/title","value":"Bob's"}]`,
			strings.Replace(rows, "'Shop'", "'Bob''s'", 1),
		}, {
			"a value leaves the comment beside it", rows,
			`[{"op":"replace","path":"/rows/0/panels/0/width","value":12}]`,
			strings.Replace(rows, "width: 3 ", "width: 12 ", 1),
		}, {
			"a member is added at the end", rows,
			`[{"op":"add","path":"/rows/0/panels/0/text","value":"one\ntwo\n"}]`,
			strings.Replace(rows, "state: warn}]\n", "state: warn}]\n        text: |\n          one\n          two\n", 1),
		}, {
			"brackets are edited within", rows,
			`[{"op":"add","path":"/rows/0/panels/1/width","value":4},{"op":"add","path":"/rows/0/panels/0/thresholds/-","value":{"at":1,"state":"bad"}}]`,
			strings.NewReplacer("stream: a}", "stream: a, width: 4}", "state: warn}]", "state: warn}, { at: 1, state: bad }]").Replace(rows),
		}, {
			"a panel moves with its comments, into an empty list too", rows,
			`[{"op":"move","from":"/rows/0/panels/0","path":"/rows/1/panels/0"}]`,
			`# Our shop.

title: 'Shop'     # short
window: 15m

rows:
  # What counts.
  - title: Now
    panels:

      - {type: stat, stream: a}   # small

  - title: "Later"
    panels:   # soon
      # money
      # in dollars
      - type: stat
        title: Revenue
        width: 3   # a quarter
        thresholds: [{at: 5, state: warn}]
`,
		}, {
			"a panel goes with its comments, and one of two gaps", rows,
			`[{"op":"remove","path":"/rows/0"}]`,
			"# Our shop.\n\ntitle: 'Shop'     # short\nwindow: 15m\n\nrows:\n\n  - title: \"Later\"\n    panels: []   # soon\n",
		}, {
			"the last of a list leaves an empty one", "a:\n  - b: 1 # x\nc: 2\n",
			`[{"op":"remove","path":"/a/0"}]`, "a: []\nc: 2\n",
		}, {
			"a new panel is written as people write", "rows:\n  - panels: []\n",
			`[{"op":"add","path":"/rows/0/panels/-","value":{"type":"stat","title":"Yes","stream":["a","b.>"],"thresholds":[{"at":1,"state":"bad"}],"unit":"%"}}]`,
			"rows:\n  - panels:\n      - type: stat\n        title: \"Yes\"\n        stream: [a, b.>]\n        thresholds:\n          - { at: 1, state: bad }\n        unit: \"%\"\n",
		}, {
			"a replaced panel keeps what stays", rows,
			`[{"op":"replace","path":"/rows/0/panels/0","value":{"type":"gauge","title":"Revenue","width":3,"thresholds":[{"at":7,"state":"warn"}]}}]`,
			strings.NewReplacer("type: stat\n        title: R", "type: gauge\n        title: R", "at: 5", "at: 7").Replace(rows),
		}, {
			"lines end as they did", "a: 1\r\nb:\r\n  - x\r\n",
			`[{"op":"add","path":"/b/0","value":{"k":"v","l":[],"m":"x","o":1}},{"op":"add","path":"/c","value":true}]`,
			"a: 1\r\nb:\r\n  - k: v\r\n    l: []\r\n    m: x\r\n    o: 1\r\n  - x\r\nc: true\r\n",
		}, {
			"what is the same changes nothing", rows,
			`[{"op":"replace","path":"/title","value":"Shop"},{"op":"move","from":"/title","path":"/title"}]`, rows,
		}, {
			"a mark at the beginning stays", "\ufeffa: 1\n", `[{"op":"replace","path":"/a","value":2}]`, "\ufeffa: 2\n",
		}, {
			"no line end at the end stays none", "a: 1", `[{"op":"add","path":"/b","value":2}]`, "a: 1\nb: 2",
		}, {
			"a block of text becomes a word", "a: |  # why\n  one\n  two\n\nb: 1\n", `[{"op":"replace","path":"/a","value":"x"}]`, "a: x  # why\n\nb: 1\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			ops, err := dashboard.ParseOps([]byte(c.ops))
			if err != nil {
				t.Fatal(err)
			}
			got, err := dashboard.Patch([]byte(c.text), ops)
			if err != nil || string(got) != c.want {
				t.Errorf("%v: got\n%s\nwant\n%s", err, got, c.want)
			}
		})
	}
}

func TestPatchesThatDontFitAreRefused(t *testing.T) {
	for _, c := range []struct{ name, text, ops, want string }{
		{"no such member", rows, `[{"op":"replace","path":"/titel","value":1}]`, `operation 1 (replace /titel) is wrong: there is no "titel"`},
		{"no such index", rows, `[{"op":"remove","path":"/rows/2"}]`, "operation 1 (remove /rows/2) is wrong: there is no index 2, the list has 2"},
		{"an index that is none", rows, `[{"op":"remove","path":"/rows/01"}]`, `operation 1 (remove /rows/01) is wrong: "01" is no index of a list`},
		{"a path through a scalar", rows, `[{"op":"add","path":"/title/a","value":1}]`, `operation 1 (add /title/a) is wrong: "a" would be within the text "Shop"`},
		{"a path that is no pointer", rows, `[{"op":"remove","path":"rows"}]`, "operation 1 (remove rows) has a path that is no JSON pointer: it must begin with /"},
		{"the second of two", rows, `[{"op":"remove","path":"/rows/1"},{"op":"remove","path":"/rows/1"}]`, "operation 2 (remove /rows/1) is wrong: there is no index 1, the list has 1"},
		{"a move into itself", rows, `[{"op":"move","from":"/rows/0","path":"/rows/0/panels/0"}]`, "operation 1 (move /rows/0/panels/0) is wrong: nothing can be moved into itself"},
		{"the whole document", rows, `[{"op":"remove","path":""}]`, "operation 1 (remove ) is wrong: the whole document can't be taken out"},
		{"no YAML", "a: [", `[{"op":"remove","path":"/a"}]`, "operation 1 (remove /a) can't be done: the file is no YAML: "},
		{"an alias", "a: &x {b: 1}\nc: *x\n", `[{"op":"replace","path":"/c/b","value":2}]`, "operation 1 (replace /c/b) can't be done: it would edit what the alias *x of line 2 stands for; edit it there"},
		{"what aliases stand for", "a: &x {b: 1}\nc: *x\n", `[{"op":"replace","path":"/a/b","value":2}]`, "operation 1 (replace /a/b) can't be done: the file is written in an unusual way"},
		{"aliases that multiply", "a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f]\n", `[{"op":"add","path":"/h","value":2}]`, "operation 1 (add /h) can't be done: the aliases of the file multiply to too much"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ops, err := dashboard.ParseOps([]byte(c.ops))
			if err != nil {
				t.Fatal(err)
			}
			_, err = dashboard.Patch([]byte(c.text), ops)
			var failed *dashboard.PatchError
			if !errors.As(err, &failed) || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
	for _, body := range []string{`{}`, `[{"op":"test","path":"/a","value":1}]`, `[{"op":"remove"}]`, `[{"op":"add","path":"/a"}]`, `[{"op":"remove","path":"/a","x":1}]`, `[] []`, ``} {
		if _, err := dashboard.ParseOps([]byte(body)); err == nil {
			t.Errorf("%s was taken", body)
		}
	}
}
