package dashboard

import (
	"fmt"
	"strings"

	yaml "go.yaml.in/yaml/v4"
)

// place is a node and where it is.
type place struct {
	node   *yaml.Node
	parent *yaml.Node // nil of the root
	index  int        // of the node in the parent's Content
	above  *place     // the parent's
}

func (p *place) inFlow() bool { return p.parent != nil && isFlow(p.parent) }

// locate finds the node at the path.
func (e *editor) locate(path []string) (*place, error) {
	p := &place{node: e.root}
	for _, token := range path {
		if p.node.Kind == yaml.AliasNode {
			break
		}
		i, err := find(p.node, token)
		if err != nil {
			return nil, err
		}
		p = &place{node: p.node.Content[i], parent: p.node, index: i, above: p}
	}
	if p.node.Kind == yaml.AliasNode && len(path) > p.depth() {
		return nil, fmt.Errorf("can't be done: it would edit what the alias *%s of line %d stands for; edit it there", p.node.Value, p.node.Line)
	}
	return p, nil
}

func (p *place) depth() (n int) {
	for ; p.above != nil; p = p.above {
		n++
	}
	return n
}

// entry is an entry of a block: what stands where.
type entry struct {
	from    int  // the first line of the comments that belong to it, or its own
	begin   int  // its key or dash
	marker  int  // beyond its colon or dash
	end     int  // beyond its value; its line may go on with a comment
	column  int  // of key or dash
	ownLine bool // nothing but blanks is before it on its line
}

// entry returns the entry of the block whose value is at the index.
func (s *source) entry(n *yaml.Node, index int) (out entry, err error) {
	out.column = s.column(n)
	if n.Kind == yaml.MappingNode {
		out.begin = s.at(n.Content[index-1])
		if index == 1 {
			out.begin = s.content(n)
		}
		out.marker, err = s.endOfKey(n, index-1)
	} else {
		out.begin, err = s.dash(n, index, out.column)
		out.marker = out.begin + 1
	}
	if err != nil {
		return out, err
	}
	if value := n.Content[index]; isNothing(value) && s.props(s.at(value)) == s.at(value) {
		out.end = out.marker
	} else if out.end, err = s.end(value, out.column); err != nil {
		return out, err
	}
	start := s.lineStart(out.begin)
	out.from = start
	out.ownLine = strings.TrimLeft(s.text[start:out.begin], " ") == ""
	isHead := n == s.root && (index == 0 || n.Kind == yaml.MappingNode && index == 1)
	for out.ownLine && !isHead && out.from > 0 {
		above := s.lineStart(out.from - 1)
		line := s.text[above:s.lineEnd(above)]
		if len(line)-len(strings.TrimLeft(line, " ")) != out.column || !strings.HasPrefix(line[out.column:], "#") {
			break
		}
		out.from = above
	}
	return out, nil
}

// dash returns where the dash of an item is.
func (s *source) dash(n *yaml.Node, index, column int) (int, error) {
	i := s.content(n)
	if index > 0 {
		before := n.Content[index-1]
		if isNothing(before) {
			at := s.props(s.at(before))
			i = s.skip(at)
		} else {
			end, err := s.end(before, column)
			if err != nil {
				return 0, err
			}
			i = s.skip(end)
		}
	}
	if i >= len(s.text) || s.text[i] != '-' || i-s.lineStart(i) != column {
		return 0, errUnusual
	}
	return i, nil
}

// set puts the value in the place of the node.
func (e *editor) set(p *place, value *yaml.Node) error {
	switch {
	case p.inFlow():
		return e.setInFlow(p, value)
	case p.parent == nil:
		return e.setRoot(value)
	}
	one, err := e.entry(p.parent, p.index)
	if err != nil {
		return err
	}
	first, rest := block(value, one.column+2, p.parent.Kind == yaml.SequenceNode, p.node.Style|e.style)
	return e.setEntry(p.node, one, first, rest)
}

func (e *editor) setRoot(value *yaml.Node) error {
	end, err := e.end(e.root, -1)
	if err != nil {
		return err
	}
	begin := e.at(e.root)
	if isCollection(value) && len(value.Content) > 0 && !isFlow(e.root) {
		column := e.column(e.root)
		_, lines := block(value, column, false, e.style)
		return e.write(change{e.lineStart(begin), e.lineEnd(end), strings.Join(lines, e.nl)})
	}
	return e.write(change{begin, end, flow(value)})
}

// setEntry puts what block has returned in the place of the entry's value.
func (e *editor) setEntry(old *yaml.Node, one entry, first string, rest []string) error {
	var (
		below  = e.lines2text(rest)
		begin  = max(e.at(old), one.marker)
		parted = join("", first)
	)
	switch {
	case isBlock(old) && e.sameLine(one.marker, e.content(old)): // "- key: value"
		return e.write(change{begin, e.lineEnd(one.end), first + below})
	case isBlock(old):
		props := max(e.props(begin), one.marker)
		if !e.sameLine(one.marker, props) {
			props = one.marker
		}
		line := e.lineEnd(props)
		return e.write(change{one.marker, props, parted}, change{line, e.lineEnd(one.end), below})
	case isText(old):
		header := e.headerEnd(old)
		return e.write(change{one.marker, header, parted}, change{e.lineEnd(header), one.end, below})
	case one.end == one.marker: // there was nothing
		return e.write(change{one.marker, one.marker, parted}, change{e.lineEnd(one.marker), e.lineEnd(one.marker), below})
	case first == "" && strings.TrimSpace(e.text[one.marker:begin]) == "":
		begin = one.marker
	}
	return e.write(change{begin, one.end, first}, change{e.lineEnd(one.end), e.lineEnd(one.end), below})
}

// lines2text returns lines as they follow another.
func (e *editor) lines2text(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return e.nl + strings.Join(lines, e.nl)
}

func (s *source) sameLine(a, b int) bool { return s.lineStart(a) == s.lineStart(b) }

// remove takes out the entry at the path.
func (e *editor) remove(path []string) error {
	p, err := e.locate(path)
	if err != nil {
		return err
	}
	entries, size, number := len(p.parent.Content), 1, p.index
	if p.parent.Kind == yaml.MappingNode {
		entries, size, number = entries/2, 2, p.index/2
	}
	switch {
	case p.inFlow():
		return e.removeInFlow(p, entries, size, number)
	case entries == 1:
		return e.set(p.above, &yaml.Node{Kind: p.parent.Kind, Tag: p.parent.Tag})
	}
	one, err := e.entry(p.parent, p.index)
	if err != nil {
		return err
	}
	if one.ownLine {
		from, to := one.from, e.nextLine(one.end)
		if e.careful {
			for to < len(e.text) && e.isBlank(to) {
				to = e.nextLine(to)
			}
		} else if to == len(e.text) || e.isBlank(to) { // no two gaps where there were two around it
			for from > 0 && e.isBlank(e.lineStart(from-1)) {
				from = e.lineStart(from - 1)
			}
		}
		return e.write(change{from, to, ""})
	}
	// It begins on the line of a dash: the next one moves up there.
	next, err := e.entry(p.parent, p.index+size)
	if err != nil {
		return err
	}
	if strings.TrimSpace(e.text[e.lineEnd(one.end):next.begin]) == "" {
		return e.write(change{one.begin, next.begin, ""})
	}
	return e.write(change{one.begin, e.lineEnd(one.end), ""})
}

// insert puts an item before the list's i-th.
func (e *editor) insert(p *place, i int, value *yaml.Node) error {
	if isFlow(p.node) && (p.inFlow() || len(p.node.Content) > 0 || p.parent == nil) {
		return e.insertInFlow(p, i, flow(value))
	}
	first, rest := block(value, 2, true, e.style)
	return e.insertLines(p, i, append([]string{join("-", first)}, rest...))
}

// insertLines puts an item that is written already before the list's i-th.
func (e *editor) insertLines(p *place, i int, lines []string) error {
	n := p.node
	if len(n.Content) == 0 { // "[]"
		if p.parent == nil {
			return errUnusual
		}
		one, err := e.entry(p.parent, p.index)
		if err != nil {
			return err
		}
		return e.setEntry(n, one, "", indented(lines, one.column+2))
	}
	top := i == len(n.Content)
	one, err := e.entry(n, min(i, len(n.Content)-1))
	if err != nil {
		return err
	}
	lines = indented(lines, one.column)
	apart := e.parted(n)
	switch {
	case top:
		if apart {
			lines = append([]string{""}, lines...)
		}
		end := e.lineEnd(one.end)
		return e.write(change{end, end, e.lines2text(lines)})
	case !one.ownLine: // "- - a": the rest of the list gets a line of its own
		pad := strings.Repeat(" ", one.column)
		text := strings.Join(lines, e.nl)[one.column:] + e.nl + pad
		return e.write(change{one.begin, one.begin, text})
	}
	if apart {
		lines = append(lines, "")
	}
	return e.write(change{one.from, one.from, strings.Join(lines, e.nl) + e.nl})
}

// parted reports whether the block's entries have blank lines between them.
func (e *editor) parted(n *yaml.Node) bool {
	if len(n.Content) < 2 || e.careful {
		return false
	}
	one, err := e.entry(n, len(n.Content)-1)
	return err == nil && one.ownLine && one.from > 0 && e.isBlank(e.lineStart(one.from-1))
}

// indented returns the lines moved to the right. Blank ones stay.
func indented(lines []string, by int) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		if out[i] = line; line != "" {
			out[i] = strings.Repeat(" ", by) + line
		}
	}
	return out
}

// addMember adds a member at the mapping's end.
func (e *editor) addMember(p *place, key string, value *yaml.Node) error {
	n := p.node
	member := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, value}}
	switch {
	case n.Kind != yaml.MappingNode:
		_, err := find(n, key)
		return err
	case isFlow(n) && (p.inFlow() || p.parent == nil || len(n.Content) > 0):
		return e.insertInFlow(p, len(n.Content), flowKey(key)+": "+flow(value))
	case len(n.Content) == 0:
		return e.set(p, member)
	}
	one, err := e.entry(n, len(n.Content)-1)
	if err != nil {
		return err
	}
	first, rest := block(value, one.column+2, false, e.style)
	lines := append([]string{strings.Repeat(" ", one.column) + join(flowKey(key)+":", first)}, rest...)
	end := e.lineEnd(one.end)
	return e.write(change{end, end, e.lines2text(lines)})
}
