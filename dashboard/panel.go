package dashboard

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	yaml "go.yaml.in/yaml/v4"

	"github.com/streamgauge/streamgauge/internal/yamlfile"
)

const yamlMapping = yaml.MappingNode

// panelType says what panels of a type are.
type panelType struct {
	width, height int // where the file says nothing
	keys          string
}

// What several types may have.
const (
	everyPanel  = "type title description width height "
	streamData  = "stream filter keys "
	metricData  = streamData + "view field window "
	metricLooks = "unit decimals min max thresholds labels "
)

// panelTypes are the types that there are.
var panelTypes = map[string]panelType{
	"stat":       {3, 3, metricData + metricLooks},
	"timeseries": {6, 7, metricData + metricLooks + "style stack"},
	"gauge":      {3, 5, metricData + metricLooks},
	"bars":       {4, 7, metricData + metricLooks + "limit"},
	"table":      {6, 7, metricData + metricLooks + "limit columns"},
	"status":     {6, 4, metricData + metricLooks + "states"},
	"heatmap":    {6, 7, metricData + metricLooks},
	"log":        {12, 10, streamData + "window level search wrap"},
	"feed":       {6, 10, streamData + "window limit fields"},
	"text":       {6, 4, "text"},
}

// typeNames lists them in the order in which the documentation has them.
var typeNames = []string{"stat", "timeseries", "gauge", "bars", "table", "status", "heatmap", "log", "feed", "text"}

// has reports whether panels of the type may have the key.
func (t panelType) has(key string) bool {
	return slices.Contains(strings.Fields(everyPanel+t.keys), key)
}

// The words that have a meaning.
var (
	thresholdStates = []string{"good", "warn", "bad"}
	statusStates    = []string{"good", "warn", "bad", "idle"}
	chartStyles     = []string{"line", "area", "bar"}
	logLevels       = []string{"trace", "debug", "info", "warn", "error", "fatal"}
	feedParts       = []string{"actor", "verb", "object", "target", "link", "icon"}
)

// units have a meaning; any other short text is a unit too and stands behind the
// number as it is.
var units = []string{"percent", "ratio", "bytes", "bytes/s", "count", "1/s", "ms", "s", "celsius", "hz", "usd", "eur"}

const maxUnit = 12 // characters

func (p *parser) panel(a at) Panel {
	panel := Panel{Type: p.typeOf(a)}
	kind, known := panelTypes[panel.Type]
	panel.Width, panel.Height = kind.width, kind.height
	fields := p.panelKeys(&panel)
	p.object(a, "a panel", maps.Collect(func(yield func(string, func(at)) bool) {
		for key, read := range fields {
			if known && !kind.has(key) {
				read = func(m at) { p.fail(m.key, m.path, "is nothing for a %s%s", panel.Type, whatFor(key)) }
			}
			if !yield(key, read) {
				return
			}
		}
	}))
	if known && !p.failed(a.path) {
		p.checkPanel(a, &panel)
	}
	return panel
}

// typeOf finds the type before anything else is read.
func (p *parser) typeOf(a at) string {
	if a.node.Kind != yamlMapping {
		return ""
	}
	for i := 0; i+1 < len(a.node.Content); i += 2 {
		if a.node.Content[i].Value == "type" {
			value := yamlfile.Resolve(a.node.Content[i+1])
			if yamlfile.IsNull(value) {
				return ""
			}
			return p.oneOf(at{node: value, path: a.path + "/type"}, typeNames...)
		}
	}
	p.fail(a.node, a.path, "has no type; it is one of %s", strings.Join(typeNames, ", "))
	return ""
}

// whatFor says which types may have the key.
func whatFor(key string) string {
	var names []string
	for _, name := range typeNames {
		if panelTypes[name].has(key) {
			names = append(names, name)
		}
	}
	return fmt.Sprintf("; %s is for %s", key, strings.Join(names, ", "))
}

func (p *parser) panelKeys(panel *Panel) take {
	return take{
		"type":        func(at) {}, // read already
		"title":       func(a at) { panel.Title = p.text(a, 200) },
		"description": func(a at) { panel.Description = p.text(a, 2000) },
		"width":       func(a at) { panel.Width = p.whole(a, 1, 12) },
		"height":      func(a at) { panel.Height = p.whole(a, 1, 30) },
		"window":      func(a at) { panel.Window = p.window(a) },

		"stream": func(a at) {
			panel.Stream = list(p.reader, a, "selectors", 64, func(a at) string { return p.selector(a, p.variables) })
		},
		"view":   func(a at) { panel.View = list(p.reader, a, "views", 16, p.viewOrName) },
		"filter": func(a at) { panel.Filter = p.filter(a, p.variables) },
		"field":  func(a at) { panel.Field = list(p.reader, a, "JSON pointers", 64, p.pointer) },
		"keys": func(a at) {
			panel.Keys = list(p.reader, a, "keys", 1000, func(a at) string { return p.word(a, 256) })
		},

		"unit":       func(a at) { panel.Unit = p.unit(a) },
		"decimals":   func(a at) { panel.Decimals = new(p.whole(a, 0, 9)) },
		"min":        func(a at) { panel.Min = new(p.number(a)) },
		"max":        func(a at) { panel.Max = new(p.number(a)) },
		"thresholds": func(a at) { panel.Thresholds = p.thresholds(a) },
		"labels": func(a at) {
			panel.Labels = p.texts(a, "a mapping of labels", func(a at) string { return p.word(a, 100) })
		},

		"style":   func(a at) { panel.Style = p.oneOf(a, chartStyles...) },
		"stack":   func(a at) { panel.Stack = p.boolean(a) },
		"limit":   func(a at) { panel.Limit = p.whole(a, 1, 1000) },
		"columns": func(a at) { panel.Columns = p.columns(a) },
		"states": func(a at) {
			panel.States = p.texts(a, "a mapping of states", func(a at) string { return p.oneOf(a, statusStates...) })
		},
		"level":  func(a at) { panel.Level = p.oneOf(a, logLevels...) },
		"search": func(a at) { panel.Search = p.word(a, 200) },
		"wrap":   func(a at) { panel.Wrap = p.boolean(a) },
		"fields": func(a at) { panel.Fields = p.feedFields(a) },
		"text":   func(a at) { panel.Text = p.text(a, 64<<10) },
	}
}

// checkPanel finds what no single member shows.
func (p *parser) checkPanel(a at, panel *Panel) {
	isText := panel.Type == "text"
	hasView := panelTypes[panel.Type].has("view")
	switch {
	case isText && panel.Text == "":
		p.fail(a.node, a.path, "has no text")
	case isText:
	case panel.Stream != nil && panel.View != nil:
		p.fail(a.node, a.path, "has both stream and view; a panel shows one of them")
	case panel.Stream == nil && panel.View == nil && hasView:
		p.fail(a.node, a.path, "shows nothing; write stream: or view:")
	case panel.Stream == nil && panel.View == nil:
		p.fail(a.node, a.path, "shows nothing; write stream:")
	}
	if panel.View != nil {
		for key, there := range map[string]bool{"filter": panel.Filter != "", "field": panel.Field != nil, "keys": panel.Keys != nil} {
			if there {
				p.fail(a.node, a.path+"/"+key, "goes with stream; what a view is computed from is said in the view (… where …)")
			}
		}
	}
	if panel.Min != nil && panel.Max != nil && *panel.Min >= *panel.Max {
		p.fail(a.node, a.path+"/min", "is %v, it must be less than max (%v)", *panel.Min, *panel.Max)
	}
}

// nameOfView is how a panel names a view, of its dashboard or of another.
var nameOfView = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*(/[a-z0-9][a-z0-9-]*)?$`)

func (p *parser) viewOrName(a at) string {
	s := p.word(a, 4000)
	switch {
	case s == "":
	case !nameOfView.MatchString(s):
		if p.known(a, s, p.variables) {
			p.checkView(a, s)
		}
	case strings.Contains(s, "/"): // of another dashboard, which may come later
	case !p.views[s]:
		p.fail(a.node, a.path, "is %q, which is no view of this dashboard%s; write a view such as count(shop.orders) every 10s, or name one in views:",
			s, hint(s, keysOf(p.views)))
	}
	return s
}

func (p *parser) unit(a at) string {
	s := p.word(a, 1000)
	if utf8.RuneCountInString(s) > maxUnit {
		p.fail(a.node, a.path, "is %q, which is no unit: it is one of %s, or a text of up to %d characters%s",
			s, strings.Join(units, ", "), maxUnit, meant(s, units))
	}
	return s
}

func (p *parser) thresholds(a at) (out []Threshold) {
	for _, one := range p.items(a, "thresholds", 20) {
		t, there := Threshold{}, false
		p.object(one, "a threshold", take{
			"at":    func(a at) { t.At, there = p.number(a), true },
			"state": func(a at) { t.State = p.oneOf(a, thresholdStates...) },
			"below": func(a at) { t.Below = p.boolean(a) },
		})
		if one.node.Kind == yamlMapping {
			p.require(one, "at", there, "say from which value on it holds")
			p.require(one, "state", t.State != "", "it is one of "+strings.Join(thresholdStates, ", "))
		}
		out = append(out, t)
	}
	return out
}

func (p *parser) columns(a at) (out []Column) {
	for _, one := range p.items(a, "columns", 30) {
		var c Column
		p.object(one, "a column", take{
			"field": func(a at) { c.Field = p.pointer(a) },
			"label": func(a at) { c.Label = p.word(a, 100) },
			"unit":  func(a at) { c.Unit = p.unit(a) },
			"spark": func(a at) { c.Spark = p.boolean(a) },
		})
		if one.node.Kind == yamlMapping {
			p.require(one, "field", c.Field != "", "say which part of the data it shows, such as field: /total")
		}
		out = append(out, c)
	}
	return out
}

// texts reads a mapping whose keys are anybody's.
func (p *parser) texts(a at, what string, read func(at) string) (out Texts) {
	for _, m := range p.members(a, what) {
		if yamlfile.IsNull(m.node) {
			p.fail(m.node, m.path, "has no value; leave the key out, or give it one")
			continue
		}
		out = append(out, Text{m.name, read(m)})
	}
	return out
}

func (p *parser) feedFields(a at) (out Texts) {
	fields := take{}
	for _, part := range feedParts {
		fields[part] = func(a at) { out = append(out, Text{part, p.pointer(a)}) }
	}
	p.object(a, "the fields of a feed", fields)
	return out
}
