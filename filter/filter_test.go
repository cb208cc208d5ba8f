package filter_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/filter"
)

// deploy is the event that most cases are tried on.
func deploy() *streamgauge.Event {
	return &streamgauge.Event{
		Stream: "activity.deploys",
		Type:   "deploy",
		Key:    "web",
		Time:   time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		Data: []byte(`{"level":"error","n":3,"f":2.5,"big":9007199254740993,"huge":18446744073709551616,
			"ok":true,"no":null,"tags":["a","team-b"],"items":[{"price":1,"of":["x"]},{"price":9,"of":["y","z"]}],
			"user":{"name":"Ann Ü"},"odd name":1,"empty":[]}`),
	}
}

func compile(t testing.TB, src string) *filter.Filter {
	t.Helper()
	f, err := filter.Compile(src)
	if err != nil {
		t.Fatalf("Compile(%q): %v", src, err)
	}
	return f
}

func TestMatch(t *testing.T) {
	for src, want := range map[string]bool{
		// Names.
		`stream == "activity.deploys"`:        true,
		`stream startsWith "logs."`:           false,
		`type in ["deploy", "rollback"]`:      true,
		`key == "web" and not (type == "")`:   true,
		`time >= date("2026-03-01")`:          true,
		`time > date("2026-03-01T12:00:00Z")`: false,
		`data.level == "error"`:               true,
		`data["odd name"] == 1`:               true,
		`data.user.name endsWith "Ü"`:         true,
		`true`:                                true,

		// Numbers.
		`data.n == 3`:                      true,
		`data.n == 3.0`:                    true,
		`data.n > 2.5`:                     true,
		`data.f > data.n`:                  false,
		`data.n + 1 == 4`:                  true,
		`data.n + data.f == 5.5`:           true,
		`data.n + -1 == 2`:                 true,
		`data.n / 2 == 1.5`:                true,
		`data.n % 2 == 1 and 2 ** 3 == 8`:  true,
		`data.big == 9007199254740993`:     true,
		`data.big == 9007199254740992`:     false,
		`data.huge > 1e19`:                 true,
		`data.n % 0 == 0`:                  false,
		`data.n == "3"`:                    false,
		`int("12") == 12 and abs(-1) == 1`: true,

		// What isn't there is nil.
		`data.missing == "error"`:                false,
		`data.missing != "error"`:                true,
		`data.missing == nil`:                    true,
		`data.no == nil`:                         true,
		`data.a.b.c == 1`:                        false,
		`data.a.b.c == 1 or type == "deploy"`:    true,
		`data?.a?.b == nil`:                      true,
		`data.level.x == nil`:                    true,
		`data.tags.x == nil`:                     true,
		`data.tags[7] == nil`:                    true,
		`data.tags[-1] == "team-b"`:              true,
		`data.n[0] == nil and data[true] == nil`: true,
		`(data.missing ?? 5) == 5`:               true,
		`data.missing in ["a"]`:                  false,

		// An error in evaluating is no match, in either sense.
		`data.missing > 3`:                        false,
		`not (data.missing > 3)`:                  false,
		`data.level > 3`:                          false,
		`data.n contains "x"`:                     false,
		`lower(data.missing) == ""`:               false,
		`data.missing`:                            false,
		`data.level`:                              false,
		`not data.level`:                          false,
		`data.level + data.level == "errorerror"`: false,
		`any(data.user, # == 1)`:                  false,

		// Booleans and choices.
		`data.ok`:                            true,
		`data.ok ? data.n > 2 : false`:       true,
		`data.ok && !(data.n < 3) || false`:  true,
		`data.missing == 1 and data.bad > 1`: false,

		// Strings.
		`upper(data.level) == "ERROR"`:         true,
		`data.level | upper() == "ERROR"`:      true,
		`trim(" x ") == "x" and len("Ü") == 1`: true,
		`data.user.name matches "(?i)^ANN\\b"`: true,
		`data.missing matches "x"`:             false,

		// Membership, of any type.
		`"a" in data.tags`:                 true,
		`"name" in data.user`:              true,
		`data.n in [1, 2, 3]`:              true,
		`data.n in ["1", "3"]`:             false,
		`not (data.n in ["1", "3"])`:       true,
		`data.level in ["error", "fatal"]`: true,
		`data.level in [1, 2]`:             false,
		`not (data.level in [1, 2])`:       true,
		`data.f in [1, 2.5]`:               true,
		`data.tags in [1]`:                 false,

		// Elements.
		`any(data.tags, # startsWith "team-")`: true,
		`all(data.items, .price > 5)`:          false,
		`one(data.items, #.price > 5)`:         true,
		`none(data.empty, true)`:               true,
		`count(data.items, {.price > 0}) == 2`: true,
		`any(data.items, any(.of, # == "z"))`:  true,
		`any(data.items, .missing.price == 1)`: false,
		`any(data.missing, true)`:              false,
	} {
		t.Run(src, func(t *testing.T) {
			if got := compile(t, src).Match(deploy()); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

func TestMatchTakesDataAsItIs(t *testing.T) {
	for _, test := range []struct {
		name, src string
		event     streamgauge.Event
		want      bool
	}{
		{"text is a string", `data contains "GET"`, streamgauge.Event{Data: []byte(`"GET /"`), Text: true}, true},
		{"text is not decoded", `data == "1"`, streamgauge.Event{Data: []byte("1"), Text: true}, true},
		{"text has no members", `data.level == nil`, streamgauge.Event{Data: []byte("{}"), Text: true}, true},
		{"a bare number", `data > 41`, streamgauge.Event{Data: []byte("42")}, true},
		{"a bare string", `data == "a\"b"`, streamgauge.Event{Data: []byte(`"a\"b"`)}, true},
		{"null", `data == nil`, streamgauge.Event{Data: []byte("null")}, true},
		{"an array", `data[0] == 1`, streamgauge.Event{Data: []byte("[1]")}, true},
		{"without a time, the append time counts", `time > date("2026-01-01")`,
			streamgauge.Event{Data: []byte("1"), Appended: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)}, true},
		{"data that isn't looked at isn't decoded", `stream == ""`, streamgauge.Event{Data: []byte("{broken")}, true},
		{"data that can't be decoded doesn't match", `data != 1`, streamgauge.Event{Data: []byte("{broken")}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := compile(t, test.src).Match(&test.event); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestCompileSaysWhatIsWrongAndWhere(t *testing.T) {
	const functions = "the functions are len, lower, upper, trim, int, float, abs, date, all, any, none, one, count"
	for src, want := range map[string]string{
		"":    `expression is empty: write one over stream, type, key, time and data, such as data.level == "error"`,
		" \n": `expression is empty: write one over stream, type, key, time and data, such as data.level == "error"`,
		`data.x == "` + strings.Repeat("x", 1024) + `"`: "expression is 1036 bytes long, at most 1024 are allowed",
		strings.Repeat("1==1||", 100) + "true":          "expression has more than 200 terms",
		`true and lvl == 1`:                             "column 10: unknown name lvl: there are stream, type, key, time and data",
		`data.level = "x"`:                              "column 12: unexpected token Operator(\"=\")",
		`data.level ==`:                                 "column 13: unexpected token EOF",
		"true and\n  foo":                               "line 2, column 3: unknown name foo: there are stream, type, key, time and data",
		`stream == 1`:                                   "column 8: invalid operation: == (mismatched types string and int)",
		`time > "2026-01-01"`:                           "column 6: invalid operation: > (mismatched types time.Time and string)",
		`1 + 1`:                                         "expression must yield true or false: expected bool, but got int",
		`$env.data == 1`:                                "column 1: unknown name $env: there are stream, type, key, time and data",
		`stream.x == 1`:                                 "column 8: only data has members, and #, which is an element of data",
		`date("2026-02-30") < time`:                     `column 1: date needs a day or a time in quotes, such as "2026-01-31" or "2026-01-31T12:00:00Z"`,
		`date(data.t) < time`:                           `column 1: date needs a day or a time in quotes, such as "2026-01-31" or "2026-01-31T12:00:00Z"`,
		`stream matches "("`:                            "column 16: error parsing regexp: missing closing ): `(`",
		`stream matches key`:                            `column 8: "matches" needs a pattern in quotes`,
		`stream matches "(((x{100}){10}){2}){9}"`:       "column 16: error parsing regexp: invalid repeat count: `{2}`",
		`stream matches ".{999}.{999}.{999}"`:           "column 16: the patterns are too complex: repeat less",
		`stream + "x" == "y"`:                           `column 8: "+" adds numbers, it doesn't join strings`,
		`data.n in 1..9`:                                `column 12: there are no ranges: write x >= 1 and x <= 9`,
		`map(data.x, #) == []`:                          "column 1: map can't be called: " + functions,
		`len(repeat("x", 9)) == 1`:                      "column 5: repeat can't be called: " + functions,
		`now() > time`:                                  "column 1: now can't be called: " + functions,
		`boom(1)`:                                       "column 1: boom can't be called: " + functions,
		`time.Unix() == 1`:                              "column 6: only data has members, and #, which is an element of data",
		`data.x() == 1`:                                 "column 6: a member can't be called: " + functions,
		`let x = data; x == 1`:                          "column 5: only a single expression is allowed, without variables, ranges, slices and maps",
		`data[1:2] == []`:                               "column 5: only a single expression is allowed, without variables, ranges, slices and maps",
		`{"a": 1} == data`:                              "column 1: only a single expression is allowed, without variables, ranges, slices and maps",
		`any(data.x, # == key)`:                         "column 18: key is not available within any and its like, only # (the element) is",
		`any([1, 2], # == 1)`:                           "column 1: any goes over a part of data only; for a list of values write x in [1, 2]",
	} {
		name := src[:min(len(src), 40)]
		t.Run(name, func(t *testing.T) {
			f, err := filter.Compile(src)
			if err == nil {
				t.Fatalf("compiled %v", f)
			}
			if err.Error() != want {
				t.Errorf("got  %s\nwant %s", err, want)
			}
		})
	}
}

func TestAFilterMayBeSharedByGoroutines(t *testing.T) {
	f := compile(t, `any(data.items, .price > 5) and data.n == 3 and stream matches "^activity"`)
	other := compile(t, `data.n > 1`)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				if !f.Match(deploy()) || !other.Match(deploy()) || other.Match(&streamgauge.Event{Data: []byte("1")}) {
					t.Error("wrong answer")
					return
				}
			}
		})
	}
	wg.Wait()
}

// costly are the dearest expressions that the rules let through.
var costly = map[string]string{
	"optional parts":      `data.s matches "` + strings.Repeat("(a?){60}", 2) + `$b"`,
	"a long repeat":       `data.s matches "[^x]{400}b"`,
	"the longest repeat":  `data.s matches "[^x]{999}[^x]{400}b"`,
	"many small patterns": strings.Repeat(`data.s matches "a*$b"||`, 25) + "false",
	"a long predicate":    `any(data.a, ` + strings.Repeat("#==1||", 30) + `false)`,
	"nested predicates":   `any(data.a, any(#.a, any(#.a, true)) or # == 1)`,
	"lower, many times":   strings.Repeat(`lower(data.s)=="b"||`, 24) + "false",
	"equality of data":    strings.Repeat(`data.a==data.a&&`, 24) + "true",
	"in, many times":      strings.Repeat(`-1 in data.a||`, 24) + "false",
}

// big returns an event with the most data for which the expression is
// evaluated at all, but at most 1 MiB.
func big(n int) *streamgauge.Event {
	return &streamgauge.Event{Data: fmt.Appendf(nil, `{"s":"%s","a":[%s0]}`, strings.Repeat("a", n/2), strings.Repeat("0,", n/4))}
}

func TestEvaluationIsRefusedBeyondItsBound(t *testing.T) {
	f := compile(t, `data.s matches "`+strings.Repeat("a?", 100)+`"`)
	if !f.Match(big(64 << 10)) {
		t.Error("64 KiB: got no match")
	}
	if f.Match(big(256 << 10)) {
		t.Error("256 KiB, 200 steps per byte: got a match, want none")
	}
}

func FuzzCompile(f *testing.F) {
	for _, src := range costly {
		f.Add(src)
	}
	for _, src := range []string{
		`data.level == "error" and stream startsWith "logs."`, `any(data.items, .price > 5)`, `type in ["a"] ? key == "" : time > date("2026-01-01")`,
		`data.a.b[0] ?? 1 == 1`, `not (data | len() > 3)`, `data.n + 1.5 ** 2 % 3 <= -data.f`, `let x = 1; x == 1`, `data matches "(?i)[a-z]+"`,
		`$env`, `#`, `.x`, `{"a": 1}`, `[1][0] == 1`, `b"x" == data`, `if true { data } else { 1 }`, `map(1..9, #)`, `data::x`, "`x` == key",
	} {
		f.Add(src)
	}
	events := []*streamgauge.Event{deploy(), {Text: true, Data: []byte("a line")}, {Data: []byte("[[1,[2]],null]")}, {Data: []byte("-0.5e3")}}
	f.Fuzz(func(t *testing.T, src string) {
		compiled, err := filter.Compile(src)
		if err != nil {
			if strings.TrimSpace(err.Error()) == "" || strings.Contains(err.Error(), "can't be compiled") {
				t.Errorf("%q: error is %q", src, err)
			}
			return
		}
		for _, e := range events {
			before := string(e.Data)
			if first := compiled.Match(e); first != compiled.Match(e) {
				t.Errorf("%q: two answers for %s", src, before)
			}
			if string(e.Data) != before {
				t.Errorf("%q: changed the data", src)
			}
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	event := &streamgauge.Event{Stream: "logs.web", Key: "a", Data: []byte(`{"level":"error","service":"checkout","duration_ms":1234,"message":"upstream timed out"}`)}
	for name, src := range map[string]string{
		"without data": `stream startsWith "logs." and key == "a"`,
		"one member":   `data.level == "error"`,
		"four terms":   `data.level == "error" and data.duration_ms > 1000 and data.message matches "time" and stream == "logs.web"`,
	} {
		b.Run(name, func(b *testing.B) {
			f := compile(b, src)
			b.ReportAllocs()
			for b.Loop() {
				f.Match(event)
			}
		})
	}
}

// BenchmarkCostly evaluates the dearest expressions on the most data for which
// they are evaluated at all: ms/match is the bound that the package states.
func BenchmarkCostly(b *testing.B) {
	for name, src := range costly {
		b.Run(name, func(b *testing.B) {
			f := compile(b, src)
			e := big(filter.MostData(f))
			for b.Loop() {
				f.Match(e)
			}
			b.ReportMetric(float64(len(e.Data))/1024, "KiB")
		})
	}
}
