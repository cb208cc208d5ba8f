package streamgauge

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What a view keeps.
const (
	maxViewWindows = 5000    // the newest windows, up to that of the newest event's append time
	maxViewRows    = 100_000 // of the newest windows
	maxViewBuckets = 8 << 20 // of quantiles and histograms together, likewise
	maxViewGroups  = 1000    // in one stretch of Every

	// An event that claims to be from further in the future is left out, or
	// nobody could say from which place in the log a window's events are.
	maxAhead = time.Hour
)

// otherGroups is the group of the groups that are too many.
const otherGroups = "…"

// A tally sums up a view's events, in panes: one for each stretch of Every. A row
// merges the panes of its window. It is told the events in the order of the log
// and the time, and says which rows they change. Two tallies that were told the
// same kept events say the same of every window that neither has left out,
// however the events were cut into pages and whenever rows were asked for.
type tally struct {
	view        *View
	filter      Filter
	hasValue    bool
	path, by    []string // of the value and of the group, if a pointer says it
	every, over int64    // milliseconds, as are all times here
	groups      int      // at most so many in a pane

	panes   map[int64]*pane
	current *pane // of the last event
	dirty   []*pane
	cells   int
	buckets int

	mostRows, mostBuckets int // as many as it may keep

	clock  int64 // the newest event was appended then
	newest int64 // the newest pane
	floor  int64 // windows before it are left out
	front  int64 // windows up to it have begun by the clock
	merged *cell // scratch
}

// A pane holds the cells of one stretch of Every.
type pane struct {
	at    int64
	cells map[string]*cell
	dirty []string // groups
}

// rowKey names a row.
type rowKey struct {
	at    int64
	group string
}

func newTally(v *View, filter Filter) *tally {
	t := &tally{
		view: v, filter: filter, hasValue: v.hasValue(), path: splitPointer(v.Pointer),
		every: v.Every.Milliseconds(), over: v.Over.Milliseconds(),
		mostRows: maxViewRows, mostBuckets: maxViewBuckets,
		panes: make(map[int64]*pane), floor: math.MinInt64, front: math.MinInt64, merged: newCell(v),
	}
	if strings.HasPrefix(v.By, "/") {
		t.by = splitPointer(v.By)
	}
	t.groups = min(maxViewGroups, maxViewRows/int(t.over/t.every))
	return t
}

// align returns the beginning of the stretch that has the time.
func (t *tally) align(ms int64) int64 { return ms - ms%t.every }

// firstPane is where the window begins that is the first not left out.
func (t *tally) firstPane() int64 {
	if t.floor == math.MinInt64 {
		return t.floor
	}
	return t.floor - t.over + t.every
}

// add takes a selected event in.
func (t *tally) add(e *Event) {
	t.clock = max(t.clock, e.Appended.UnixMilli())
	ms := e.Time.UnixMilli()
	at := t.align(ms)
	if at < t.firstPane() || ms > e.Appended.UnixMilli()+maxAhead.Milliseconds() {
		return
	}
	value, ok := t.value(e)
	if !ok || t.filter != nil && !t.filter.Match(e) {
		return
	}
	p := t.pane(at)
	c := t.cell(p, e)
	t.buckets += c.add(e, value)
}

// value returns the number that the view looks at, and whether the event counts.
func (t *tally) value(e *Event) (float64, bool) {
	if !t.hasValue || e.Text {
		return 0, !t.hasValue
	}
	raw := findPath(e.Data, t.path)
	switch {
	case len(raw) == 0:
		return 0, false
	case raw[0] == 't':
		return 1, true
	case raw[0] == 'f':
		return 0, true
	case raw[0] != '-' && (raw[0] < '0' || raw[0] > '9'):
		return 0, false
	}
	value, err := strconv.ParseFloat(string(raw), 64)
	return value, err == nil
}

func (t *tally) pane(at int64) *pane {
	if t.current != nil && t.current.at == at {
		return t.current
	}
	p := t.panes[at]
	if p == nil {
		p = &pane{at: at, cells: make(map[string]*cell)}
		t.panes[at] = p
		t.newest = max(t.newest, at)
	}
	t.current = p
	return p
}

// cell returns the cell of the event's group.
func (t *tally) cell(p *pane, e *Event) *cell {
	var group []byte
	var c *cell
	switch {
	case t.by != nil && !e.Text:
		group = scalarKey(findPath(e.Data, t.by))
		c = p.cells[string(group)]
	case t.view.By == "key":
		c = p.cells[e.Key]
	case t.view.By == "type":
		c = p.cells[e.Type]
	case t.view.By == "stream":
		c = p.cells[e.Stream]
	default:
		c = p.cells[""]
	}
	if c == nil {
		c = t.newCell(p, group, e)
	}
	if !c.dirty {
		c.dirty = true
		if len(p.dirty) == 0 {
			t.dirty = append(t.dirty, p)
		}
		p.dirty = append(p.dirty, c.group)
	}
	return c
}

func (t *tally) newCell(p *pane, pointed []byte, e *Event) *cell {
	group := string(pointed)
	switch t.view.By {
	case "key":
		group = strings.Clone(e.Key) // or it would hold on to the whole event
	case "type":
		group = strings.Clone(e.Type)
	case "stream":
		group = strings.Clone(e.Stream)
	}
	if len(p.cells) >= t.groups {
		group = otherGroups
		if c := p.cells[group]; c != nil {
			return c
		}
	}
	c := newCell(t.view)
	c.group = group
	p.cells[group] = c
	t.cells++
	return c
}

// leaveOut leaves windows out that begin before the time: of them something is
// gone.
func (t *tally) leaveOut(before int64) {
	begin := t.align(before + t.every - 1)
	t.floor = max(t.floor, begin+t.over-t.every)
}

// oldest is the first of the windows that are new enough.
func (t *tally) oldest() int64 { return t.align(t.clock) - (maxViewWindows-1)*t.every }

// trim lets go of what is too old and of what is too much.
func (t *tally) trim() {
	t.floor = max(t.floor, t.oldest())
	first := t.firstPane()
	tooMuch := t.cells > t.mostRows || t.buckets > t.mostBuckets
	if !tooMuch && len(t.panes) <= 2*int(maxViewWindows+t.over/t.every) {
		return // the old ones are looked for once in a while
	}
	ats := slices.Sorted(maps.Keys(t.panes))
	whole := ats[len(ats)-1] - t.over // what one window takes, stays
	for _, at := range ats {
		tooMuch = t.cells > t.mostRows || t.buckets > t.mostBuckets
		if at >= first && (!tooMuch || at > whole) {
			break
		}
		t.drop(t.panes[at])
		t.floor = max(t.floor, at+t.over)
	}
}

func (t *tally) drop(p *pane) {
	delete(t.panes, p.at)
	t.cells -= len(p.cells)
	for _, c := range p.cells {
		t.buckets -= c.buckets()
	}
	p.cells, p.dirty = nil, nil // it may be among the dirty ones for long
	if t.current == p {
		t.current = nil
	}
}

// changed returns the rows that may be others than when it was last asked, the
// newest windows first. A group has a row of a window in which it has events and
// which has begun, by the clock or by an event of the group that is from later.
func (t *tally) changed(now time.Time) []rowKey {
	before := t.front
	t.front = max(t.front, t.align(now.UnixMilli()))
	if before == math.MinInt64 {
		before = t.front // all that there is, is new anyway
	}
	from, to := int64(math.MaxInt64), int64(math.MinInt64)
	for _, p := range t.dirty {
		from, to = min(from, p.at), max(to, p.at+t.over-t.every)
	}
	if t.over > t.every && before < t.front {
		from, to = min(from, before+t.every), max(to, t.newest+t.over-t.every)
	}
	to = min(to, max(t.front, t.newest))
	var keys []rowKey
	for at := to; at >= max(from, t.floor); at -= t.every {
		keys = t.changedIn(keys, at, at > before && at <= t.front)
		if len(keys) > t.mostRows && at < to { // the newest window stays, whatever it takes
			t.floor = at + t.every
			break
		}
	}
	for _, p := range t.dirty {
		for _, group := range p.dirty {
			p.cells[group].dirty = false
		}
		p.dirty = p.dirty[:0]
	}
	t.dirty = t.dirty[:0]
	return keys
}

// changedIn appends the rows of one window: those of the groups that have
// something new, or, if the window has just begun, of all.
func (t *tally) changedIn(keys []rowKey, at int64, begins bool) []rowKey {
	start, own := len(keys), t.panes[at]
	for pane := at - t.over + t.every; pane <= at; pane += t.every {
		p := t.panes[pane]
		if p == nil {
			continue
		}
		for _, group := range p.dirty {
			if at <= t.front || own != nil && own.cells[group] != nil {
				keys = append(keys, rowKey{at, group})
			}
		}
		if begins {
			for group := range p.cells {
				keys = append(keys, rowKey{at, group})
			}
		}
	}
	if t.over == t.every && !begins {
		return keys // one pane: none twice
	}
	slices.SortFunc(keys[start:], func(a, b rowKey) int { return strings.Compare(a.group, b.group) })
	return keys[:start+len(slices.Compact(keys[start:]))]
}

// sum returns the cell of a row, which is good until the next call.
func (t *tally) sum(key rowKey) *cell {
	if t.over == t.every {
		return t.panes[key.at].cells[key.group]
	}
	t.merged.reset()
	for pane := key.at - t.over + t.every; pane <= key.at; pane += t.every {
		if p := t.panes[pane]; p != nil {
			if c := p.cells[key.group]; c != nil {
				t.merged.merge(c)
			}
		}
	}
	return t.merged
}
