package dashboard

import (
	"slices"

	"github.com/streamgauge/streamgauge"
)

// Streams returns what the dashboard shows or speaks of: the selectors of its panels, views,
// annotations and variables, each once. What a variable may stand for is any one token.
func (d *Dashboard) Streams() streamgauge.Selection {
	var out streamgauge.Selection
	add := func(texts ...string) {
		for _, text := range texts {
			if s, err := streamgauge.ParseSelector(expand(text, "*")); err == nil && !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	addView := func(text string) {
		if v, err := streamgauge.ParseView(expandView(text)); err == nil { // else it is a name
			add(string(v.Select))
		}
	}
	for _, v := range d.Variables {
		add(v.Stream, v.Streams)
	}
	for _, a := range d.Annotations {
		add(a.Stream)
	}
	for _, v := range d.Views {
		addView(v.Text)
	}
	for _, row := range d.Rows {
		for i := range row.Panels {
			p := &row.Panels[i]
			add(p.Stream...)
			for _, text := range p.View {
				addView(text)
			}
		}
	}
	return out
}
