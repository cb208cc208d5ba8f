package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// nodeValue is a value that is more than a scalar. Its text form, in flags and
// in the environment, is YAML too.
type nodeValue interface {
	Value
	setNode(d *decoder, key string, node ast.Node)
}

// decoder puts YAML into fields. It goes on after an error, so that a file's
// errors are all reported at once, and it knows the place of each.
type decoder struct {
	file    string // prefix of every place; with column if it is a file
	inline  bool   // the YAML is a flag's or variable's text: it has no lines worth naming
	anchors map[string]ast.Node
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
func (d *decoder) parse(text []byte) ast.Node {
	f, err := parser.ParseBytes(text, 0)
	if err != nil {
		var at interface {
			GetToken() *token.Token
			GetMessage() string
		}
		if !errors.As(err, &at) {
			d.errs = append(d.errs, &Error{Where: d.file, Reason: fmt.Sprintf("is no YAML: %v", err)})
			return nil
		}
		d.fail(at.GetToken(), "", "is no YAML: "+at.GetMessage(), "")
		return nil
	}
	docs := f.Docs[:0]
	for _, doc := range f.Docs {
		if doc.Body != nil && doc.Body.Type() != ast.CommentType && doc.Body.Type() != ast.CommentGroupType {
			docs = append(docs, doc)
		}
	}
	switch {
	case len(docs) == 0:
		return nil
	case len(docs) > 1:
		d.fail(docs[1].Body.GetToken(), "", "begins a second document, there must be one", "")
		return nil
	}
	d.anchors = map[string]ast.Node{}
	ast.Walk(d, docs[0].Body)
	return docs[0].Body
}

// Visit collects anchors. It implements [ast.Visitor].
func (d *decoder) Visit(n ast.Node) ast.Visitor {
	if a, ok := n.(*ast.AnchorNode); ok {
		d.anchors[a.Name.GetToken().Value] = a.Value
	}
	return d
}

// resolve looks through anchors and aliases.
func (d *decoder) resolve(n ast.Node) ast.Node {
	for range 10 { // an alias may name a value that is an alias itself
		switch t := n.(type) {
		case *ast.AnchorNode:
			n = t.Value
		case *ast.AliasNode:
			n = d.anchors[t.Value.GetToken().Value]
		default:
			return n
		}
	}
	return n
}

func (d *decoder) fail(tok *token.Token, key, reason, hint string) {
	d.errs = append(d.errs, &Error{Where: d.place(tok), Key: key, Reason: reason, Hint: hint})
}

func (d *decoder) place(tok *token.Token) string {
	if tok == nil || tok.Position == nil || d.inline {
		return d.file
	}
	return fmt.Sprintf("%s:%d:%d", d.file, tok.Position.Line, tok.Position.Column)
}

// mapping puts the node's members into the fields whose keys begin with prefix.
// label is what comes before them in messages, such as "streams[2].".
func (d *decoder) mapping(node ast.Node, label, prefix string, fields []Field) {
	for _, member := range d.members(node, label+strings.TrimSuffix(prefix, ".")) {
		name := member.Key.GetToken().Value
		key := prefix + name
		field, isPrefix := lookup(fields, key)
		switch {
		case field != nil:
			d.value(member, label+key, field.Value)
		case isPrefix:
			d.mapping(member.Value, label, key+".", fields)
		case name == "<<":
			d.fail(member.Key.GetToken(), label+key, "is no setting: merge keys are not supported here", "write the settings out")
		default:
			d.fail(member.Key.GetToken(), label+key, "is no setting", didYouMean(name, siblings(fields, prefix)))
		}
	}
}

// members returns what a mapping consists of, or reports that it is none.
func (d *decoder) members(node ast.Node, key string) []*ast.MappingValueNode {
	switch n := d.resolve(node).(type) {
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	case nil:
		d.errs = append(d.errs, &Error{Where: d.file, Key: key, Reason: "is an alias of nothing"})
	case *ast.NullNode:
		d.fail(begin(n), key, "has no value", "write {} if nothing is meant, or leave the key out")
	default:
		d.fail(begin(n), key, "is "+describe(n)+", it must be a mapping of settings", "")
	}
	return nil
}

// value puts the member's value into v.
func (d *decoder) value(member *ast.MappingValueNode, key string, v Value) {
	if d.origins != nil {
		d.origins[key] = d.place(member.Key.GetToken())
	}
	node := d.resolve(member.Value)
	if nv, ok := v.(nodeValue); ok && node != nil {
		nv.setNode(d, key, node)
		return
	}
	d.scalar(node, key, v)
}

func (d *decoder) scalar(node ast.Node, key string, v Value) {
	var text string
	switch n := node.(type) {
	case nil:
		d.errs = append(d.errs, &Error{Where: d.file, Key: key, Reason: "is an alias of nothing"})
		return
	case *ast.NullNode:
		d.fail(begin(n), key, "has no value", "leave the key out for the default")
		return
	case *ast.StringNode:
		if v.Kind() == "number" && n.Token.Type != token.StringType {
			d.fail(begin(n), key, fmt.Sprintf("is the string %q, it must be a number", n.Value), "leave the quotes out")
			return
		}
		text = n.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		text = n.GetToken().Value
	default:
		d.fail(begin(n), key, fmt.Sprintf("is %s, it must be one value (%s)", describe(n), v.Kind()), "")
		return
	}
	if err := v.Set(text); err != nil {
		d.fail(begin(node), key, err.Error(), "")
	}
}

// items returns what a sequence consists of, or reports that it is none.
func (d *decoder) items(node ast.Node, key string) []ast.Node {
	n, ok := node.(*ast.SequenceNode)
	if !ok {
		d.fail(begin(node), key, "is "+describe(node)+", it must be a list", "")
		return nil
	}
	return n.Values
}

// begin returns the token with which the node begins; of a mapping that is its
// first key and not the colon after it.
func begin(n ast.Node) *token.Token {
	switch n := n.(type) {
	case *ast.MappingNode:
		if len(n.Values) > 0 && !n.IsFlowStyle {
			return n.Values[0].Key.GetToken()
		}
	case *ast.MappingValueNode:
		return n.Key.GetToken()
	}
	return n.GetToken()
}

func describe(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.NullNode:
		return "nothing"
	case *ast.LiteralNode:
		return "a block of text"
	case *ast.TagNode:
		return "a tagged value"
	}
	return fmt.Sprintf("%q", n.GetToken().Value)
}

// setInline decodes the YAML text of a flag or a variable into v. It returns
// the first error as a phrase.
func setInline(v nodeValue, text string) error {
	d := &decoder{inline: true}
	node := d.parse([]byte(text))
	if node != nil {
		v.setNode(d, "", d.resolve(node))
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
