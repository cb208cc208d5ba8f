package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// The scanner only finds where JSON values begin and end, so that a body is not
// parsed twice: that each value is one is checked by the log, which does so for
// everybody. What is between the values is checked here.

// skipSpace returns the index of the first byte from i on that is no white
// space.
func skipSpace(data []byte, i int) int {
	for i < len(data) && (data[i] == ' ' || data[i] == '\n' || data[i] == '\t' || data[i] == '\r') {
		i++
	}
	return i
}

// skipValue returns the index after the value that begins at i. It finds the
// end of every JSON value, and some end of what is none.
func skipValue(data []byte, i int) int {
	depth := 0
	for ; i < len(data); i++ {
		switch data[i] {
		case '"':
			i = skipString(data, i) - 1
		case '{', '[':
			depth++
			continue
		case '}', ']':
			if depth == 0 { // the end of what encloses the value
				return i
			}
			depth--
		case ',', ':', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
			continue
		default:
			if depth == 0 {
				continue // within a number or a literal
			}
		}
		if depth == 0 {
			return min(i+1, len(data))
		}
	}
	return len(data)
}

// skipString returns the index after the string whose quote is at i.
func skipString(data []byte, i int) int {
	for i++; i < len(data); i++ {
		switch data[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(data)
}

// splitArray calls yield with every value of the array that data is, which has
// no white space around it.
func splitArray(data []byte, yield func(value []byte) error) error {
	i := skipSpace(data, 1)
	if i < len(data) && data[i] == ']' {
		return endOfArray(data, i)
	}
	for n := 1; ; n++ {
		end := skipValue(data, i)
		if end == i {
			return fmt.Errorf("event %d of the array has no value, at byte %d", n, i+1)
		}
		if err := yield(data[i:end]); err != nil {
			return err
		}
		i = skipSpace(data, end)
		switch {
		case i == len(data):
			return fmt.Errorf("the array does not end: %q is missing after event %d", "]", n)
		case data[i] == ']':
			return endOfArray(data, i)
		case data[i] != ',':
			return fmt.Errorf("%q is not expected after event %d of the array, at byte %d", runeAt(data, i), n, i+1)
		}
		i = skipSpace(data, i+1)
	}
}

func endOfArray(data []byte, i int) error {
	if i != len(data)-1 {
		return fmt.Errorf("there is something after the array's end, at byte %d", i+2)
	}
	return nil
}

func runeAt(data []byte, i int) rune {
	r, _ := utf8.DecodeRune(data[i:])
	return r
}

// members steps through the members of an object.
type members struct {
	data []byte
	i    int
}

// newMembers expects data to be an object, without white space around it.
func newMembers(data []byte) (*members, error) {
	if len(data) == 0 || data[0] != '{' {
		return nil, errors.New("is not a JSON object")
	}
	return &members{data, 1}, nil
}

// next returns the next member, or ok false after the last one. The value is as
// it was sent.
func (m *members) next() (name string, value []byte, ok bool, err error) {
	first := m.i == 1
	m.i = skipSpace(m.data, m.i)
	if m.i < len(m.data) && m.data[m.i] == '}' {
		if m.i != len(m.data)-1 {
			return "", nil, false, fmt.Errorf("has something after its end, at byte %d", m.i+2)
		}
		return "", nil, false, nil
	}
	if !first {
		if err := m.expect(','); err != nil {
			return "", nil, false, err
		}
	}
	if m.i == len(m.data) || m.data[m.i] != '"' {
		return "", nil, false, m.unexpected(`"`)
	}
	end := skipString(m.data, m.i)
	if name, err = unquote(m.data[m.i:end]); err != nil {
		return "", nil, false, fmt.Errorf("has a member whose name %w", err)
	}
	m.i = skipSpace(m.data, end)
	if err := m.expect(':'); err != nil {
		return "", nil, false, err
	}
	end = skipValue(m.data, m.i)
	if end == m.i {
		return "", nil, false, m.unexpected("a value")
	}
	value = m.data[m.i:end]
	m.i = skipSpace(m.data, end)
	return name, value, true, nil
}

func (m *members) expect(c byte) error {
	if m.i == len(m.data) || m.data[m.i] != c {
		return m.unexpected(string(rune(c)))
	}
	m.i = skipSpace(m.data, m.i+1)
	return nil
}

func (m *members) unexpected(want string) error {
	if m.i == len(m.data) {
		return fmt.Errorf("is not whole: %s is missing at its end", want)
	}
	return fmt.Errorf("is no JSON: it has %q where %s should be, at byte %d", runeAt(m.data, m.i), want, m.i+1)
}

// unquote returns what the JSON string stands for. The error is a phrase.
func unquote(quoted []byte) (string, error) {
	if len(quoted) < 2 || quoted[0] != '"' || quoted[len(quoted)-1] != '"' {
		return "", errors.New("is not a string")
	}
	inner := quoted[1 : len(quoted)-1]
	if !utf8.Valid(inner) {
		return "", errors.New("is not valid UTF-8")
	}
	plain := true
	for _, c := range inner {
		plain = plain && c >= 0x20 && c != '\\' && c != '"'
	}
	if plain {
		return string(inner), nil
	}
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		return "", fmt.Errorf("is not a JSON string: %v", err)
	}
	return s, nil
}

var null = []byte("null")
