package dashboard

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	yaml "go.yaml.in/yaml/v4"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/yamlfile"
)

// Options are what [Parse] may be told. Nil is the zero value.
type Options struct {
	// CheckFilter says what is wrong with a filter expression. Without it filters
	// are taken as they are. Variables have been replaced by "".
	CheckFilter func(expression string) error
}

// Parse reads a dashboard from the text of the file. The file's name, without
// folder and extension, is the dashboard's. The error is of type [Errors] and
// has everything that is wrong.
func Parse(file string, text []byte, o *Options) (*Dashboard, error) {
	r := &reader{file: file}
	if o != nil {
		r.checkFilter = o.CheckFilter
	}
	if len(text) > MaxBytes {
		return nil, Errors{{file, 1, 1, "", fmt.Sprintf("has %d bytes, at most %d are allowed", len(text), MaxBytes)}}
	}
	root, err := yamlfile.Parse(text)
	var syntax *yamlfile.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return nil, Errors{{file, syntax.Line, syntax.Column, "", syntax.Message}}
	case err != nil:
		return nil, Errors{{file, 1, 1, "", err.Error()}}
	case root == nil:
		return nil, Errors{{file, 1, 1, "", "is empty; a dashboard has at least title: and rows:"}}
	}
	p := &parser{reader: r, source: text, variables: map[string]bool{}, views: map[string]bool{}}
	d := p.dashboard(at{node: yamlfile.Resolve(root), key: root})
	d.Name = strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	if err := r.result(); err != nil {
		return nil, err
	}
	return d, nil
}

// parser reads one dashboard.
type parser struct {
	*reader
	source    []byte
	variables map[string]bool
	views     map[string]bool
	panels    int
}

func (p *parser) dashboard(a at) *Dashboard {
	d := &Dashboard{Rows: []Row{}}
	var variables, annotations, views, rows at
	hold := func(place *at) func(at) { return func(a at) { *place = a } }
	p.object(a, "a dashboard", take{
		"title":       func(a at) { d.Title = p.word(a, 200) },
		"description": func(a at) { d.Description = p.text(a, 2000) },
		"window":      func(a at) { d.Window = p.window(a) },
		"variables":   hold(&variables),
		"annotations": hold(&annotations),
		"views":       hold(&views),
		"rows":        hold(&rows),
	})
	// Names first: they may be used above where they are said.
	if variables.node != nil {
		d.Variables = p.readVariables(variables)
	}
	if views.node != nil {
		d.Views = p.readViews(views)
	}
	if annotations.node != nil {
		for _, one := range p.items(annotations, "annotations", 50) {
			d.Annotations = append(d.Annotations, p.annotation(one))
		}
	}
	if rows.node != nil {
		for _, one := range p.items(rows, "rows", MaxRows) {
			d.Rows = append(d.Rows, p.row(one))
		}
	}
	if a.node.Kind == yamlMapping {
		p.require(a, "title", d.Title != "", "say what the page calls the dashboard")
		p.require(a, "rows", rows.node != nil, "write rows: [] for none yet")
	}
	return d
}

// require says that a member is missing, if nothing worse has been said of it.
func (p *parser) require(a at, name string, there bool, why string) {
	path := a.path + "/" + name
	for _, e := range p.errs {
		there = there || e.Path == path
	}
	if !there {
		p.fail(a.node, a.path, "has no %s; %s", name, why)
	}
}

func (p *parser) readVariables(a at) (out Variables) {
	members := p.members(a, "a mapping of variables")
	for _, m := range members {
		if !variableForm.MatchString(m.name) || len(m.name) > MaxNameBytes {
			p.fail(m.key, m.path, "can't be a variable's name: lower-case letters, digits and underscores, beginning with a letter")
		}
		p.variables[m.name] = true
	}
	for _, m := range members {
		v := Variable{Name: m.name}
		p.object(m, "a variable", take{
			"label":   func(a at) { v.Label = p.word(a, 100) },
			"stream":  func(a at) { v.Stream = p.selector(a, nil) },
			"field":   func(a at) { v.Field = p.pointer(a) },
			"streams": func(a at) { v.Streams = p.selector(a, nil) },
			"default": func(a at) { v.Default = p.word(a, 200) },
		})
		switch {
		case m.node.Kind != yamlMapping || p.failed(m.path):
		case v.Streams != "" && (v.Stream != "" || v.Field != ""):
			p.fail(m.key, m.path, "has both streams and stream; its choices are either streams' last tokens or a field's values")
		case v.Streams == "" && (v.Stream == "" || v.Field == ""):
			p.fail(m.key, m.path, "has no choices; write streams: logs.* for names of streams, or stream: shop.orders and field: /country for values seen there")
		}
		out = append(out, v)
	}
	return out
}

// failed reports whether something was said of the path or what is below it.
func (p *parser) failed(path string) bool {
	for _, e := range p.errs {
		if e.Path == path || strings.HasPrefix(e.Path, path+"/") {
			return true
		}
	}
	return false
}

func (p *parser) readViews(a at) (out Views) {
	for _, m := range p.members(a, "a mapping of views") {
		switch {
		case !ValidName(m.name):
			p.fail(m.key, m.path, "can't be a view's name: lower-case letters, digits and dashes")
		case yamlfile.IsNull(m.node):
			p.fail(m.node, m.path, "has no value; write a view such as count(shop.orders) every 10s")
		default:
			out = append(out, View{m.name, p.viewText(m)})
		}
		p.views[m.name] = true
	}
	return out
}

// viewText reads the text of a view, in which variables may be used.
func (p *parser) viewText(a at) string {
	s := p.word(a, 4000)
	if s != "" && p.known(a, s, p.variables) {
		p.checkView(a, s)
	}
	return s
}

func (p *parser) checkView(a at, s string) {
	view, err := streamgauge.ParseView(expandView(s))
	var where *streamgauge.ViewError
	if errors.As(err, &where) && isVerbatim(p.source, a.node) && len(variablesIn(s)) == 0 {
		// The text is in the file as it is: so the place can be told to the column.
		n := *a.node
		n.Column += where.Column - 1
		p.fail(&n, a.path, "is no view: %s", where.Reason)
		return
	}
	if err != nil {
		p.fail(a.node, a.path, "is no view: %v", err)
		return
	}
	if view.Where != "" && p.checkFilter != nil {
		if err := p.checkFilter(view.Where); err != nil {
			p.fail(a.node, a.path, "has a where that can't be used: %v", err)
		}
	}
}

// isVerbatim reports whether the scalar has no quotes and is on one line.
func isVerbatim(text []byte, n *yaml.Node) bool {
	for range n.Line - 1 {
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	begin := []rune(string(line))
	return n.Style == 0 && n.Column <= len(begin) && strings.HasPrefix(string(begin[n.Column-1:]), n.Value)
}

func (p *parser) annotation(a at) (out Annotation) {
	p.object(a, "an annotation", take{
		"stream": func(a at) { out.Stream = p.selector(a, p.variables) },
		"text":   func(a at) { out.Text = p.pointer(a) },
		"filter": func(a at) { out.Filter = p.filter(a, p.variables) },
	})
	if a.node.Kind == yamlMapping {
		p.require(a, "stream", out.Stream != "", "say whose events mark the charts, such as stream: shop.deploys")
	}
	return out
}

func (p *parser) row(a at) Row {
	row := Row{Panels: []Panel{}}
	there := false
	p.object(a, "a row", take{
		"title": func(a at) { row.Title = p.text(a, 200) },
		"panels": func(a at) {
			there = true
			for _, one := range p.items(a, "panels", MaxPanels) {
				if p.panels++; p.panels > MaxPanels {
					p.fail(one.node, one.path, "is one panel too many: a dashboard may have %d", MaxPanels)
					return
				}
				row.Panels = append(row.Panels, p.panel(one))
			}
		},
	})
	if a.node.Kind == yamlMapping {
		p.require(a, "panels", there, "write panels: [] for none yet")
	}
	return row
}
