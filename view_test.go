package streamgauge_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge"
)

func ExampleParseView() {
	v, err := streamgauge.ParseView("p50, p95(web.requests /ms) every 10s by /route where data.status < 500")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(v)
	fmt.Println(v.Over, v.By)

	_, err = streamgauge.ParseView("median(web.requests /ms)")
	fmt.Println(err)
	// Output:
	// p50,p95(web.requests /ms) by /route every 10s where data.status < 500
	// 10s /route
	// column 1: expected count, rate, sum, avg, min, max, last, histogram or a quantile such as p95; found "median"
}

func TestAViewHasOneCanonicalText(t *testing.T) {
	for text, want := range map[string]string{
		"count(a)": "count(a) every 10s",
		" count , rate ( shop.orders )  every 1m ":       "count,rate(shop.orders) every 1m",
		"count(a) over 1h":                               "count(a) over 1h every 10s",
		"count(a) over 60m every 60s":                    "count(a) over 1h every 1m",
		"count(a) over 10s":                              "count(a) every 10s",
		"avg(host.> /busy) every 1500ms":                 "avg(host.> /busy) every 1.5s",
		"sum(a /x) every 1h30m by key":                   "sum(a /x) by key every 1h30m",
		"sum(a /x) every 1h0m30s by type":                "sum(a /x) by type every 1h0m30s",
		"max(a \"/b\") by \"/c\"":                        "max(a /b) by /c every 10s",
		`min(a "/b \"c\" (d)") by "/e,f" every 24h`:      `min(a "/b \"c\" (d)") by "/e,f" every 24h`,
		"last(a)\nevery 1s\nwhere data > 1 and\n  true ": "last(a) every 1s where data > 1 and\n  true",
		"count(a) by stream where where by over":         "count(a) by stream every 10s where where by over",
		"p99.9,p1,histogram(* /~0~1)":                    "p99.9,p1,histogram(* /~0~1) every 10s",
		"count(a /where) by /every":                      "count(a /where) by /every every 10s",
	} {
		v, err := streamgauge.ParseView(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if v.String() != want {
			t.Errorf("%q: got %q, want %q", text, v, want)
		}
	}
}

func TestAMistakeInAViewIsPointedAt(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "column 1: expected count, rate, sum, avg, min, max, last, histogram or a quantile such as p95; found the end",
		"cuont(a)":                        `column 1: expected count, rate, sum, avg, min, max, last, histogram or a quantile such as p95; found "cuont"`,
		"p100(a)":                         `column 1: expected count, rate, sum, avg, min, max, last, histogram or a quantile such as p95; found "p100"`,
		"p05(a)":                          `column 1: expected count, rate, sum, avg, min, max, last, histogram or a quantile such as p95; found "p05"`,
		"avg,avg(a)":                      "column 5: avg is there already",
		"avg a":                           `column 5: expected "(" and a stream, or "," and another function; found "a"`,
		"avg()":                           `column 5: expected a stream or a pattern such as logs.*; found ")"`,
		"avg(a..b)":                       `column 5: selector "a..b": a token between dots is empty`,
		"avg(a busy)":                     `column 7: expected a JSON pointer such as /ms, or ")"; found "busy"`,
		"avg(a /b c)":                     `column 10: expected ")"; found "c"`,
		"avg(a /~2)":                      `column 7: "/~2" is not a JSON pointer: "~" must be followed by 0 or 1`,
		"avg(a \"/b)":                     `column 7: expected a JSON pointer in the quotes of a JSON string; found "/b)`,
		"avg(a \"\")":                     `column 7: expected a JSON pointer such as /ms, or ")"; found "\""`,
		"avg(a":                           `column 6: expected a JSON pointer such as /ms, or ")"; found the end`,
		"avg(ä)":                          `column 5: selector "ä": 'ä' is not allowed in a stream name, only letters, digits, '_', '-' and dots between tokens`,
		"count(a) by":                     "column 12: expected key, type, stream or a JSON pointer such as /route; found the end",
		"count(a) by route":               `column 13: expected key, type, stream or a JSON pointer such as /route; found "route"`,
		"count(a) by key by type":         "column 17: by is there already",
		"count(a) every":                  "column 15: expected a duration such as 10s or 1h30m; found the end",
		"count(a) every 10":               `column 16: expected a duration such as 10s or 1h30m; found "10"`,
		"count(a) every 100ms":            "column 16: the duration is 100ms, it must be from 1s to 24h",
		"count(a) every 25h":              "column 16: the duration is 25h, it must be from 1s to 24h",
		"count(a) every 1.0001s":          "column 16: the duration is 1.0001s, it must be of whole milliseconds",
		"count(a) over 25s":               "column 15: over is 25s, it must be a multiple of every, which is 10s",
		"count(a) every 1s over 1h":       "column 24: over is 3600 times as long as every, at most 1000 times are allowed",
		"count(a) evry 1s":                `column 10: expected by, over, every, where or the end; found "evry"`,
		"count(a) where ":                 "column 16: expected a condition such as data.status < 500",
		"count(a))":                       `column 9: expected by, over, every, where or the end; found ")"`,
		"count(\xff)":                     "column 1: the view is not valid UTF-8",
		strings.Repeat("count,", 700):     "column 1: the view is 4200 bytes long, at most 4096 are allowed",
		"count(a) by \"/ü\" evry 1s":      `column 18: expected by, over, every, where or the end; found "evry"`,
		"count(a) every 1s every 2s":      "column 19: every is there already",
		"sum(a /b)by key over 10s over 1": "column 26: over is there already",
	} {
		_, err := streamgauge.ParseView(text)
		var at *streamgauge.ViewError
		if !errors.As(err, &at) || err.Error() != want {
			t.Errorf("%q:\n got %v\nwant %s", text, err, want)
		}
	}
}

func FuzzParseView(f *testing.F) {
	for _, text := range []string{
		"p95(web.requests /ms) by /route over 5m every 10s where data.status < 500",
		"count,rate(shop.orders) every 1m", `histogram(a "/b \"c\"") by "/d e"`, "sum(a) by key where x", "count(",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := streamgauge.ParseView(text)
		if err != nil {
			if at := new(streamgauge.ViewError); !errors.As(err, &at) || at.Column < 1 || at.Column > len(text)+1 {
				t.Errorf("%q: the error is %v", text, err)
			}
			return
		}
		canonical := v.String()
		again, err := streamgauge.ParseView(canonical)
		if len(canonical) > streamgauge.MaxViewBytes {
			return // quoting has made it longer
		}
		if err != nil || again.String() != canonical || fmt.Sprint(again) != fmt.Sprint(v) {
			t.Errorf("%q is %q, which comes back as %q, %v", text, canonical, again, err)
		}
	})
}
