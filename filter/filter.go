// Package filter decides by an expression which events a subscriber is sent.
//
// An expression is written in the language of github.com/expr-lang/expr and
// yields true or false:
//
//	data.level == "error" and stream startsWith "logs."
//	type in ["deploy", "rollback"] or data.duration_ms > 1000
//	any(data.tags, # startsWith "team-") and time >= date("2026-01-31")
//	data.message matches "(?i)time ?out"
//
// # What there is
//
// The names stream, type and key are strings, empty if the event has none; time
// is when it happened, or, if its publisher didn't say, when it was appended;
// data is the decoded JSON, or a string if the event is a line of text.
// Integers are exact from -2^63 to 2^63-1; other numbers are 64-bit floats.
//
// A member or an element that isn't there is nil, and so are its own, so
// data.a.b == 1 is simply false where there is no data.a. What can't be done
// with a value, such as comparing nil by "<", is an error, and an event that
// causes one doesn't match.
//
// There are the operators and, or, not, ==, !=, <, <=, >, >=, in, contains,
// startsWith, endsWith, matches (with an RE2 pattern in quotes), +, -, *, /, %,
// **, ?? and ?:, and the functions len, lower, upper, trim, int, float, abs,
// date (of a day or an RFC 3339 time, in quotes) and, over an array, all, any,
// none, one and count, in which # is the element. What expr has beyond that is
// left out: none of it is needed to say yes or no, and an expression without it
// depends on nothing but the event and has a bounded cost.
//
// # What it costs
//
// An expression measures at most [MaxBytes] bytes and [MaxNodes] terms. Its work
// on an event rises in proportion to the size of the event's data, at a rate
// that is known once it is compiled: each part of a pattern, and each term
// within any and its like, counts one step per byte, and each other operator
// and function counts one. An event for which that comes to more than
// [MaxSteps] doesn't match; so the most complex expression is tried on at least
// 7 KiB of data, one of 64 steps on the 256 KiB that a hub allows by default.
// The dearest evaluations known take below a tenth of a second on one core
// (BenchmarkCostly), usual ones 2 microseconds, most of it for decoding the
// JSON, which is done only if the expression speaks of data.
package filter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"

	"github.com/streamgauge/streamgauge"
)

// What an expression may measure and cost.
const (
	MaxBytes = 1024    // of source
	MaxNodes = 200     // names, values, operators and functions
	MaxSteps = 1 << 24 // on one event; see the package's documentation

	maxPattern = 2000   // instructions of all patterns together
	maxMemory  = 10_000 // elements of arrays made during an evaluation
)

const names = "stream, type, key, time and data"

// Filter is a compiled expression. It may be used from any number of goroutines
// at once.
type Filter struct {
	source   string
	program  *vm.Program
	usesData bool
	perByte  int // steps per byte of data
}

// Compile compiles an expression. The error says what is wrong with it, at which
// column (counted in characters, from 1), and what there is instead.
func Compile(src string) (f *Filter, err error) {
	switch {
	case strings.TrimSpace(src) == "":
		return nil, fmt.Errorf("expression is empty: write one over %s, such as data.level == \"error\"", names)
	case len(src) > MaxBytes:
		return nil, fmt.Errorf("expression is %d bytes long, at most %d are allowed", len(src), MaxBytes)
	}
	defer func() {
		if r := recover(); r != nil { // the source is anybody's: a fault of the compiler must not end the process
			f, err = nil, fmt.Errorf("expression can't be compiled: %v", r)
		}
	}()
	rules := new(rules)
	program, err := expr.Compile(src,
		expr.Env(types.Map{
			"stream": types.String,
			"type":   types.String,
			"key":    types.String,
			"time":   types.TypeOf(time.Time{}),
			"data":   types.Any,
		}),
		expr.AsBool(),
		expr.MaxNodes(MaxNodes),
		expr.Function(memberFunc, member, new(func(any, any) any)),
		expr.Patch(rules),
	)
	if rules.err != nil { // says more than what follows from it
		err = rules.err.Bind(file.NewSource(src))
	}
	if err != nil {
		return nil, explain(err)
	}
	return &Filter{source: src, program: program, usesData: rules.usesData, perByte: rules.perByte}, nil
}

// explain words an error of the compiler on one line, for whoever wrote the
// expression.
func explain(err error) error {
	var fault *file.Error
	if !errors.As(err, &fault) { // about the expression as a whole
		return fmt.Errorf("expression must yield true or false: %w", err)
	}
	message := fault.Message
	switch {
	case strings.HasPrefix(message, "unknown name"):
		message += ": there are " + names
	case strings.Contains(message, "maximum allowed nodes"):
		return fmt.Errorf("expression has more than %d terms", MaxNodes)
	}
	where := "column " + strconv.Itoa(fault.Column+1)
	if fault.Line > 1 {
		where = "line " + strconv.Itoa(fault.Line) + ", " + where
	}
	return fmt.Errorf("%s: %s", where, message)
}

// String returns the source of the expression.
func (f *Filter) String() string { return f.source }

// evaluation is what one evaluation needs and the next can use again.
type evaluation struct {
	vm  vm.VM
	env map[string]any
}

var evaluations = sync.Pool{New: func() any {
	return &evaluation{vm: vm.VM{MemoryBudget: maxMemory}, env: make(map[string]any, 5)}
}}

// Match reports whether the expression is true of the event. It neither keeps
// nor changes the event and never panics.
func (f *Filter) Match(e *streamgauge.Event) bool {
	if f.perByte*len(e.Data) > MaxSteps {
		return false
	}
	var data any
	if f.usesData {
		var ok bool
		if data, ok = decode(e); !ok {
			return false
		}
	}
	happened := e.Time
	if happened.IsZero() {
		happened = e.Appended
	}
	ev := evaluations.Get().(*evaluation)
	ev.env["stream"], ev.env["type"], ev.env["key"] = e.Stream, e.Type, e.Key
	ev.env["time"], ev.env["data"] = happened, data
	result, err := ev.vm.Run(f.program, ev.env)
	clear(ev.env)
	evaluations.Put(ev)
	match, ok := result.(bool)
	return err == nil && ok && match
}

// decode returns the event's data as the expression sees it.
func decode(e *streamgauge.Event) (any, bool) {
	if e.Text {
		return string(e.Data), true
	}
	decoder := json.NewDecoder(bytes.NewReader(e.Data))
	decoder.UseNumber()
	var data any
	if decoder.Decode(&data) != nil {
		return nil, false
	}
	return exact(data), true
}

// exact replaces the numbers of decoded JSON: integers stay exact as far as an
// int reaches, everything else is a float.
func exact(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := strconv.ParseInt(string(v), 10, 64); err == nil {
			return int(i)
		}
		f, _ := v.Float64() // infinite if it is too large
		return f
	case map[string]any:
		for name, value := range v {
			v[name] = exact(value)
		}
	case []any:
		for i, value := range v {
			v[i] = exact(value)
		}
	}
	return v
}

const memberFunc = "member of"

// member returns the member or the element that a path names, or nil if it
// isn't there.
func member(args ...any) (any, error) {
	switch of := args[0].(type) {
	case map[string]any:
		if name, ok := args[1].(string); ok {
			return of[name], nil
		}
	case []any:
		if i, ok := args[1].(int); ok {
			if i < 0 {
				i += len(of)
			}
			if 0 <= i && i < len(of) {
				return of[i], nil
			}
		}
	}
	return nil, nil
}
