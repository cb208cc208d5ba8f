package dashboard

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	yaml "go.yaml.in/yaml/v4"

	"github.com/streamgauge/streamgauge/internal/yamlfile"
)

// oneLine is a style that takes no blocks of text.
const oneLine yaml.Style = 1 << 16

// maxFlow is how long a collection may be to be written on one line.
const maxFlow = 60

// block returns the value as it follows "key:" or "-": what stands on that line,
// and the lines below, which are indented by indent spaces or more.
func block(n *yaml.Node, indent int, isItem bool, style yaml.Style) (first string, rest []string) {
	pad := strings.Repeat(" ", indent)
	switch {
	case n.Kind == yaml.ScalarNode:
		return blockScalar(n, pad, style)
	case len(n.Content) == 0 || isShort(n, isItem):
		return flow(n), nil
	case n.Kind == yaml.SequenceNode:
		for _, item := range n.Content {
			head, below := block(item, indent+2, true, style&oneLine)
			rest = append(rest, join(pad+"-", head))
			rest = append(rest, below...)
		}
		return "", rest
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		head, below := block(n.Content[i+1], indent+2, false, style&oneLine)
		rest = append(rest, join(pad+flowKey(n.Content[i].Value)+":", head))
		rest = append(rest, below...)
	}
	if isItem { // the first member stands beside the dash
		return rest[0][indent:], rest[1:]
	}
	return "", rest
}

// join puts a blank between the two if there is something to part.
func join(marker, value string) string {
	if value == "" {
		return marker
	}
	return marker + " " + value
}

// isShort reports whether the collection is better written on one line: a list
// of few scalars, or a mapping such as a threshold.
func isShort(n *yaml.Node, isItem bool) bool {
	for _, child := range n.Content {
		if child.Kind != yaml.ScalarNode {
			return false
		}
	}
	if n.Kind == yaml.MappingNode && isItem && len(n.Content) > 2*3 {
		return false // a panel
	}
	return len(flow(n)) <= maxFlow
}

// flow returns the value on one line.
func flow(n *yaml.Node) string {
	var parts []string
	switch n.Kind {
	case yaml.ScalarNode:
		return scalar(n, 0)
	case yaml.SequenceNode:
		for _, item := range n.Content {
			parts = append(parts, flow(item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	if len(n.Content) == 0 {
		return "{}"
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		parts = append(parts, flowKey(n.Content[i].Value)+": "+flow(n.Content[i+1]))
	}
	return "{ " + strings.Join(parts, ", ") + " }"
}

func flowKey(key string) string {
	if isPlain(key, "%s: _x_") && isPlain(key, "{ %s: _x_ }") {
		return key
	}
	return quoted(key)
}

// scalar returns a scalar that may stand anywhere.
func scalar(n *yaml.Node, style yaml.Style) string {
	switch {
	case yamlfile.IsNull(n):
		return "null"
	case jsonTag(n) != "!!str":
		return n.Value
	case style&yaml.SingleQuotedStyle != 0 && isPrintable(n.Value):
		return "'" + strings.ReplaceAll(n.Value, "'", "''") + "'"
	case style&yaml.DoubleQuotedStyle == 0 && isPlain(n.Value, "[ %s ]") && isPlain(n.Value, "{ _k_: %s }"):
		return n.Value
	}
	return quoted(n.Value)
}

// blockScalar returns a scalar that stands outside of any brackets, in the style
// of what was there where that is possible.
func blockScalar(n *yaml.Node, pad string, style yaml.Style) (string, []string) {
	s := n.Value
	if jsonTag(n) != "!!str" {
		return scalar(n, style), nil
	}
	if body, header, ok := literal(s); ok && style&oneLine == 0 {
		var lines []string
		for line := range strings.SplitSeq(body, "\n") {
			if line != "" {
				line = pad + line
			}
			lines = append(lines, line)
		}
		return header, lines
	}
	if style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0 && isPlain(s, "_k_: %s") && isPlain(s, "- %s") {
		return s, nil
	}
	return scalar(n, style), nil
}

// literal returns the body and the header of a block of text, if s is one that
// can be written so.
func literal(s string) (body, header string, ok bool) {
	body, header = s, "|-"
	if trimmed, ends := strings.CutSuffix(s, "\n"); ends {
		body, header = trimmed, "|"
	}
	if !strings.Contains(s, "\n") || body == "" || strings.HasSuffix(body, "\n") || strings.HasPrefix(body, "\n") || body[0] == ' ' || body[0] == '\t' {
		return "", "", false
	}
	for line := range strings.SplitSeq(body, "\n") {
		if !isPrintable(line) || line != "" && strings.TrimSpace(line) == "" {
			return "", "", false
		}
	}
	return body, header, true
}

// otherBooleans are texts for our parser, but no texts for others'.
var otherBooleans = []string{"y", "n", "yes", "no", "on", "off"}

// isPlain reports whether the text means itself without quotes in the place
// that the form shows. It asks the parser, who alone knows.
func isPlain(s, form string) bool {
	switch {
	case s == "" || !isPrintable(s) || strings.TrimSpace(s) != s:
		return false
	case slices.Contains(otherBooleans, strings.ToLower(s)):
		return false
	}
	root, err := yamlfile.Parse(fmt.Appendf(nil, form+"\n", s))
	if err != nil || root == nil {
		return false
	}
	var found []*yaml.Node
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		if n.Kind == yaml.ScalarNode && n.Value == s {
			found = append(found, n)
		}
		if n.HeadComment+n.LineComment+n.FootComment != "" {
			found = append(found, nil, nil)
		}
		for _, child := range n.Content {
			walk(child)
		}
	}
	walk(root)
	most := 3 // a mapping, its key and its value
	if root.Kind == yaml.SequenceNode {
		most = 2
	}
	return len(found) == 1 && countNodes(root) == most && found[0].Style == 0 && found[0].Anchor == "" && found[0].ShortTag() == "!!str"
}

func countNodes(n *yaml.Node) int {
	count := 1
	for _, child := range n.Content {
		count += countNodes(child)
	}
	return count
}

// isPrintable reports whether the text can be written on one line without
// escapes.
func isPrintable(s string) bool {
	for _, c := range s {
		if !unicode.IsPrint(c) {
			return false
		}
	}
	return true
}

// quoted returns the text in double quotes, with what YAML does not allow as it
// is escaped.
func quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(c):
			b.WriteRune(c)
		case c < 0x100:
			fmt.Fprintf(&b, `\x%02x`, c)
		case c < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			fmt.Fprintf(&b, `\U%08x`, c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
