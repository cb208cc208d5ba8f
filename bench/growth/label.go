package main

import "math"

// Where a value is written, from its point.
const (
	raise    = 9.0  // up to what it stands on
	lower    = 18.0 // down to the same
	steep    = 0.7  // from where on a line runs into a value
	sidestep = 4.0  // away from such a line
)

// A place is where a point is drawn.
type place struct{ x, y, value float64 }

// label writes the values at the points, and the lines' names at their ends.
func (p *panel) label(c *canvas, x, y axis) {
	type end struct {
		place
		class, name string
	}
	var ends []*end
	for i := range p.series {
		var places []place
		points := p.series[i].drawable()
		for _, at := range points {
			places = append(places, place{x.at(at.x), y.at(at.y), at.y})
		}
		last := len(places) - 1
		if last < 0 {
			continue
		}
		ends = append(ends, &end{places[last], p.series[i].class(), p.series[i].name})
		for j, at := range places[:last] {
			up := !p.belowOther(i, points[j])
			anchor, dx := "middle", 0.0
			if j > 0 && inTheWay(at, places[j-1], up) {
				anchor, dx = "start", -sidestep
			}
			if inTheWay(at, places[j+1], up) {
				anchor, dx = "end", sidestep
			}
			dy := lower
			if up {
				dy = -raise
			}
			c.text("value", anchor, at.x+dx, at.y+dy, number(at.value))
		}
	}
	// Names that would be on each other make room.
	if len(ends) == 2 {
		above, below := ends[0], ends[1]
		if below.y < above.y {
			above, below = below, above
		}
		if short := lineHeight - (below.y - above.y); short > 0 {
			above.y -= short / 2
			below.y += short / 2
		}
	}
	for _, e := range ends {
		c.printf(`<g class="%s"><text text-anchor="start" x="%.1f" y="%.1f"><tspan class="name">%s</tspan> %s</text></g>`,
			e.class, float64(areaRight+8), e.y+4, escape(e.name), number(e.value))
	}
}

// inTheWay reports whether the line from a point to its neighbour runs through
// what is written above the point, or below it.
func inTheWay(at, neighbour place, up bool) bool {
	rise := at.y - neighbour.y
	if !up {
		rise = -rise
	}
	return rise > steep*math.Abs(neighbour.x-at.x)
}

// belowOther reports whether the other line passes above a point of one.
func (p *panel) belowOther(one int, at point) bool {
	for i := range p.series {
		if i == one {
			continue
		}
		for _, other := range p.series[i].drawable() {
			if other.x == at.x {
				return other.y > at.y || other.y == at.y && i > one
			}
		}
	}
	return false
}
