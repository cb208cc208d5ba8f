package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
)

// A figure is one file: panels below each other that share what grows.
type figure struct {
	title, axis string
	xs          []float64 // of every point
	panels      []panel
	foot        []string // lines of small print
}

type panel struct {
	title, unit string
	series      []series // at most two
}

type series struct {
	name   string
	second bool // has the other colour and is dashed
	points []point
}

// class is how the line looks.
func (s *series) class() string {
	if s.second {
		return "b"
	}
	return "a"
}

type point struct {
	x, y     float64
	doubtful bool
}

// The layout, in pixels.
const (
	width      = 720
	areaLeft   = 46
	areaRight  = 606 // right of it are the names of the lines
	areaHeight = 172
	inset      = 22 // between the area's border and points, for what is written there
	panelTop   = 62 // of the first area
	panelStep  = areaHeight + 62
	lineHeight = 16
)

// The background is drawn, for a page may have another theme than the system.
const style = `
  .back { fill: #ffffff }
  text { fill: #1f2328; font: 12px system-ui, -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif }
  .head { font-size: 14px; font-weight: 600 }
  .name { font-weight: 600 }
  .tick, .foot, .axis { fill: #59636e }
  .foot { font-size: 11px }
  .value { font-size: 11px; fill: #59636e; stroke: #ffffff; stroke-width: 3px; stroke-linejoin: round; paint-order: stroke }
  .area { fill: none; stroke: #d1d9e0 }
  .grid { stroke: #d1d9e0; stroke-width: 0.75 }
  .line { fill: none; stroke-width: 1.75; stroke-linejoin: round }
  .dot { stroke-width: 1.75 }
  .a .line, .a .dot { stroke: #0072b2 } .a .dot, .a .name { fill: #0072b2 }
  .b .line, .b .dot { stroke: #b84a00 } .b .dot, .b .name { fill: #b84a00 }
  .b .line { stroke-dasharray: 6 4 }
  .hollow .dot { fill: #ffffff }
  @media (prefers-color-scheme: dark) {
    .back { fill: #0d1117 }
    text { fill: #e6edf3 }
    .tick, .foot, .axis, .value { fill: #9198a1 }
    .value { stroke: #0d1117 }
    .area, .grid { stroke: #30363d }
    .a .line, .a .dot { stroke: #56b4e9 } .a .dot, .a .name { fill: #56b4e9 }
    .b .line, .b .dot { stroke: #e69f00 } .b .dot, .b .name { fill: #e69f00 }
    .hollow .dot { fill: #0d1117 }
  }
`

// canvas is what is drawn on.
type canvas struct{ bytes.Buffer }

func (c *canvas) printf(format string, args ...any) { fmt.Fprintf(&c.Buffer, format+"\n", args...) }

// text writes at the place, to where the anchor says: start, middle or end.
func (c *canvas) text(class, anchor string, x, y float64, s string) {
	c.printf(`<text class="%s" text-anchor="%s" x="%.1f" y="%.1f">%s</text>`, class, anchor, x, y, escape(s))
}

func escape(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) // a Builder takes everything
	return b.String()
}

// svg draws the figure.
func (f *figure) svg() []byte {
	var c canvas
	bottom := panelTop + panelStep*len(f.panels)
	height := bottom + lineHeight*len(f.foot)
	c.printf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-labelledby="title desc">`, width, height, width, height)
	c.printf(`<title id="title">%s</title>`, escape(f.title))
	c.printf(`<desc id="desc">%s</desc>`, escape(f.describe()))
	c.printf(`<style>%s</style>`, style)
	c.printf(`<rect class="back" width="%d" height="%d" rx="6"/>`, width, height)
	c.text("head", "start", 14, 24, f.title)
	x := axis{start: areaLeft + inset, end: areaRight - inset}
	x.low, x.high, _ = bounds(f.xs)
	for i := range f.panels {
		f.panels[i].draw(&c, x, f.xs, float64(panelTop+panelStep*i))
	}
	c.text("axis", "middle", (areaLeft+areaRight)/2, float64(bottom-24), f.axis)
	for i, line := range f.foot {
		c.text("foot", "start", 14, float64(bottom+lineHeight*i), line)
	}
	c.printf(`</svg>`)
	return c.Bytes()
}

// describe says in words what the figure shows, for who can't see it.
func (f *figure) describe() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Across: %s. Both axes are logarithmic.", f.axis)
	for _, p := range f.panels {
		for _, s := range p.series {
			fmt.Fprintf(&b, " %s, %s, in %s:", p.title, s.name, p.unit)
			for i, at := range s.drawable() {
				if i > 0 {
					b.WriteString(",")
				}
				fmt.Fprintf(&b, " %s at %s", number(at.y), number(at.x))
			}
			b.WriteString(".")
		}
	}
	return b.String()
}

func (s *series) drawable() (out []point) {
	for _, p := range s.points {
		if drawable(p.x) && drawable(p.y) {
			out = append(out, p)
		}
	}
	return out
}

// draw draws the panel, whose area begins at the top.
func (p *panel) draw(c *canvas, x axis, xs []float64, top float64) {
	const left, right = areaLeft, areaRight
	bottom := top + areaHeight
	c.text("name", "start", 14, top-12, p.title+", "+p.unit)
	c.printf(`<rect class="area" x="%d" y="%.1f" width="%d" height="%d"/>`, left, top, right-left, areaHeight)
	// A line up from everything that was measured, so that it can be read exactly.
	last := float64(left)
	xs = slices.Compact(slices.Sorted(slices.Values(xs)))
	for _, v := range xs {
		if !drawable(v) {
			continue
		}
		at := x.at(v)
		c.printf(`<path class="grid" d="M%.1f %.1fV%.1f"/>`, at, top, bottom)
		if at-last > 20 || last == left {
			c.text("tick", "middle", at, bottom+16, number(v))
			last = at
		}
	}

	var ys []float64
	for i := range p.series {
		for _, at := range p.series[i].drawable() {
			ys = append(ys, at.y)
		}
	}
	low, high, ok := bounds(ys)
	if !ok {
		c.text("tick", "middle", (left+right)/2, (top+bottom)/2, "nothing was measured")
		return
	}
	from, to := round(low, high)
	y := axis{from.value(), to.value(), bottom - inset, top + inset}
	for _, v := range ticks(from, to) {
		c.printf(`<path class="grid" d="M%d %.1fH%d"/>`, left, y.at(v), right)
		c.text("tick", "end", left-7, y.at(v)+4, number(v))
	}
	for i := range p.series {
		p.series[i].draw(c, x, y)
	}
	p.label(c, x, y)
}

// draw draws the line and its points.
func (s *series) draw(c *canvas, x, y axis) {
	c.printf(`<g class="%s">`, s.class())
	var places []string
	for _, p := range s.drawable() {
		places = append(places, fmt.Sprintf("%.1f,%.1f", x.at(p.x), y.at(p.y)))
	}
	if len(places) > 1 {
		c.printf(`<polyline class="line" points="%s"/>`, strings.Join(places, " "))
	}
	for _, p := range s.drawable() {
		kind := ""
		if p.doubtful {
			kind = ` class="hollow"`
		}
		c.printf(`<g%s><circle class="dot" cx="%.1f" cy="%.1f" r="3"/></g>`, kind, x.at(p.x), y.at(p.y))
	}
	c.printf(`</g>`)
}
