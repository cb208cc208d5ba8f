package dashboard

import (
	"strings"

	yaml "go.yaml.in/yaml/v4"
)

// setInFlow puts the value in the place of a node within brackets.
func (e *editor) setInFlow(p *place, value *yaml.Node) error {
	if isNothing(p.node) {
		return e.rewrite(p.above, func(n *yaml.Node) { n.Content[p.index] = value })
	}
	end, err := e.end(p.node, 0)
	if err != nil {
		return err
	}
	text := flow(value)
	if value.Kind == yaml.ScalarNode {
		text = scalar(value, p.node.Style)
	}
	return e.write(change{e.at(p.node), end, text})
}

// removeInFlow takes an entry out of brackets.
func (e *editor) removeInFlow(p *place, entries, size, number int) error {
	begin, end, err := e.flowEntries(p.parent)
	switch {
	case err != nil:
		return err
	case begin == nil || entries == 1:
		return e.rewrite(p.above, func(n *yaml.Node) {
			n.Content = append(n.Content[:number*size:number*size], n.Content[(number+1)*size:]...)
		})
	case number+1 < entries:
		return e.write(change{begin[number], begin[number+1], ""})
	}
	return e.write(change{end[number-1], end[number], ""})
}

// insertInFlow puts what is written already before the i-th node in brackets.
func (e *editor) insertInFlow(p *place, i int, text string) error {
	n := p.node
	if len(n.Content) == 0 {
		end, err := e.end(n, 0)
		if err != nil {
			return err
		}
		if n.Kind == yaml.MappingNode {
			return e.write(change{e.content(n), end, "{ " + text + " }"})
		}
		return e.write(change{e.content(n), end, "[" + text + "]"})
	}
	begin, end, err := e.flowEntries(n)
	switch {
	case err != nil:
		return err
	case begin == nil:
		return errUnusual
	case i == len(n.Content):
		last := end[len(end)-1]
		return e.write(change{last, last, ", " + text})
	}
	return e.write(change{begin[i], begin[i], text + ", "})
}

// flowEntries returns where the entries of a collection in brackets begin and
// end, or nil if it is a pair without braces.
func (e *editor) flowEntries(n *yaml.Node) (begin, end []int, err error) {
	if !strings.HasPrefix(e.text[e.content(n):], "{") && !strings.HasPrefix(e.text[e.content(n):], "[") {
		return nil, nil, nil
	}
	size := 1
	if n.Kind == yaml.MappingNode {
		size = 2
	}
	for i := 0; i < len(n.Content); i += size {
		begin = append(begin, e.at(n.Content[i]))
		last := n.Content[i+size-1]
		to, err := e.end(last, 0)
		if isNothing(last) && size == 2 {
			to, err = e.endOfKey(n, i)
		}
		if err != nil {
			return nil, nil, err
		}
		end = append(end, to)
	}
	return begin, end, nil
}

// rewrite writes the collection in brackets anew after it was changed.
func (e *editor) rewrite(p *place, changed func(*yaml.Node)) error {
	budget := maxNodes
	n, err := dataOf(p.node, &budget)
	if err != nil {
		return err
	}
	end, err := e.end(p.node, 0)
	if err != nil {
		return err
	}
	changed(n)
	return e.write(change{e.content(p.node), end, flow(n)})
}
