package config

import (
	"errors"
	"fmt"
	"strings"

	yaml "go.yaml.in/yaml/v4"

	"github.com/streamgauge/streamgauge/internal/yamlfile"
)

// nodeValue is a value that is more than a scalar. Its text form, in flags and
// in the environment, is YAML too.
type nodeValue interface {
	Value
	setNode(d *decoder, key string, node *yaml.Node)
}

// decoder puts YAML into fields. It goes on after an error, so that a file's
// errors are all reported at once, and it knows the place of each.
type decoder struct {
	file    string            // prefix of every place; with column if it is a file
	inline  bool              // the YAML is a flag's or variable's text: it has no lines worth naming
	origins map[string]string // where each key was set
	errs    Errors
}

// decodeYAML reads one YAML document into the fields and notes where each key
// was set.
func decodeYAML(file string, text []byte, fields []Field, origins map[string]string) Errors {
	d := &decoder{file: file, origins: origins}
	if root := d.parse(text); root != nil {
		d.mapping(root, "", "", fields)
	}
	return d.errs
}

// parse returns the root of the text's only document, or nil if it is empty or
// wrong.
func (d *decoder) parse(text []byte) *yaml.Node {
	root, err := yamlfile.Parse(text)
	var at *yamlfile.SyntaxError
	switch {
	case errors.As(err, &at):
		d.fail(&yaml.Node{Line: at.Line, Column: at.Column}, "", at.Message, "")
		return nil
	case err != nil:
		d.errs = append(d.errs, &Error{Where: d.file, Reason: err.Error()})
		return nil
	case root == nil:
		return nil
	}
	return yamlfile.Resolve(root)
}

func (d *decoder) fail(n *yaml.Node, key, reason, hint string) {
	d.errs = append(d.errs, &Error{Where: d.place(n), Key: key, Reason: reason, Hint: hint})
}

func (d *decoder) place(n *yaml.Node) string {
	if d.inline {
		return d.file
	}
	return fmt.Sprintf("%s:%d:%d", d.file, n.Line, n.Column)
}

// mapping puts the node's members into the fields whose keys begin with prefix.
// label is what comes before them in messages, such as "streams[2].".
func (d *decoder) mapping(node *yaml.Node, label, prefix string, fields []Field) {
	for _, m := range d.members(node, label+strings.TrimSuffix(prefix, "."), label+prefix) {
		key := prefix + m.name
		field, isPrefix := lookup(fields, key)
		switch {
		case field != nil:
			d.value(m, label+key, field.Value)
		case isPrefix:
			d.mapping(m.value, label, key+".", fields)
		case m.name == "<<":
			d.fail(m.key, label+key, "is no setting: merge keys are not supported here", "write the settings out")
		default:
			d.fail(m.key, label+key, "is no setting", yamlfile.DidYouMean(m.name, siblings(fields, prefix)))
		}
	}
}

// member is a member of a mapping.
type member struct {
	name  string
	key   *yaml.Node
	value *yaml.Node // never an alias
}

// members returns what a mapping consists of, or reports that it is none. A name
// that comes again, with the label before it, is reported and left out.
func (d *decoder) members(n *yaml.Node, key, label string) (out []member) {
	switch {
	case n.Kind == yaml.MappingNode:
	case yamlfile.IsNull(n):
		d.fail(n, key, "has no value", "write {} if nothing is meant, or leave the key out")
		return nil
	default:
		d.fail(n, key, "is "+describe(n)+", it must be a mapping of settings", "")
		return nil
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i].Value
		if line, again := seen[name]; again {
			d.fail(n.Content[i], label+name, fmt.Sprintf("is there twice, first in line %d", line), "")
			continue
		}
		seen[name] = n.Content[i].Line
		out = append(out, member{name, n.Content[i], yamlfile.Resolve(n.Content[i+1])})
	}
	return out
}

// value puts the member's value into v.
func (d *decoder) value(m member, key string, v Value) {
	if d.origins != nil {
		d.origins[key] = d.place(m.key)
	}
	if nv, ok := v.(nodeValue); ok {
		nv.setNode(d, key, m.value)
		return
	}
	d.scalar(m.value, key, v)
}

func (d *decoder) scalar(n *yaml.Node, key string, v Value) {
	const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle
	switch {
	case yamlfile.IsNull(n):
		d.fail(n, key, "has no value", "leave the key out for the default")
		return
	case n.Kind != yaml.ScalarNode || n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		d.fail(n, key, fmt.Sprintf("is %s, it must be one value (%s)", describe(n), v.Kind()), "")
		return
	case v.Kind() == "number" && n.Style&quoted != 0:
		d.fail(n, key, fmt.Sprintf("is the string %q, it must be a number", n.Value), "leave the quotes out")
		return
	}
	if err := v.Set(n.Value); err != nil {
		d.fail(n, key, err.Error(), "")
	}
}

// items returns what a sequence consists of, or reports that it is none.
func (d *decoder) items(n *yaml.Node, key string) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		d.fail(n, key, "is "+describe(n)+", it must be a list", "")
		return nil
	}
	out := make([]*yaml.Node, len(n.Content))
	for i := range out {
		out[i] = yamlfile.Resolve(n.Content[i])
	}
	return out
}

func describe(n *yaml.Node) string { return strings.TrimPrefix(yamlfile.Describe(n), "the text ") }

// setInline decodes the YAML text of a flag or a variable into v. It returns
// the first error as a phrase.
func setInline(v nodeValue, text string) error {
	d := &decoder{inline: true}
	node := d.parse([]byte(text))
	if node != nil {
		v.setNode(d, "", node)
	} else if len(d.errs) == 0 {
		return errors.New("is empty; write {} or [] for none")
	}
	if len(d.errs) == 0 {
		return nil
	}
	first := d.errs[0]
	if first.Key == "" {
		return errors.New(first.Reason)
	}
	return fmt.Errorf("has a fault: %s %s", strings.TrimPrefix(first.Key, "."), first.Reason)
}
