package filter

import (
	"fmt"
	"reflect"
	"regexp/syntax"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
)

var (
	functions = []string{"len", "lower", "upper", "trim", "int", "float", "abs", "date", "all", "any", "none", "one", "count"}
	operators = []string{
		"and", "&&", "or", "||", "==", "!=", "<", "<=", ">", ">=", "in", "contains", "startsWith", "endsWith",
		"matches", "+", "-", "*", "/", "%", "**", "^", "??",
	}
)

// rules goes over a parsed expression, children before parents. It refuses what
// isn't in the language, replaces what the package does its own way, and adds
// up the cost.
type rules struct {
	err      *file.Error // the first
	usesData bool
	perByte  int
	pattern  int // instructions
}

func (r *rules) refuse(node ast.Node, format string, args ...any) {
	if r.err == nil {
		r.err = &file.Error{Location: node.Location(), Message: fmt.Sprintf(format, args...)}
	}
}

// Visit implements [ast.Visitor].
func (r *rules) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.NilNode, *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.StringNode:
	case *ast.ArrayNode, *ast.UnaryNode, *ast.ConditionalNode, *ast.ChainNode, *ast.PointerNode:
	case *ast.IdentifierNode:
		r.usesData = r.usesData || n.Value == "data"
		if n.Value == "$env" {
			r.refuse(n, "unknown name $env")
		}
	case *ast.MemberNode:
		r.member(node, n)
	case *ast.BinaryNode:
		r.binary(node, n)
	case *ast.BuiltinNode:
		r.function(node, n, n.Name, n.Arguments)
		r.collection(n)
	case *ast.CallNode:
		name := "a member"
		if callee, ok := n.Callee.(*ast.IdentifierNode); ok {
			name = callee.Value
		}
		r.function(node, n, name, n.Arguments)
	case *ast.PredicateNode:
		r.predicate(n)
	default:
		r.refuse(n, "only a single expression is allowed, without variables, ranges, slices and maps")
	}
}

// fromData reports whether the node is data, a part of it, or an element.
func fromData(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.PointerNode:
		return n.Name == ""
	case *ast.IdentifierNode:
		return n.Value == "data"
	case *ast.ChainNode:
		return fromData(n.Node)
	case *ast.CallNode: // a member already patched, since other calls are refused
		return true
	}
	return false
}

// member makes access to members total: see [member].
func (r *rules) member(node *ast.Node, n *ast.MemberNode) {
	if !fromData(n.Node) {
		r.refuse(n, "only data has members, and #, which is an element of data")
	}
	ast.Patch(node, &ast.CallNode{
		Callee:    &ast.IdentifierNode{Value: memberFunc},
		Arguments: []ast.Node{n.Node, n.Property},
	})
}

func (r *rules) binary(node *ast.Node, n *ast.BinaryNode) {
	r.perByte++
	switch {
	case n.Operator == "..":
		r.refuse(n, `there are no ranges: write x >= 1 and x <= 9`)
	case !slices.Contains(operators, n.Operator):
		r.refuse(n, "there is no operator %q: there are %s", n.Operator, strings.Join(operators, " "))
	case n.Operator == "matches":
		r.matches(n)
	case n.Operator == "in":
		in(n)
	case n.Operator == "+":
		// Strings joined to ever longer ones would escape the bound on cost. The
		// operands' types may be unknown yet, but only numbers can be negated.
		if isText(n.Left) || isText(n.Right) {
			r.refuse(n, `"+" adds numbers, it doesn't join strings`)
		}
		ast.Patch(node, &ast.BinaryNode{
			Operator: "-", Left: n.Left, Right: &ast.UnaryNode{Operator: "-", Node: n.Right},
		})
	}
}

// in turns a list of literals into one value, so that it isn't made anew for
// every event. (The compiler's own set of strings fails on other types.)
func in(n *ast.BinaryNode) {
	list, ok := n.Right.(*ast.ArrayNode)
	if !ok {
		return
	}
	values := make([]any, len(list.Nodes))
	for i, node := range list.Nodes {
		switch node := node.(type) {
		case *ast.StringNode:
			values[i] = node.Value
		case *ast.IntegerNode:
			values[i] = node.Value
		case *ast.FloatNode:
			values[i] = node.Value
		case *ast.BoolNode:
			values[i] = node.Value
		case *ast.NilNode:
		default:
			return
		}
	}
	ast.Patch(&n.Right, &ast.ConstantNode{Value: values})
}

func isText(n ast.Node) bool { return n.Type().Kind() == reflect.String }

// matches bounds a pattern by the size of its program: the time that it takes
// is at most in proportion to that times the size of the text.
func (r *rules) matches(n *ast.BinaryNode) {
	literal, ok := n.Right.(*ast.StringNode)
	if !ok {
		r.refuse(n, `"matches" needs a pattern in quotes`)
		return
	}
	pattern, err := syntax.Parse(literal.Value, syntax.Perl)
	if err != nil {
		r.refuse(literal, "%v", err)
		return
	}
	program, err := syntax.Compile(pattern.Simplify())
	if err != nil {
		r.refuse(literal, "%v", err)
		return
	}
	r.pattern += len(program.Inst)
	r.perByte += len(program.Inst)
	if r.pattern > maxPattern {
		r.refuse(literal, "the patterns are too complex: repeat less")
	}
}

// function takes n for a call of the named function.
func (r *rules) function(node *ast.Node, n ast.Node, name string, args []ast.Node) {
	r.perByte++
	if !slices.Contains(functions, name) {
		r.refuse(n, "%s can't be called: the functions are %s", name, strings.Join(functions, ", "))
		return
	}
	if name != "date" {
		return
	}
	literal := ""
	if len(args) == 1 {
		if s, ok := args[0].(*ast.StringNode); ok {
			literal = s.Value
		}
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339Nano} {
		if t, err := time.Parse(layout, literal); err == nil {
			ast.Patch(node, &ast.ConstantNode{Value: t})
			return
		}
	}
	r.refuse(n, `date needs a day or a time in quotes, such as "2026-01-31" or "2026-01-31T12:00:00Z"`)
}

// collection refuses to go over anything but a part of data. Arrays that are
// written out would multiply when nested.
func (r *rules) collection(n *ast.BuiltinNode) {
	if len(n.Arguments) != 2 {
		return
	}
	if _, ok := n.Arguments[1].(*ast.PredicateNode); ok && !fromData(n.Arguments[0]) {
		r.refuse(n, "%s goes over a part of data only; for a list of values write x in [1, 2]", n.Name)
	}
}

// predicate keeps what is done once per element from depending on anything but
// the element, so that the cost of all of them is bounded by the data's size,
// however they are nested.
func (r *rules) predicate(n *ast.PredicateNode) {
	c := new(counter)
	ast.Walk(&n.Node, c)
	r.perByte += c.nodes
	if c.outer != nil {
		r.refuse(c.outer, "%s is not available within any and its like, only # (the element) is", c.outer.Value)
	}
}

// counter counts the terms of a predicate and finds the names in it.
type counter struct {
	nodes int
	outer *ast.IdentifierNode
}

// Visit implements [ast.Visitor].
func (c *counter) Visit(node *ast.Node) {
	c.nodes++
	if n, ok := (*node).(*ast.IdentifierNode); ok && n.Value != memberFunc && c.outer == nil {
		c.outer = n
	}
}
