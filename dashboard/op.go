package dashboard

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	yaml "go.yaml.in/yaml/v4"

	"github.com/streamgauge/streamgauge/internal/yamlfile"
)

// MaxOps is how many operations one patch may have.
const MaxOps = 200

// Op is an operation of a JSON Patch (RFC 6902): add, remove, replace or move.
// The paths are JSON pointers such as /rows/0/panels/2/width.
type Op struct {
	Op    string          `json:"op"`
	Path  string          `json:"path"`
	From  string          `json:"from,omitempty"`  // of move
	Value json.RawMessage `json:"value,omitempty"` // of add and replace
}

// ParseOps reads a JSON Patch.
func ParseOps(body []byte) ([]Op, error) {
	var ops []struct {
		Op
		Path *string `json:"path"`
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&ops); err != nil {
		return nil, fmt.Errorf("the patch is no JSON Patch, a list such as [{\"op\": \"replace\", \"path\": \"/title\", \"value\": \"Shop\"}]: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("the patch goes on after its list")
	}
	if len(ops) > MaxOps {
		return nil, fmt.Errorf("the patch has %d operations, at most %d are allowed", len(ops), MaxOps)
	}
	out := make([]Op, len(ops))
	for i, o := range ops {
		if o.Path == nil {
			return nil, fmt.Errorf("operation %d of the patch has no path", i+1)
		}
		out[i] = o.Op
		out[i].Path = *o.Path
		switch {
		case !slices.Contains([]string{"add", "remove", "replace", "move"}, o.Op.Op):
			return nil, fmt.Errorf("operation %d of the patch is %q; there are add, remove, replace and move", i+1, o.Op.Op)
		case o.Value == nil && (o.Op.Op == "add" || o.Op.Op == "replace"):
			return nil, fmt.Errorf("operation %d of the patch has no value", i+1)
		}
	}
	return out, nil
}

// PatchError is why a patch can't be applied to a text.
type PatchError struct {
	Index  int // of the operation, from 0
	Op     Op
	Reason string // a phrase that follows the operation
}

// Error says which operation, and why.
func (e *PatchError) Error() string {
	return fmt.Sprintf("operation %d (%s %s) %s", e.Index+1, e.Op.Op, e.Op.Path, e.Reason)
}

var (
	escaper   = strings.NewReplacer("~", "~0", "/", "~1")
	unescaper = strings.NewReplacer("~1", "/", "~0", "~")
)

func escape(token string) string   { return escaper.Replace(token) }
func unescape(token string) string { return unescaper.Replace(token) }

// tokensOf splits a JSON pointer.
func tokensOf(pointer string) ([]string, error) {
	if pointer == "" {
		return nil, nil
	}
	if err := checkPointer(pointer); err != nil {
		return nil, fmt.Errorf("has a path that is no JSON pointer: %w", err)
	}
	tokens := strings.Split(pointer[1:], "/")
	for i := range tokens {
		tokens[i] = unescape(tokens[i])
	}
	return tokens, nil
}

// isIndex reports whether the token is an index as JSON pointers write it.
func isIndex(token string) bool {
	n, err := strconv.Atoi(token)
	return err == nil && n >= 0 && strconv.Itoa(n) == token
}

// index returns the place that the token names in a list of n, at most top.
func index(token string, n, top int) (int, error) {
	if !isIndex(token) {
		return 0, fmt.Errorf("is wrong: %q is no index of a list", token)
	}
	i, _ := strconv.Atoi(token)
	if i > top {
		return 0, fmt.Errorf("is wrong: there is no index %d, the list has %d", i, n)
	}
	return i, nil
}

// find returns the index within the node's Content of the value that the token
// names.
func find(n *yaml.Node, token string) (int, error) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == token {
				return i + 1, nil
			}
		}
		return 0, fmt.Errorf("is wrong: there is no %q", token)
	case yaml.SequenceNode:
		return index(token, len(n.Content), len(n.Content)-1)
	}
	return 0, fmt.Errorf("is wrong: %q would be within %s", token, yamlfile.Describe(n))
}

// fromJSON returns the value as a node, which keeps the order of members.
func fromJSON(raw []byte) (*yaml.Node, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	n, err := nextValue(d)
	if err != nil {
		return nil, fmt.Errorf("has a value that is no JSON: %w", err)
	}
	return n, nil
}

func nextValue(d *json.Decoder) (*yaml.Node, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		return nextCollection(d, t)
	case string:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: t}, nil
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(t)}, nil
	case json.Number:
		if v, err := t.Float64(); err != nil || math.IsInf(v, 0) {
			return nil, fmt.Errorf("%s is too large a number", t)
		}
		tag := "!!int"
		if strings.ContainsAny(t.String(), ".eE") {
			tag = "!!float"
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: t.String()}, nil
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}, nil
}

func nextCollection(d *json.Decoder, open json.Delim) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	if open == '{' {
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
	}
	seen := map[string]bool{}
	for d.More() {
		one, err := nextValue(d)
		if err != nil {
			return nil, err
		}
		if isKey := open == '{' && len(n.Content)%2 == 0; isKey {
			if seen[one.Value] {
				return nil, fmt.Errorf("%q is there twice", one.Value)
			}
			seen[one.Value] = true
		}
		n.Content = append(n.Content, one)
	}
	_, err := d.Token()
	return n, err
}

// maxNodes bounds what aliases can multiply.
const maxNodes = 1 << 20

// dataOf returns a copy of the node in which aliases are what they stand for and
// only values are left. It fails if that is too much, or no data.
func dataOf(n *yaml.Node, budget *int) (*yaml.Node, error) {
	if *budget--; *budget < 0 {
		return nil, errors.New("can't be done: the aliases of the file multiply to too much")
	}
	n = yamlfile.Resolve(n)
	out := &yaml.Node{Kind: n.Kind, Tag: n.ShortTag(), Value: n.Value}
	seen := map[string]bool{}
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			if child.Kind != yaml.ScalarNode || child.ShortTag() == "!!merge" || seen[child.Value] {
				return nil, fmt.Errorf("can't be done: the file has an unusual key in line %d (a merge, an alias, a collection, or the same one twice)", child.Line)
			}
			seen[child.Value] = true
		}
		one, err := dataOf(child, budget)
		if err != nil {
			return nil, err
		}
		out.Content = append(out.Content, one)
	}
	return out, nil
}

// sameData reports whether two values are equal as JSON has it: the order of
// members doesn't count, nor how a number is written.
func sameData(a, b *yaml.Node) bool {
	if a.Kind != b.Kind || len(a.Content) != len(b.Content) {
		return false
	}
	switch a.Kind {
	case yaml.MappingNode:
		members := make(map[string]*yaml.Node, len(b.Content)/2)
		for i := 0; i+1 < len(b.Content); i += 2 {
			members[b.Content[i].Value] = b.Content[i+1]
		}
		for i := 0; i+1 < len(a.Content); i += 2 {
			if other := members[a.Content[i].Value]; other == nil || !sameData(a.Content[i+1], other) {
				return false
			}
		}
		return true
	case yaml.SequenceNode:
		for i := range a.Content {
			if !sameData(a.Content[i], b.Content[i]) {
				return false
			}
		}
		return true
	}
	return sameScalar(a, b)
}

func sameScalar(a, b *yaml.Node) bool {
	x, isNumber := numberOf(a)
	y, isToo := numberOf(b)
	switch {
	case isNumber || isToo:
		return isNumber && isToo && (x == y || math.IsNaN(x) && math.IsNaN(y))
	case yamlfile.IsNull(a) || yamlfile.IsNull(b):
		return yamlfile.IsNull(a) && yamlfile.IsNull(b)
	case a.ShortTag() == "!!bool" && b.ShortTag() == "!!bool":
		return strings.EqualFold(a.Value, b.Value)
	}
	return jsonTag(a) == jsonTag(b) && a.Value == b.Value
}

// jsonTag is the tag, but that of a text for what JSON knows only as a text.
func jsonTag(n *yaml.Node) string {
	if tag := n.ShortTag(); tag != "!!timestamp" {
		return tag
	}
	return "!!str"
}

// applyData applies an operation to data in place and returns the root: what the
// edited text has to mean.
func applyData(root *yaml.Node, op string, path, from []string, value *yaml.Node) (*yaml.Node, error) {
	switch op {
	case "move":
		moved, err := lookup(root, from)
		if err != nil {
			return nil, err
		}
		if root, err = removeData(root, from); err != nil {
			return nil, err
		}
		return addData(root, path, moved, false)
	case "remove":
		return removeData(root, path)
	}
	return addData(root, path, value, op == "replace")
}

// lookup returns the value at the path.
func lookup(root *yaml.Node, path []string) (*yaml.Node, error) {
	n := root
	for _, token := range path {
		i, err := find(n, token)
		if err != nil {
			return nil, err
		}
		n = n.Content[i]
	}
	return n, nil
}

func removeData(root *yaml.Node, path []string) (*yaml.Node, error) {
	if len(path) == 0 {
		return nil, errors.New("is wrong: the whole document can't be taken out")
	}
	parent, err := lookup(root, path[:len(path)-1])
	if err != nil {
		return nil, err
	}
	i, err := find(parent, path[len(path)-1])
	if err != nil {
		return nil, err
	}
	if parent.Kind == yaml.MappingNode {
		parent.Content = slices.Delete(parent.Content, i-1, i+1)
	} else {
		parent.Content = slices.Delete(parent.Content, i, i+1)
	}
	return root, nil
}

// addData puts the value at the path. In a list it comes before what is there,
// unless it replaces that.
func addData(root *yaml.Node, path []string, value *yaml.Node, replace bool) (*yaml.Node, error) {
	if len(path) == 0 {
		return value, nil
	}
	parent, err := lookup(root, path[:len(path)-1])
	if err != nil {
		return nil, err
	}
	token := path[len(path)-1]
	if parent.Kind == yaml.SequenceNode && !replace {
		i, err := insertion(parent, token)
		if err != nil {
			return nil, err
		}
		parent.Content = slices.Insert(parent.Content, i, value)
		return root, nil
	}
	i, err := find(parent, token)
	switch {
	case err == nil:
		parent.Content[i] = value
	case replace || parent.Kind != yaml.MappingNode:
		return nil, err
	default:
		parent.Content = append(parent.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: token}, value)
	}
	return root, nil
}

// insertion returns where the token says that a list gets a new item.
func insertion(list *yaml.Node, token string) (int, error) {
	if token == "-" {
		return len(list.Content), nil
	}
	return index(token, len(list.Content), len(list.Content))
}
