package streamgauge

import (
	"slices"
	"strings"
	"time"
	"unicode"
)

// View is a stream computed from others: counts, sums, means, extremes and
// quantiles over windows of time. It is a pure function of the log. [ParseView]
// reads its one representation, a text such as
//
//	p95(web.requests /ms) by /route over 5m every 10s where data.status < 500
//
// which docs/views.md explains.
type View struct {
	// Functions are what is computed, in order: count, rate, sum, avg, min,
	// max, last, histogram, p1 to p99, p99.9.
	Functions []string
	// Select says which streams the view is computed from.
	Select Selector
	// Pointer is the JSON pointer to the number in an event's data; empty is
	// the data itself.
	Pointer string
	// By says what has rows of its own: each "key", "type" or "stream", or each
	// value that a JSON pointer points at. Empty is all together.
	By string
	// Every is the time from one row to the next and Over the time that a row
	// covers, a multiple of Every.
	Every, Over time.Duration
	// Where is a condition in the language of [Options.CompileFilter]. Events
	// that do not meet it are left out; empty leaves none out.
	Where string
}

// What a view may ask for.
const (
	MaxViewBytes = 4096           // of its text
	MinViewEvery = time.Second    // the least Every
	MaxViewEvery = 24 * time.Hour // the most Every
	MaxViewPanes = 1000           // the most that Over may be of Every
)

// defaultEvery is what Every is where nothing is said.
const defaultEvery = 10 * time.Second

// String returns the canonical text: [ParseView] reads it as the same view, and
// equal views have equal texts.
func (v View) String() string {
	var b strings.Builder
	b.WriteString(strings.Join(v.Functions, ","))
	b.WriteString("(" + string(v.Select))
	if v.Pointer != "" {
		b.WriteString(" " + pointerText(v.Pointer))
	}
	b.WriteString(")")
	switch {
	case strings.HasPrefix(v.By, "/"):
		b.WriteString(" by " + pointerText(v.By))
	case v.By != "":
		b.WriteString(" by " + v.By)
	}
	if v.Over != v.Every {
		b.WriteString(" over " + durationText(v.Over))
	}
	b.WriteString(" every " + durationText(v.Every))
	if v.Where != "" {
		b.WriteString(" where " + v.Where)
	}
	return b.String()
}

// pointerText returns a pointer as it is where that can be read back, else in
// quotes.
func pointerText(pointer string) string {
	if strings.IndexFunc(pointer, endsWord) < 0 {
		return pointer
	}
	return string(appendJSONString(nil, pointer))
}

// endsWord reports whether a word of a view's text ends before c.
func endsWord(c rune) bool {
	return unicode.IsSpace(c) || unicode.IsControl(c) || strings.ContainsRune(`()",`, c)
}

// durationText is the duration's own text without the zeros at its end.
func durationText(d time.Duration) string {
	text := d.String()
	if short, ok := strings.CutSuffix(text, "m0s"); ok {
		text = short + "m"
	}
	if short, ok := strings.CutSuffix(text, "h0m"); ok {
		text = short + "h"
	}
	return text
}

// hasValue reports whether the view looks at numbers. Of one that doesn't, every
// event counts.
func (v View) hasValue() bool {
	return v.Pointer != "" || slices.ContainsFunc(v.Functions, func(name string) bool {
		return name != "count" && name != "rate"
	})
}
