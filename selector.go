package streamgauge

import (
	"fmt"
	"slices"
	"strings"
)

// Selector names streams: a stream's name, or a pattern in which the token "*"
// stands for any one token and a last token ">" for one or more tokens, as in
// NATS subjects. "logs.*" selects logs.web but not logs.web.access; "logs.>"
// selects both; ">" selects every stream.
type Selector string

// ParseSelector checks that s is a stream name or a pattern. The error says
// what is wrong with it.
func ParseSelector(s string) (Selector, error) {
	if len(s) > MaxStreamBytes {
		return "", fmt.Errorf("selector is %d bytes long, at most %d are allowed", len(s), MaxStreamBytes)
	}
	for rest, more := s, true; more; {
		var token string
		token, rest, more = strings.Cut(rest, ".")
		switch {
		case token == "*", token == ">" && !more:
		case token == ">":
			return "", fmt.Errorf("selector %q: %q may only be the last token", s, ">")
		default:
			if err := checkToken(token); err != nil {
				return "", fmt.Errorf("selector %q: %w", s, err)
			}
		}
	}
	return Selector(s), nil
}

// Matches reports whether the selector selects the stream.
func (s Selector) Matches(stream string) bool {
	if !s.IsPattern() {
		return string(s) == stream
	}
	pattern := string(s)
	for {
		want, restPattern, morePattern := strings.Cut(pattern, ".")
		if want == ">" {
			return stream != ""
		}
		got, restStream, moreStream := strings.Cut(stream, ".")
		if want != "*" && want != got {
			return false
		}
		if morePattern != moreStream {
			return false
		}
		if !morePattern {
			return true
		}
		pattern, stream = restPattern, restStream
	}
}

// IsPattern reports whether the selector can select more than one stream.
func (s Selector) IsPattern() bool {
	return strings.IndexByte(string(s), '>') >= 0 || strings.IndexByte(string(s), '*') >= 0
}

// Selection is a set of selectors: it selects what any of them selects.
type Selection []Selector

// NewSelection parses the selectors and returns them sorted and without
// repeats, so that equal selections are equal slices. None at all is an error.
func NewSelection(selectors ...string) (Selection, error) {
	if len(selectors) == 0 {
		return nil, fmt.Errorf("no stream selected")
	}
	sel := make(Selection, 0, len(selectors))
	for _, s := range selectors {
		parsed, err := ParseSelector(s)
		if err != nil {
			return nil, err
		}
		sel = append(sel, parsed)
	}
	slices.Sort(sel)
	return slices.Compact(sel), nil
}

// Matches reports whether any of the selectors selects the stream.
func (s Selection) Matches(stream string) bool {
	for _, one := range s {
		if one.Matches(stream) {
			return true
		}
	}
	return false
}

// split returns the names of single streams, sorted, and the patterns.
func (s Selection) split() (names []string, patterns Selection) {
	for _, one := range s {
		if one.IsPattern() {
			patterns = append(patterns, one)
		} else {
			names = append(names, string(one))
		}
	}
	slices.Sort(names)
	return slices.Compact(names), patterns
}

// Strings returns the selectors as strings.
func (s Selection) Strings() []string {
	out := make([]string, len(s))
	for i, one := range s {
		out[i] = string(one)
	}
	return out
}
