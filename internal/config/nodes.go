package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	yaml "go.yaml.in/yaml/v4"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/yamlfile"
)

// The settings that are more than a scalar.
var (
	_ nodeValue = words{}
	_ nodeValue = rules{}
	_ nodeValue = sources{}
)

// item is a scalar within a list.
type item struct {
	set  func(string) error
	kind string
}

func (v item) Set(s string) error { return v.set(s) }
func (v item) Text() string       { return "" }
func (v item) Kind() string       { return v.kind }

// words is a list of texts.
type words struct {
	p     *[]string
	item  string // what one is
	check func(string) error
}

func (v words) Kind() string       { return "list of " + v.item + "s" }
func (v words) Set(s string) error { return setInline(v, s) }

func (v words) Text() string {
	quoted := make([]string, len(*v.p))
	for i, s := range *v.p {
		quoted[i] = fmt.Sprintf("%q", s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

func (v words) setNode(d *decoder, key string, node *yaml.Node) {
	var list []string
	for i, n := range d.items(node, key) {
		d.scalar(n, fmt.Sprintf("%s[%d]", key, i), item{func(s string) error {
			list = append(list, s)
			return v.check(s)
		}, v.item})
	}
	*v.p = list
}

type rules struct{ p *[]streamgauge.Rule }

func (v rules) Kind() string       { return "list of rules" }
func (v rules) Set(s string) error { return setInline(v, s) }

func (v rules) setNode(d *decoder, key string, node *yaml.Node) {
	var list []streamgauge.Rule
	seen := map[streamgauge.Selector]int{}
	for i, n := range d.items(node, key) {
		label := fmt.Sprintf("%s[%d]", key, i)
		rule, before := streamgauge.Rule{}, len(d.errs)
		d.mapping(n, label+".", "", ruleFields(&rule))
		first, again := seen[rule.Match]
		switch {
		case len(d.errs) > before: // said already
		case rule.Match == "":
			d.fail(n, label, "has no match", "say which streams the rule is for, such as match: logs.>")
		case again:
			d.fail(n, label+".match", fmt.Sprintf("is %q like that of %s[%d], so this rule never applies", rule.Match, key, first), "")
		default:
			seen[rule.Match] = i
		}
		list = append(list, rule)
	}
	*v.p = list
}

// Text returns the rules as flow YAML. What a rule leaves out is left out.
func (v rules) Text() string {
	parts := make([]string, len(*v.p))
	for i := range *v.p {
		parts[i] = ruleText(&(*v.p)[i])
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func ruleText(r *streamgauge.Rule) string {
	var b, keep strings.Builder
	for _, f := range ruleFields(r) {
		if isUnset(f.Value) {
			continue
		}
		text := f.Text()
		if f.Key == "match" || f.Key == "key" {
			text = fmt.Sprintf("%q", text)
		}
		if name, ok := strings.CutPrefix(f.Key, "keep."); ok {
			fmt.Fprintf(&keep, ", %s: %s", name, text)
			continue
		}
		if keep.Len() > 0 {
			fmt.Fprintf(&b, ", keep: {%s}", keep.String()[2:])
			keep.Reset()
		}
		fmt.Fprintf(&b, ", %s: %s", f.Key, text)
	}
	if keep.Len() > 0 {
		fmt.Fprintf(&b, ", keep: {%s}", keep.String()[2:])
	}
	return "{" + strings.TrimPrefix(b.String(), ", ") + "}"
}

// isUnset reports whether a rule leaves the member to the last rule.
func isUnset(v Value) bool {
	switch v := v.(type) {
	case count:
		return *v.p == 0
	case duration:
		return *v.p == 0
	case size:
		return *v.p == 0
	}
	return v.Text() == ""
}

type sources struct{ p *Sources }

func (v sources) Kind() string       { return "mapping" }
func (v sources) Set(s string) error { return setInline(v, s) }

func (v sources) Text() string {
	var parts []string
	if v.p.Host != nil {
		parts = append(parts, "host: {every: "+formatDuration(v.p.Host.Every)+"}")
	}
	if v.p.Self != nil {
		parts = append(parts, "self: {every: "+formatDuration(v.p.Self.Every)+"}")
	}
	if v.p.Demo != nil {
		parts = append(parts, "demo: {seed: "+demoSeed{&v.p.Demo}.Text()+"}")
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// setNode makes the named sources the only ones. One that is only named has
// its default.
func (v sources) setNode(d *decoder, key string, node *yaml.Node) {
	*v.p = Sources{}
	label := strings.TrimPrefix(key+".", ".")
	for _, m := range d.members(node, key, label) {
		var place **Every
		switch m.name {
		case "host":
			place = &v.p.Host
		case "self":
			place = &v.p.Self
		case "demo":
			v.p.Demo = &Demo{}
			d.mapping(m.value, label+m.name+".", "", []Field{{Key: "seed", Value: demoSeed{&v.p.Demo}}})
			continue
		default:
			d.fail(m.key, label+m.name, "is no source", yamlfile.DidYouMean(m.name, []string{"host", "self", "demo"}))
			continue
		}
		*place = &Every{time.Second}
		d.mapping(m.value, label+m.name+".", "", []Field{{Key: "every", Value: sourceEvery{place}}})
	}
}

// sourceEvery is the interval of one source, which may be off.
type sourceEvery struct{ p **Every }

func (v sourceEvery) Kind() string { return "duration | off" }

func (v sourceEvery) Text() string {
	if *v.p == nil {
		return "off"
	}
	return formatDuration((*v.p).Every)
}

func (v sourceEvery) Set(s string) error {
	if s == "off" {
		*v.p = nil
		return nil
	}
	every := Every{}
	if err := (duration{&every.Every, 100 * time.Millisecond, time.Hour}).Set(s); err != nil {
		return err
	}
	*v.p = &every
	return nil
}

// demoSeed is the shop that the demo source plays, which may be none.
type demoSeed struct{ p **Demo }

func (v demoSeed) Kind() string { return "number | on | off" }

func (v demoSeed) Text() string {
	switch {
	case *v.p == nil:
		return "off"
	case (*v.p).Seed == 0:
		return "on"
	}
	return strconv.FormatUint((*v.p).Seed, 10)
}

func (v demoSeed) Set(s string) error {
	switch s {
	case "off":
		*v.p = nil
		return nil
	case "on":
		*v.p = &Demo{}
		return nil
	}
	seed, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return fmt.Errorf("is %q, it must be on, off or a number", s)
	}
	*v.p = &Demo{seed}
	return nil
}
