package dashboard

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	yaml "go.yaml.in/yaml/v4"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/yamlfile"
)

// reader takes values out of nodes. It goes on after an error, so that a file's
// errors are all told at once.
type reader struct {
	file        string
	checkFilter func(string) error
	errs        Errors
}

// at is a node and its path.
type at struct {
	node *yaml.Node // never an alias
	path string
	name string // the last token of the path
	key  *yaml.Node
}

func (r *reader) fail(n *yaml.Node, path, format string, args ...any) {
	r.errs = append(r.errs, &Error{r.file, max(n.Line, 1), max(n.Column, 1), path, fmt.Sprintf(format, args...)})
}

// result returns the errors in the file's order, at most maxErrors of them.
func (r *reader) result() error {
	if len(r.errs) == 0 {
		return nil
	}
	slices.SortStableFunc(r.errs, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	if more := len(r.errs) - maxErrors; more > 0 {
		last := *r.errs[maxErrors]
		last.Path, last.Message = "", fmt.Sprintf("and %d errors more from here on", more)
		r.errs = append(r.errs[:maxErrors:maxErrors], &last)
	}
	return r.errs
}

// hint is a suggestion as the end of a message.
func hint(got string, names []string) string {
	if text := yamlfile.DidYouMean(got, names); text != "" {
		return " (" + text + ")"
	}
	return ""
}

// members returns what a mapping consists of. Keys are told once each.
func (r *reader) members(a at, what string) (out []at) {
	if a.node.Kind != yaml.MappingNode {
		r.fail(a.node, a.path, "is %s, it must be %s", yamlfile.Describe(a.node), what)
		return nil
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(a.node.Content); i += 2 {
		key, value := a.node.Content[i], yamlfile.Resolve(a.node.Content[i+1])
		name := key.Value
		path := a.path + "/" + escape(name)
		line, again := seen[name]
		switch {
		case key.Kind != yaml.ScalarNode:
			r.fail(key, a.path, "has %s as a key, keys are words", yamlfile.Describe(key))
		case key.ShortTag() == "!!merge":
			r.fail(key, path, "is no key: merge keys are not supported here, write the members out")
		case again:
			r.fail(key, path, "is there twice, first in line %d", line)
		case !utf8.ValidString(name) || len(name) > 200:
			r.fail(key, a.path, "has a key that is too long")
		default:
			seen[name] = key.Line
			out = append(out, at{value, path, name, key})
		}
	}
	return out
}

// take is how a member is read. It is given only members that have a value.
type take map[string]func(at)

// object reads the mapping's members, which may be those that fields has.
func (r *reader) object(a at, what string, fields take) {
	for _, m := range r.members(a, what) {
		read, known := fields[m.name]
		switch {
		case !known:
			r.fail(m.key, m.path, "is no key of %s%s", what, hint(m.name, keysOf(fields)))
		case yamlfile.IsNull(m.node):
			r.fail(m.key, m.path, "has no value; leave the key out, or give it one")
		default:
			read(m)
		}
	}
}

func keysOf[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for name := range m {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// items returns what a list consists of.
func (r *reader) items(a at, what string, most int) (out []at) {
	if a.node.Kind != yaml.SequenceNode {
		r.fail(a.node, a.path, "is %s, it must be a list of %s", yamlfile.Describe(a.node), what)
		return nil
	}
	if len(a.node.Content) > most {
		r.fail(a.node, a.path, "has %d %s, at most %d are allowed", len(a.node.Content), what, most)
		return nil
	}
	for i, n := range a.node.Content {
		name := strconv.Itoa(i)
		out = append(out, at{yamlfile.Resolve(n), a.path + "/" + name, name, n})
	}
	return out
}

func (r *reader) isText(a at) bool {
	return a.node.Kind == yaml.ScalarNode && (a.node.ShortTag() == "!!str" || a.node.ShortTag() == "!!timestamp")
}

// text reads a text of at most so many characters.
func (r *reader) text(a at, most int) string {
	switch {
	case a.node.Kind != yaml.ScalarNode:
		r.fail(a.node, a.path, "is %s, it must be a text", yamlfile.Describe(a.node))
	case !r.isText(a):
		r.fail(a.node, a.path, "is %s, it must be a text: write it in quotes", yamlfile.Describe(a.node))
	case utf8.RuneCountInString(a.node.Value) > most:
		r.fail(a.node, a.path, "has %d characters, at most %d are allowed", utf8.RuneCountInString(a.node.Value), most)
	default:
		return a.node.Value
	}
	return ""
}

// word reads a text that isn't empty.
func (r *reader) word(a at, most int) string {
	before := len(r.errs)
	s := r.text(a, most)
	if s == "" && len(r.errs) == before {
		r.fail(a.node, a.path, "is empty; leave the key out, or give it a value")
	}
	return s
}

func (r *reader) oneOf(a at, names ...string) string {
	s := r.word(a, 100)
	if s != "" && !slices.Contains(names, s) {
		r.fail(a.node, a.path, "is %q, it must be one of %s%s", s, strings.Join(names, ", "), meant(s, names))
		return ""
	}
	return s
}

// meant is a hint where the names have been told already.
func meant(got string, names []string) string {
	if near := yamlfile.Nearest(got, names); near != "" {
		return " (did you mean " + near + "?)"
	}
	return ""
}

func (r *reader) boolean(a at) bool {
	if a.node.Kind != yaml.ScalarNode || a.node.ShortTag() != "!!bool" {
		r.fail(a.node, a.path, "is %s, it must be true or false", yamlfile.Describe(a.node))
		return false
	}
	return strings.EqualFold(a.node.Value, "true")
}

// number reads a finite number.
func (r *reader) number(a at) float64 {
	if v, ok := numberOf(a.node); ok && !math.IsInf(v, 0) && !math.IsNaN(v) {
		return v
	}
	r.fail(a.node, a.path, "is %s, it must be a number%s", yamlfile.Describe(a.node), unquote(a.node))
	return 0
}

// numberOf returns the value of a scalar that YAML takes for a number.
func numberOf(n *yaml.Node) (v float64, ok bool) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" && n.ShortTag() != "!!float" {
		return 0, false
	}
	return v, n.Decode(&v) == nil
}

// unquote is a hint for numbers in quotes.
func unquote(n *yaml.Node) string {
	if _, err := strconv.ParseFloat(n.Value, 64); err == nil && n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" {
		return ": leave the quotes out"
	}
	return ""
}

func (r *reader) whole(a at, least, most int) int {
	v, ok := numberOf(a.node)
	switch {
	case !ok || v != math.Trunc(v):
		r.fail(a.node, a.path, "is %s, it must be a whole number from %d to %d%s", yamlfile.Describe(a.node), least, most, unquote(a.node))
	case v < float64(least) || v > float64(most):
		r.fail(a.node, a.path, "is %s, it must be from %d to %d", a.node.Value, least, most)
	default:
		return int(v)
	}
	return 0
}

// The spans that charts can have.
const (
	minWindow = 10 * time.Second
	maxWindow = 31 * 24 * time.Hour
)

func (r *reader) window(a at) Window {
	s := r.word(a, 100)
	if s == "" {
		return 0
	}
	d, err := time.ParseDuration(s)
	switch {
	case err != nil:
		r.fail(a.node, a.path, "is %q, which is no duration such as 90s, 15m or 24h", s)
	case d < minWindow || d > maxWindow:
		r.fail(a.node, a.path, "is %s, it must be from 10s to 744h", s)
	case d%time.Millisecond != 0:
		r.fail(a.node, a.path, "is %s, which is finer than a millisecond", s)
	default:
		return Window(d)
	}
	return 0
}

// list reads one value or a list of them.
func list[T any](r *reader, a at, what string, most int, read func(at) T) (out []T) {
	if a.node.Kind != yaml.SequenceNode {
		return []T{read(a)}
	}
	items := r.items(a, what, most)
	if len(a.node.Content) == 0 {
		r.fail(a.node, a.path, "is an empty list; leave the key out, or name at least one")
	}
	for _, item := range items {
		out = append(out, read(item))
	}
	return out
}

func (r *reader) pointer(a at) string {
	s := r.word(a, 1000)
	if s == "" {
		return ""
	}
	if err := checkPointer(s); err != nil {
		r.fail(a.node, a.path, "is %q, which is no JSON pointer such as /total or /labels/host: %v", s, err)
		return ""
	}
	return s
}

func checkPointer(s string) error {
	if s[0] != '/' {
		return errors.New("it must begin with /")
	}
	for i := range len(s) {
		if s[i] == '~' && (i+1 == len(s) || s[i+1] != '0' && s[i+1] != '1') {
			return errors.New("~ must be followed by 0 (a tilde) or 1 (a slash)")
		}
	}
	return nil
}

// selector reads a selector, in which variables may stand for tokens.
func (r *reader) selector(a at, vars map[string]bool) string {
	s := r.word(a, 1000)
	if s == "" || !r.known(a, s, vars) {
		return ""
	}
	if _, err := streamgauge.ParseSelector(expand(s, "*")); err != nil {
		r.fail(a.node, a.path, "can't select streams: %v (write such as shop.orders, logs.* or host.>)", err)
		return ""
	}
	return s
}

// filter reads an expression, in which variables stand for texts in quotes.
func (r *reader) filter(a at, vars map[string]bool) string {
	s := r.word(a, 4000)
	if s == "" || !r.known(a, s, vars) || r.checkFilter == nil {
		return s
	}
	if err := r.checkFilter(expand(s, `""`)); err != nil {
		r.fail(a.node, a.path, "can't be used: %v", err)
	}
	return s
}

// known reports whether the dashboard has the variables that the text uses.
func (r *reader) known(a at, s string, vars map[string]bool) bool {
	for _, name := range variablesIn(s) {
		if !vars[name] {
			r.fail(a.node, a.path, "uses $%s, which is no variable of this dashboard%s", name, hint(name, keysOf(vars)))
			return false
		}
	}
	return true
}
