package dashboard

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"

	yaml "go.yaml.in/yaml/v4"
)

// Patch applies the operations to the text of a YAML file, all or none. What an
// operation does not concern stays as it is, byte for byte. In particular:
//
//   - comments, blank lines, order, quotes and the kind of line end stay;
//   - comments right above an entry of a block, as far to the right as it, belong
//     to it: they go when it goes, and move when it moves;
//   - a value that is replaced by one of the same kind is changed only where
//     the two differ; a text in quotes stays in such;
//   - a collection in brackets may be written anew as a whole.
//
// The result is what the operations say: it is parsed again and compared. An
// error is a [*PatchError]; it says so too where a file is written in a way that
// can't be edited. The text need not be a valid dashboard, before or after.
func Patch(text []byte, ops []Op) ([]byte, error) {
	const bom = "\ufeff"
	body, hadBOM := strings.CutPrefix(string(text), bom)
	work := maxWork
	for i, op := range ops {
		edited, err := applyOp(body, op, &work)
		if err != nil {
			return nil, &PatchError{i, op, err.Error()}
		}
		body = edited
	}
	if hadBOM {
		body = bom + body
	}
	return []byte(body), nil
}

// applyOp applies one operation and sees to it that the text means what it is to
// mean. What it costs is taken from work.
func applyOp(text string, op Op, work *int) (string, error) {
	path, err := tokensOf(op.Path)
	if err != nil {
		return "", err
	}
	from, err := tokensOf(op.From)
	if err != nil {
		return "", err
	}
	if *work -= len(text); *work < 0 {
		return "", errTooMuch
	}
	s, err := parseSource(text)
	if err != nil {
		return "", err
	}
	want, err := s.data()
	if err != nil {
		return "", err
	}
	var value *yaml.Node
	switch op.Op {
	case "add", "replace":
		value, err = fromJSON(op.Value)
	case "move":
		if len(path) > len(from) && slices.Equal(path[:len(from)], from) {
			err = errors.New("is wrong: nothing can be moved into itself")
		}
	case "remove":
	default:
		err = errors.New("is none of add, remove, replace and move")
	}
	if err != nil {
		return "", err
	}
	if want, err = applyData(want, op.Op, path, from, value); err != nil {
		return "", err
	}
	// A block of text may take what comes below it, a comment or a blank line, for
	// a part of it. Where it does there is another way, if less pretty.
	for _, style := range []yaml.Style{0, oneLine} {
		e := &editor{source: s, style: style, careful: style == oneLine, work: work}
		if err = e.apply(op.Op, path, from, value); err != nil {
			continue
		}
		var got *yaml.Node
		if got, err = e.data(); err == nil && sameData(got, want) {
			return e.text, nil
		}
		err = cmp.Or(err, errUnusual)
	}
	return "", err
}

// data returns what the text means.
func (s *source) data() (*yaml.Node, error) {
	budget := maxNodes
	return dataOf(s.root, &budget)
}

// editor changes a text in steps; after each it is parsed again.
type editor struct {
	*source
	style   yaml.Style // of what is written anew
	careful bool       // about blank lines
	work    *int       // how many bytes may be parsed yet
}

// maxWork bounds what a patch may cost: so many bytes are parsed, which takes a
// second or two.
const maxWork = 32 << 20

var errTooMuch = errors.New("can't be done: the patch changes too much at once; send it in parts, or PUT the whole text")

// change is a piece of text and what comes in its place.
type change struct {
	from, to int
	text     string
}

// write makes the changes, which are in order and don't overlap.
func (e *editor) write(changes ...change) error {
	var text strings.Builder
	done := 0
	for _, c := range changes {
		if c.from < done || c.to < c.from {
			return errUnusual
		}
		text.WriteString(e.text[done:c.from])
		text.WriteString(c.text)
		done = c.to
	}
	text.WriteString(e.text[done:])
	if *e.work -= text.Len(); *e.work < 0 {
		return errTooMuch
	}
	s, err := parseSource(text.String())
	if err != nil {
		return errUnusual
	}
	e.source = s
	return nil
}

func (e *editor) apply(op string, path, from []string, value *yaml.Node) error {
	switch op {
	case "remove":
		return e.remove(path)
	case "move":
		if slices.Equal(path, from) {
			return nil
		}
		return e.move(path, from)
	}
	if op == "add" && len(path) > 0 {
		at, err := e.locate(path[:len(path)-1])
		if err != nil {
			return err
		}
		parent := at.node
		if parent.Kind == yaml.SequenceNode {
			i, err := insertion(parent, path[len(path)-1])
			if err != nil {
				return err
			}
			return e.insert(at, i, value)
		}
		if _, err := find(parent, path[len(path)-1]); err != nil {
			return e.addMember(at, path[len(path)-1], value)
		}
	}
	return e.replace(path, value)
}

// replace makes the value at the path the given one, where they differ.
func (e *editor) replace(path []string, value *yaml.Node) error {
	at, err := e.locate(path)
	if err != nil {
		return err
	}
	budget := maxNodes
	old, err := dataOf(at.node, &budget)
	switch {
	case err != nil:
		return err
	case sameData(old, value):
		return nil
	case old.Kind != value.Kind || old.Kind == yaml.ScalarNode || len(old.Content) == 0 || len(value.Content) == 0:
		return e.set(at, value)
	case old.Kind == yaml.MappingNode:
		return e.replaceMapping(path, old, value)
	}
	return e.replaceList(path, old, value)
}

func (e *editor) replaceMapping(path []string, old, value *yaml.Node) error {
	kept := 0
	for i := 0; i+1 < len(value.Content); i += 2 {
		if _, err := find(old, value.Content[i].Value); err == nil {
			kept++
		}
	}
	if kept == 0 { // nothing of it stays
		at, err := e.locate(path)
		if err != nil {
			return err
		}
		return e.set(at, value)
	}
	for i := 0; i+1 < len(old.Content); i += 2 {
		if _, err := find(value, old.Content[i].Value); err != nil {
			if err := e.remove(below(path, old.Content[i].Value)); err != nil {
				return err
			}
		}
	}
	for i := 0; i+1 < len(value.Content); i += 2 {
		if err := e.apply("add", below(path, value.Content[i].Value), nil, value.Content[i+1]); err != nil {
			return err
		}
	}
	return nil
}

func (e *editor) replaceList(path []string, old, value *yaml.Node) error {
	for i := len(old.Content) - 1; i >= len(value.Content); i-- {
		if err := e.remove(below(path, strconv.Itoa(i))); err != nil {
			return err
		}
	}
	for i, item := range value.Content {
		token, do := "-", e.apply
		if i < len(old.Content) {
			token, do = strconv.Itoa(i), func(_ string, path, _ []string, value *yaml.Node) error { return e.replace(path, value) }
		}
		if err := do("add", below(path, token), nil, item); err != nil {
			return err
		}
	}
	return nil
}

func below(path []string, token string) []string { return append(slices.Clip(path), token) }

// move takes an item of a list, with the comments above it, to another place
// as it is written. What is no such item is written anew.
func (e *editor) move(path, from []string) error {
	lines, ok, err := e.cut(from)
	if err != nil {
		return err
	}
	budget := maxNodes
	at, err := e.locate(from)
	if err != nil {
		return err
	}
	value, err := dataOf(at.node, &budget)
	if err != nil {
		return err
	}
	if err := e.remove(from); err != nil {
		return err
	}
	if ok && len(path) > 0 {
		at, err := e.locate(path[:len(path)-1])
		if err != nil {
			return err
		}
		if at.node.Kind == yaml.SequenceNode && !isFlow(at.node) || at.node.Kind == yaml.SequenceNode && len(at.node.Content) == 0 && !at.inFlow() {
			i, err := insertion(at.node, path[len(path)-1])
			if err != nil {
				return err
			}
			return e.insertLines(at, i, lines)
		}
	}
	return e.apply("add", path, nil, value)
}

// cut returns the lines of the list's item at the path, its comments first, as
// far to the left as they go. It reports whether there is such an item.
func (e *editor) cut(path []string) (lines []string, ok bool, err error) {
	at, err := e.locate(path)
	if err != nil || at.parent == nil || at.parent.Kind != yaml.SequenceNode || isFlow(at.parent) {
		return nil, false, err
	}
	one, err := e.entry(at.parent, at.index)
	if err != nil || !one.ownLine {
		return nil, false, err
	}
	for line := range strings.Lines(e.text[one.from:e.lineEnd(one.end)]) {
		line = strings.TrimRight(line, "\r\n")
		spaces := len(line) - len(strings.TrimLeft(line, " "))
		lines = append(lines, line[min(spaces, one.column):])
	}
	return lines, true, nil
}
