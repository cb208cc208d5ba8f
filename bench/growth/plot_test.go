package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/internal/bench"
)

// seen is what is found in a figure.
type seen struct {
	areas  int
	places []place // of points
	text   string
}

// look reads a figure, and reports points outside of their panel's area and
// everything else outside of the figure.
func look(t *testing.T, svg []byte) (out seen) {
	t.Helper()
	var area, whole struct{ x, y, width, height float64 }
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return out
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
		if text, ok := token.(xml.CharData); ok {
			out.text += string(text)
		}
		e, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		attribute := func(name string) string {
			i := slices.IndexFunc(e.Attr, func(a xml.Attr) bool { return a.Name.Local == name })
			if i < 0 {
				return ""
			}
			return e.Attr[i].Value
		}
		number := func(name string) float64 {
			v, err := strconv.ParseFloat(attribute(name), 64)
			if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
				t.Errorf("%s of a %s is %q", name, e.Name.Local, attribute(name))
			}
			return v
		}
		switch e.Name.Local {
		case "svg":
			whole.width, whole.height = number("width"), number("height")
		case "rect":
			if attribute("class") == "area" {
				out.areas++
				area.x, area.y, area.width, area.height = number("x"), number("y"), number("width"), number("height")
				if area.y+area.height > whole.height {
					t.Errorf("the area %v is not in the figure %v", area, whole)
				}
			}
		case "circle":
			x, y := number("cx"), number("cy")
			out.places = append(out.places, place{x: x, y: y})
			if x < area.x || x > area.x+area.width || y < area.y || y > area.y+area.height {
				t.Errorf("a point at %v, %v is not in the area %v", x, y, area)
			}
		case "text":
			if x, y := number("x"), number("y"); x < 0 || x > whole.width || y < 8 || y > whole.height {
				t.Errorf("a text at %v, %v is not in the figure %v", x, y, whole)
			}
		case "path", "polyline":
			if v := attribute("d") + attribute("points"); strings.Contains(v, "NaN") || strings.Contains(v, "Inf") {
				t.Errorf("a line is %q", v)
			}
		}
	}
}

func TestFigures(t *testing.T) {
	line := func(ys ...float64) (s series) {
		for i, y := range ys {
			s.points = append(s.points, point{x: math.Pow(10, float64(i)), y: y})
		}
		return s
	}
	wide := series{points: []point{{x: 1, y: 1e-9}, {x: 3, y: 1e12}, {x: 4, y: 2}}}
	for _, c := range []struct {
		name   string
		panels []panel
		points int
	}{
		{"no panel", nil, 0},
		{"no series", []panel{{}}, 0},
		{"an empty series", []panel{{series: []series{{}}}}, 0},
		{"an empty series and another", []panel{{series: []series{{}, line(1, 2)}}}, 2},
		{"a point", []panel{{series: []series{line(7)}}}, 1},
		{"a point in each of two lines", []panel{{series: []series{line(7), line(7)}}}, 2},
		{"a line", []panel{{series: []series{line(0.3, 20, 4000)}}}, 3},
		{"two that cross", []panel{{series: []series{line(1, 2, 3), line(3, 2, 1)}}}, 6},
		{"the same value", []panel{{series: []series{line(5, 5, 5)}}}, 3},
		{"a wide range", []panel{{series: []series{wide}}}, 3},
		{"zeros", []panel{{series: []series{line(0, 5, 0, 6, 0)}}}, 2},
		{"zeros only", []panel{{series: []series{line(0, 0)}}}, 0},
		{"what is no number", []panel{{series: []series{line(math.NaN(), math.Inf(1), -1, 6)}}}, 1},
		{"at no place", []panel{{series: []series{{points: []point{{x: 0, y: 1}, {x: math.NaN(), y: 1}}}}}}, 0},
		{"panels", []panel{{series: []series{line(1, 2)}}, {}, {series: []series{line(4, 5), line(6)}}}, 5},
		{"markup", []panel{{title: "a < b", unit: "&", series: []series{{name: "<p99>", points: line(1).points}}}}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := figure{title: `<"&>`, axis: "a & b", panels: c.panels, foot: []string{"<a>", "b"}}
			for _, p := range c.panels {
				for _, s := range p.series {
					for _, at := range s.points {
						f.xs = append(f.xs, at.x)
					}
				}
			}
			got := look(t, f.svg())
			if got.areas != len(c.panels) || len(got.places) != c.points {
				t.Errorf("there are %d areas and %d points, want %d and %d", got.areas, len(got.places), len(c.panels), c.points)
			}
			if !strings.Contains(got.text, `<"&>`) || !strings.Contains(got.text, "a & b") {
				t.Errorf("the texts are %q", got.text)
			}
		})
	}
}

// Higher values are higher up, and those with more of what grows further right.
func TestPointsAreWhereTheyBelong(t *testing.T) {
	f := figure{xs: []float64{1, 10, 1000}, panels: []panel{{series: []series{{points: []point{{1, 5, false}, {10, 50, true}, {1000, 40, false}}}}}}}
	svg := f.svg()
	at := look(t, svg).places
	if len(at) != 3 || at[0].y <= at[1].y || at[2].y <= at[1].y || at[0].y <= at[2].y {
		t.Fatalf("the points are at %v", at)
	}
	if first, second := at[1].x-at[0].x, at[2].x-at[1].x; math.Abs(second-2*first) > 0.3 {
		t.Errorf("a decade is %v wide, two are %v", first, second)
	}
	if n := bytes.Count(svg, []byte(`class="hollow"`)); n != 1 {
		t.Errorf("%d points are hollow", n)
	}
}

func TestSweepsAreDrawn(t *testing.T) {
	for _, s := range sweeps() {
		m := measured{Sweep: s.name}
		for _, n := range s.values {
			o := bench.Defaults(bench.FanOut)
			s.set(&o, n)
			r := &bench.Result{
				Subscribers: o.Subscribers, Streams: o.Streams, Payload: o.Payload, Rate: o.Rate, Acked: 9,
				DeliveriesPerSecond: 2, CPUSeconds: 3, CPUPerMillionDeliveries: 4, IdleBytesPerSubscriber: 5,
				Latency: bench.Quantiles{P50: 6, P99: 7},
			}
			if s.at(r) != float64(n) {
				t.Errorf("%s: %d is drawn at %v", s.name, n, s.at(r))
			}
			m.Points = append(m.Points, r)
		}
		want := 0
		for _, c := range s.charts {
			for _, l := range c.lines {
				for _, n := range s.values {
					if float64(n) >= l.from {
						want++
					}
				}
			}
		}
		if got := look(t, s.figure(&m).svg()); got.areas != len(s.charts) || len(got.places) != want {
			t.Errorf("%s: there are %d areas and %d points, want %d and %d", s.name, got.areas, len(got.places), len(s.charts), want)
		}
		look(t, s.figure(&measured{}).svg())
	}
}
