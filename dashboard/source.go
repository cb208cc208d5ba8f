package dashboard

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	yaml "go.yaml.in/yaml/v4"

	"github.com/streamgauge/streamgauge/internal/yamlfile"
)

// source is a text and the nodes that it consists of. The parser says where a
// node begins; where it ends is found here.
type source struct {
	text  string
	lines []int  // where each begins
	nl    string // what ends a line
	root  *yaml.Node
}

var errUnusual = errors.New("can't be done: the file is written in an unusual way there; edit it by hand")

func parseSource(text string) (*source, error) {
	s := &source{text: text, lines: []int{0}, nl: "\n"}
	for i := range len(text) {
		if text[i] == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	if strings.Contains(text, "\r\n") {
		s.nl = "\r\n"
	}
	// YAML ends lines where nobody sees it.
	if strings.Contains(strings.ReplaceAll(text, "\r\n", ""), "\r") || strings.ContainsAny(text, "\u0085\u2028\u2029") {
		return nil, errors.New("can't be done: the file ends lines in an unusual way; edit it by hand")
	}
	root, err := yamlfile.Parse([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("can't be done: the file is no YAML: %w", err)
	}
	if root == nil {
		return nil, errors.New("can't be done: the file is empty")
	}
	s.root = root
	return s, nil
}

// at returns where the node begins, in bytes.
func (s *source) at(n *yaml.Node) int {
	i := s.lines[min(max(n.Line, 1), len(s.lines))-1]
	for range n.Column - 1 {
		_, size := utf8.DecodeRuneInString(s.text[i:])
		i += size
	}
	return min(i, len(s.text))
}

// lineStart returns where the line of the byte begins.
func (s *source) lineStart(i int) int { return strings.LastIndexByte(s.text[:i], '\n') + 1 }

// lineEnd returns where the line of the byte ends, before what ends it.
func (s *source) lineEnd(i int) int {
	n := strings.IndexByte(s.text[i:], '\n')
	if n < 0 {
		return len(s.text)
	}
	if end := i + n; end > i && s.text[end-1] == '\r' {
		return end - 1
	}
	return i + n
}

// nextLine returns where the line after that of the byte begins.
func (s *source) nextLine(i int) int {
	n := strings.IndexByte(s.text[i:], '\n')
	if n < 0 {
		return len(s.text)
	}
	return i + n + 1
}

// isBlank reports whether there is nothing on the line that begins at i.
func (s *source) isBlank(i int) bool { return strings.TrimSpace(s.text[i:s.lineEnd(i)]) == "" }

// skip returns the first byte from i on that is neither white space nor within a
// comment.
func (s *source) skip(i int) int {
	for i < len(s.text) {
		switch c := s.text[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case c == '#':
			i = s.lineEnd(i)
		default:
			return i
		}
	}
	return i
}

// props returns where an anchor and a tag that begin at i end.
func (s *source) props(i int) int {
	end := i
	for i < len(s.text) && (s.text[i] == '&' || s.text[i] == '!') {
		if n := strings.IndexAny(s.text[i:], " \t\r\n,[]{}"); n >= 0 {
			i += n
		} else {
			i = len(s.text)
		}
		end = i
		for i < len(s.text) && (s.text[i] == ' ' || s.text[i] == '\t') {
			i++
		}
	}
	return end
}

// content returns where the node begins beyond its anchor and tag.
func (s *source) content(n *yaml.Node) int {
	i := s.at(n)
	if end := s.props(i); end > i {
		return s.skip(end)
	}
	return i
}

// isFlow reports whether the node is a collection in brackets.
func isFlow(n *yaml.Node) bool { return n.Style&yaml.FlowStyle != 0 && isCollection(n) }

func isCollection(n *yaml.Node) bool {
	return n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode
}

// isBlock reports whether the node is a collection of lines.
func isBlock(n *yaml.Node) bool { return isCollection(n) && !isFlow(n) && len(n.Content) > 0 }

// isNothing reports whether the node has no text.
func isNothing(n *yaml.Node) bool {
	return yamlfile.IsNull(n) && n.Value == "" && n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
}

// isText reports whether the node is a block of text.
func isText(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0
}

// column returns where the entries of a block begin in their lines.
func (s *source) column(n *yaml.Node) int {
	i := s.content(n)
	return i - s.lineStart(i)
}

// end returns where the node's text ends, without what follows on its line.
// indent is the column of the block that it is in.
func (s *source) end(n *yaml.Node, indent int) (int, error) {
	begin := s.at(n)
	switch {
	case n.Kind == yaml.AliasNode:
		return begin + 1 + len(n.Value), nil
	case isCollection(n):
		return s.endOfCollection(n)
	case n.Kind != yaml.ScalarNode:
		return 0, errUnusual
	case isNothing(n):
		return s.props(begin), nil
	case isText(n):
		return s.endOfText(n, indent), nil
	}
	i := s.content(n)
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		return s.endOfQuotes(i, '"')
	case n.Style&yaml.SingleQuotedStyle != 0:
		return s.endOfQuotes(i, '\'')
	}
	return s.endOfPlain(i, n.Value)
}

// endOfPlain follows the words of a plain scalar: only what parts them may have
// changed in reading.
func (s *source) endOfPlain(i int, value string) (int, error) {
	for _, word := range strings.FieldsFunc(value, func(c rune) bool { return c == ' ' || c == '\t' || c == '\n' }) {
		for i < len(s.text) && strings.IndexByte(" \t\r\n", s.text[i]) >= 0 {
			i++
		}
		if !strings.HasPrefix(s.text[i:], word) {
			return 0, errUnusual
		}
		i += len(word)
	}
	return i, nil
}

func (s *source) endOfQuotes(i int, quote byte) (int, error) {
	if i >= len(s.text) || s.text[i] != quote {
		return 0, errUnusual
	}
	for i++; i < len(s.text); i++ {
		switch {
		case s.text[i] == '\\' && quote == '"':
			i++
		case s.text[i] != quote:
		case quote == '\'' && strings.HasPrefix(s.text[i+1:], "'"):
			i++
		default:
			return i + 1, nil
		}
	}
	return 0, errUnusual
}

// headerEnd returns where the header of a block of text ends.
func (s *source) headerEnd(n *yaml.Node) int {
	i := s.content(n)
	for i < len(s.text) && strings.IndexByte("|>+-0123456789", s.text[i]) >= 0 {
		i++
	}
	return i
}

// endOfText returns where the last line of a block of text ends. Blank lines
// after it belong to it only if it keeps them.
func (s *source) endOfText(n *yaml.Node, indent int) int {
	header := s.text[s.content(n):s.headerEnd(n)]
	keeps := strings.Contains(header, "+")
	end := s.lineEnd(s.headerEnd(n))
	own := -1 // how far its lines are indented
	if digit := strings.Trim(header, "|>+-"); digit != "" {
		own = max(indent, 0) + int(digit[0]-'0')
	}
	for i := s.nextLine(end); i < len(s.text); i = s.nextLine(i) {
		line := s.text[i:s.lineEnd(i)]
		spaces := len(line) - len(strings.TrimLeft(line, " "))
		switch {
		case strings.TrimSpace(line) == "" && (own < 0 || spaces <= own): // blank
			if keeps {
				end = s.lineEnd(i)
			}
			continue
		case own < 0 && spaces > indent && strings.TrimSpace(n.Value) != "":
			own = spaces
		}
		if own < 0 || spaces < own {
			break
		}
		end = s.lineEnd(i)
	}
	return end
}

func (s *source) endOfCollection(n *yaml.Node) (int, error) {
	i := s.content(n)
	open := strings.HasPrefix(s.text[i:], "[") || strings.HasPrefix(s.text[i:], "{")
	last := i + 1
	if len(n.Content) > 0 {
		indent := 0
		if !isFlow(n) {
			indent = s.column(n)
		}
		child := n.Content[len(n.Content)-1]
		end, err := s.end(child, indent)
		if err != nil {
			return 0, err
		}
		last = end
		if n.Kind == yaml.MappingNode && isNothing(child) { // the parser puts it where the next thing begins
			if last, err = s.endOfKey(n, len(n.Content)-2); err != nil {
				return 0, err
			}
		}
	}
	switch {
	case !isFlow(n):
		return last, nil
	case !open: // a pair without braces
		return last, nil
	}
	for last = s.skip(last); last < len(s.text) && strings.IndexByte(",:?", s.text[last]) >= 0; {
		last = s.skip(last + 1)
	}
	if last >= len(s.text) || s.text[last] != ']' && s.text[last] != '}' {
		return 0, errUnusual
	}
	return last + 1, nil
}

// endOfKey returns where the key and the colon after it end, and where the key
// ends if there is no colon.
func (s *source) endOfKey(n *yaml.Node, key int) (int, error) {
	end, err := s.end(n.Content[key], 0)
	if err != nil {
		return 0, err
	}
	i := end
	for i < len(s.text) && (s.text[i] == ' ' || s.text[i] == '\t') {
		i++
	}
	if i < len(s.text) && s.text[i] == ':' {
		return i + 1, nil
	}
	if isFlow(n) {
		return end, nil
	}
	return 0, errUnusual // a "?" key
}
