package streamgauge

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// ViewError says what is wrong with a view's text, and where.
type ViewError struct {
	Column int    // in characters, from 1
	Reason string // a phrase such as `expected "("`
}

// Error says where, then what.
func (e *ViewError) Error() string { return fmt.Sprintf("column %d: %s", e.Column, e.Reason) }

// ParseView reads the text of a view:
//
//	view     = function {"," function} "(" selector [pointer] ")" {clause} ["where" condition]
//	clause   = "by" (pointer | "key" | "type" | "stream") | "over" duration | "every" duration
//	function = "count" | "rate" | "sum" | "avg" | "min" | "max" | "last" | "histogram" | "p50"…
//
// A pointer is a JSON pointer, in the quotes of a JSON string if it has blanks,
// commas, quotes or parentheses. A duration is one of Go, such as 1m30s, of
// whole milliseconds. The condition reaches to the end and is not looked into.
// The error is a [*ViewError].
func ParseView(text string) (View, error) {
	p := viewParser{text: text}
	v, err := p.view()
	if err != nil {
		return View{}, err
	}
	return v, nil
}

// viewParser reads a view's text from left to right.
type viewParser struct {
	text string
	at   int // in bytes
}

// fail returns an error about what begins at a byte.
func (p *viewParser) fail(at int, format string, args ...any) error {
	return &ViewError{utf8.RuneCountInString(p.text[:at]) + 1, fmt.Sprintf(format, args...)}
}

func (p *viewParser) view() (v View, err error) {
	if len(p.text) > MaxViewBytes {
		return v, p.fail(0, "the view is %d bytes long, at most %d are allowed", len(p.text), MaxViewBytes)
	}
	if !utf8.ValidString(p.text) {
		return v, p.fail(0, "the view is not valid UTF-8")
	}
	if v.Functions, err = p.functions(); err != nil {
		return v, err
	}
	if err := p.source(&v); err != nil {
		return v, err
	}
	if err := p.clauses(&v); err != nil {
		return v, err
	}
	return v, nil
}

// blanks skips blanks.
func (p *viewParser) blanks() {
	p.at = len(p.text) - len(strings.TrimLeftFunc(p.text[p.at:], unicode.IsSpace))
}

// word returns the next word and where it began. It is empty at the end and
// before punctuation.
func (p *viewParser) word() (word string, at int) {
	p.blanks()
	rest := p.text[p.at:]
	n := strings.IndexFunc(rest, endsWord)
	if n < 0 {
		n = len(rest)
	}
	at = p.at
	p.at += n
	return rest[:n], at
}

// next reports whether the text goes on with c, and skips it if so.
func (p *viewParser) next(c byte) bool {
	p.blanks()
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

// rest is what an error says it has found.
func (p *viewParser) rest(at int) string {
	if at >= len(p.text) {
		return "the end"
	}
	word := p.text[at:]
	if n := strings.IndexFunc(word, endsWord); n > 0 {
		word = word[:n]
	} else if n == 0 {
		_, size := utf8.DecodeRuneInString(word)
		word = word[:size]
	}
	if len(word) > 40 {
		word = strings.ToValidUTF8(word[:40], "") + "…"
	}
	return strconv.Quote(word)
}

const someFunctions = "count, rate, sum, avg, min, max, last, histogram or a quantile such as p95"

func (p *viewParser) functions() (names []string, err error) {
	for {
		name, at := p.word()
		switch {
		case !isFunction(name):
			return nil, p.fail(at, "expected %s; found %s", someFunctions, p.rest(at))
		case slices.Contains(names, name):
			return nil, p.fail(at, "%s is there already", name)
		}
		names = append(names, name)
		if p.next(',') {
			continue
		}
		if !p.next('(') {
			return nil, p.fail(p.at, `expected "(" and a stream, or "," and another function; found %s`, p.rest(p.at))
		}
		return names, nil
	}
}

func isFunction(name string) bool {
	switch name {
	case "count", "rate", "sum", "avg", "min", "max", "last", "histogram":
		return true
	}
	return quantile(name) > 0
}

// quantile returns the quantile of a name such as p95 in thousandths, and 0 if
// it is none.
func quantile(name string) int {
	digits, ok := strings.CutPrefix(name, "p")
	if digits == "99.9" && ok {
		return 999
	}
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 1 || n > 99 || strconv.Itoa(n) != digits {
		return 0
	}
	return 10 * n
}

// source reads what stands between the parentheses, and the second one.
func (p *viewParser) source(v *View) (err error) {
	selector, at := p.word()
	if selector == "" {
		return p.fail(at, "expected a stream or a pattern such as logs.*; found %s", p.rest(at))
	}
	if v.Select, err = ParseSelector(selector); err != nil {
		return p.fail(at, "%v", err)
	}
	if p.next(')') {
		return nil
	}
	if v.Pointer, err = p.pointer(`a JSON pointer such as /ms, or ")"`); err != nil {
		return err
	}
	if !p.next(')') {
		return p.fail(p.at, `expected ")"; found %s`, p.rest(p.at))
	}
	return nil
}

// pointer reads a JSON pointer that is not empty.
func (p *viewParser) pointer(expected string) (string, error) {
	pointer, at := p.word()
	if pointer == "" && strings.HasPrefix(p.text[p.at:], `"`) {
		quoted := p.quoted()
		if json.Unmarshal([]byte(quoted), &pointer) != nil {
			return "", p.fail(at, "expected a JSON pointer in the quotes of a JSON string; found %s", quoted)
		}
	}
	if !strings.HasPrefix(pointer, "/") {
		return "", p.fail(at, "expected %s; found %s", expected, p.rest(at))
	}
	if err := checkPointer(pointer); err != nil {
		return "", p.fail(at, "%v", err)
	}
	return pointer, nil
}

// quoted returns what stands in quotes, with them.
func (p *viewParser) quoted() string {
	rest := p.text[p.at:]
	for i := 1; i < len(rest); i++ {
		switch rest[i] {
		case '\\':
			i++
		case '"':
			p.at += i + 1
			return rest[:i+1]
		}
	}
	p.at = len(p.text)
	return rest
}

// clauses reads the rest, checks it, and fills in what is left out.
func (p *viewParser) clauses(v *View) (err error) {
	overAt := 0
	for p.blanks(); p.at < len(p.text); p.blanks() {
		clause, at := p.word()
		switch {
		case clause == "by" && v.By == "":
			err = p.by(v)
		case clause == "every" && v.Every == 0:
			v.Every, _, err = p.duration(MinViewEvery, MaxViewEvery)
		case clause == "over" && v.Over == 0:
			v.Over, overAt, err = p.duration(MinViewEvery, MaxViewPanes*MaxViewEvery)
		case clause == "where":
			if v.Where = strings.TrimSpace(p.text[p.at:]); v.Where == "" {
				err = p.fail(len(p.text), "expected a condition such as data.status < 500")
			}
			p.at = len(p.text)
		case slices.Contains([]string{"by", "every", "over"}, clause):
			err = p.fail(at, "%s is there already", clause)
		default:
			err = p.fail(at, "expected by, over, every, where or the end; found %s", p.rest(at))
		}
		if err != nil {
			return err
		}
	}
	or(&v.Every, defaultEvery)
	or(&v.Over, v.Every)
	switch {
	case v.Over%v.Every != 0:
		return p.fail(overAt, "over is %s, it must be a multiple of every, which is %s", durationText(v.Over), durationText(v.Every))
	case v.Over/v.Every > MaxViewPanes:
		return p.fail(overAt, "over is %d times as long as every, at most %d times are allowed", v.Over/v.Every, MaxViewPanes)
	}
	return nil
}

func (p *viewParser) by(v *View) (err error) {
	before := p.at
	switch by, _ := p.word(); by {
	case "key", "type", "stream":
		v.By = by
	default:
		p.at = before
		v.By, err = p.pointer("key, type, stream or a JSON pointer such as /route")
	}
	return err
}

func (p *viewParser) duration(least, most time.Duration) (d time.Duration, at int, err error) {
	text, at := p.word()
	d, err = time.ParseDuration(text)
	switch {
	case err != nil:
		return 0, at, p.fail(at, "expected a duration such as 10s or 1h30m; found %s", p.rest(at))
	case d < least || d > most:
		return 0, at, p.fail(at, "the duration is %s, it must be from %s to %s", text, durationText(least), durationText(most))
	case d%time.Millisecond != 0:
		return 0, at, p.fail(at, "the duration is %s, it must be of whole milliseconds", text)
	}
	return d, at, nil
}
