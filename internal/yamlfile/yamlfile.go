// Package yamlfile is what our strict readers of YAML share: parsing into nodes
// that know their place, and words for what was found and what was probably
// meant.
package yamlfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	yaml "go.yaml.in/yaml/v4"
)

// SyntaxError is why a text is no single YAML document.
type SyntaxError struct {
	Line, Column int // from 1; the column is counted in characters
	Message      string
}

// Error says where and what.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
}

// Parse returns the root of the text's only document, or nil if there is none.
// An error is a [*SyntaxError].
func Parse(text []byte) (root *yaml.Node, err error) {
	if err := checkCharacters(text); err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil { // the text may be anybody's: a fault of the parser must not end the process
			root, err = nil, &SyntaxError{1, 1, fmt.Sprintf("can't be read: %v", r)}
		}
	}()
	loader, err := yaml.NewLoader(bytes.NewReader(text))
	if err != nil {
		return nil, syntaxError(err)
	}
	var first, second yaml.Node
	switch err := loader.Load(&first); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, syntaxError(err)
	}
	switch err := loader.Load(&second); {
	case err == nil:
		return nil, &SyntaxError{max(second.Line, 1), max(second.Column, 1), "begins a second document, there must be one"}
	case !errors.Is(err, io.EOF):
		return nil, syntaxError(err)
	}
	if first.Kind == yaml.DocumentNode {
		if len(first.Content) == 0 {
			return nil, nil
		}
		return first.Content[0], nil
	}
	return &first, nil
}

// syntaxError puts the parser's error into our words.
func syntaxError(err error) *SyntaxError {
	var at *yaml.LoadError
	if !errors.As(err, &at) {
		return &SyntaxError{1, 1, "is no YAML: " + err.Error()}
	}
	message := "is no YAML: " + at.Message
	switch {
	case strings.Contains(at.Message, "cannot start any token"):
		message += " (put the value in quotes; YAML is indented by spaces, never tabs)"
	case strings.Contains(at.Message, "tab character"):
		message += " (YAML is indented by spaces)"
	case strings.Contains(at.Message, "mapping values are not allowed"):
		message += " (a value with a colon needs quotes, a key must stand below its siblings)"
	case at.ContextMsg != "" && at.ContextMark.Line > 0 && at.ContextMark.Line != at.Mark.Line:
		message += fmt.Sprintf(" (%s that begins in line %d)", at.ContextMsg, at.ContextMark.Line)
	}
	return &SyntaxError{max(at.Mark.Line, 1), max(at.Mark.Column, 1), message}
}

// checkCharacters finds what no YAML may have, of which the parser does not say
// the place.
func checkCharacters(text []byte) error {
	line, column := 1, 1
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return &SyntaxError{line, column, "has a byte that is no UTF-8"}
		case r < ' ' && r != '\n' && r != '\r' && r != '\t', r == 0x7f, 0x80 <= r && r < 0xa0 && r != 0x85:
			return &SyntaxError{line, column, fmt.Sprintf("has the control character %U, which YAML does not allow", r)}
		case r == '\n':
			line, column = line+1, 0
		}
		i, column = i+size, column+1
	}
	return nil
}

// Resolve looks through aliases.
func Resolve(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// IsNull reports whether the node is nothing: null, ~ or left empty.
func IsNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// Describe says in a few words what the node is.
func Describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	switch {
	case IsNull(n):
		return "nothing"
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return "a block of text"
	case n.ShortTag() == "!!str":
		return "the text " + quote(n.Value)
	}
	return n.Value
}

func quote(s string) string {
	if r := []rune(s); len(r) > 40 {
		s = string(r[:40]) + "…"
	}
	return fmt.Sprintf("%q", s)
}
