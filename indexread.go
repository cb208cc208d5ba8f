package streamgauge

import (
	"slices"
	"strings"
	"time"
)

// This file is the part of the index that answers queries.

const (
	maxPageEvents = 1024
	maxPageBytes  = 4 << 20
)

// Read answers the query, but gives the places of the page's events in place of
// the events. The errors are those of [Log.Read] about the position.
func (ix *Index[L]) Read(q Query, now time.Time) (Page, []Entry[L], error) {
	if err := ix.Check(q.After); err != nil {
		return Page{}, nil, err
	}
	var least uint64
	if !q.After.IsZero() {
		least = q.After.Seq
	}
	streams := ix.selected(q.Select, least)
	for _, s := range streams {
		ix.trim(s, max(ix.clock, now.UnixMilli()))
	}
	start := least
	if q.After.IsZero() {
		start = ix.start(streams, q)
	}
	page := Page{Start: Position{ix.epoch, start}, Head: ix.Head(), Next: ix.Head()}
	page.Gaps = ix.gaps(streams, start, q)
	entries, more := merge(streams, start, q)
	if more {
		page.Next.Seq = entries[len(entries)-1].Seq
	}
	return page, entries, nil
}

// Check returns [ErrEpoch] or [ErrAhead] if the position is neither zero nor
// one of this log.
func (ix *Index[L]) Check(p Position) error {
	switch {
	case p.IsZero():
		return nil
	case p.Epoch != ix.epoch:
		return ErrEpoch
	case p.Seq > ix.head:
		return ErrAhead
	}
	return nil
}

// selected returns the selected streams that had events after the position.
func (ix *Index[L]) selected(sel Selection, after uint64) []*indexed[L] {
	var out []*indexed[L]
	ix.reads++
	names, patterns := sel.split()
	for _, name := range names {
		if s := ix.streams[name]; s != nil && s.last > after && s.seen != ix.reads {
			s.seen = ix.reads
			out = append(out, s)
		}
	}
	if len(patterns) == 0 {
		return out
	}
	for s := ix.newest; s != nil && s.last > after; s = s.older {
		if s.seen != ix.reads && patterns.Matches(s.name) {
			out = append(out, s)
		}
	}
	return out
}

// start returns the position that Last, Since or neither comes to.
func (ix *Index[L]) start(streams []*indexed[L], q Query) uint64 {
	if q.Last > 0 {
		return ix.lastStart(streams, q.Last)
	}
	first := ix.head + 1
	for _, s := range streams {
		i := 0
		if !q.Since.IsZero() {
			// An event belongs to the millisecond in which it was appended.
			i = s.since(q.Since.UnixMilli())
		}
		if i < s.len() {
			first = min(first, s.at(i).seq)
		}
	}
	return first - 1
}

// lastStart goes back n events from the head: to just before the oldest of the
// n newest events. It is found by bisection, since the log waits meanwhile and n
// may be large.
func (ix *Index[L]) lastStart(streams []*indexed[L], n int) uint64 {
	start, high := uint64(0), ix.head
	for start < high {
		middle, after := start+(high-start)/2, 0
		for _, s := range streams {
			after += s.len() - s.search(middle)
		}
		if after <= n {
			high = middle
		} else {
			start = middle + 1
		}
	}
	first := ix.head + 1
	for _, s := range streams {
		if i := s.search(start); i < s.len() {
			first = min(first, s.at(i).seq)
		}
	}
	return first - 1
}

// merge returns what is kept of the streams after the position, in order, as
// much as the query asks for, and whether there is more.
func merge[L any](streams []*indexed[L], start uint64, q Query) (page []Entry[L], more bool) {
	limit, bytes := q.Limit, q.Bytes
	if limit <= 0 {
		limit = maxPageEvents
	}
	if bytes <= 0 {
		bytes = maxPageBytes
	}
	h := make(cursors[L], 0, len(streams))
	total := 0
	for _, s := range streams {
		if i := s.search(start); i < s.len() {
			h.push(cursor[L]{s.at(i).seq, s, i})
			total += s.len() - i
		}
	}
	page = make([]Entry[L], 0, min(total, limit))
	for len(h) > 0 {
		c := &h[0]
		k := c.s.at(c.i)
		if bytes -= int(k.size); len(page) == limit || bytes < 0 && len(page) > 0 {
			return page, true
		}
		page = append(page, Entry[L]{Stream: c.s.name, Seq: k.seq, Appended: k.appended, Size: int(k.size), Loc: k.loc})
		if c.i++; c.i < c.s.len() {
			c.order = c.s.at(c.i).seq
			h.fix()
		} else {
			h.pop()
		}
	}
	return page, false
}

// gaps returns what is gone of the streams after start and not told of yet.
func (ix *Index[L]) gaps(streams []*indexed[L], start uint64, q Query) []Gap {
	var gaps []Gap
	from := Position{ix.epoch, start}
	for _, s := range streams {
		if g, ok := s.gap(max(start, q.Told[s.name])); ok {
			if max(start, q.Told[s.name]) < ix.lost {
				g.Lost = -1 // some of what was lost sight of may have been of this stream
			}
			g.From, g.To.Epoch = from, ix.epoch
			if g.To.Seq == 0 {
				g.To = Position{}
			}
			gaps = append(gaps, g)
		}
	}
	if start < ix.vanishedMax {
		for name, forgotten := range ix.vanished {
			if forgotten > max(start, q.Told[name]) && q.Select.Matches(name) {
				newest := ix.rules.For(name).Delivery == DeliverLatest // it was forgotten, or that would be kept
				gaps = append(gaps, Gap{Stream: name, From: from, Lost: -1, Reason: ReasonEvicted, Newest: newest, Through: forgotten})
			}
		}
	}
	slices.SortFunc(gaps, func(a, b Gap) int { return strings.Compare(a.Stream, b.Stream) })
	if ix.lost > max(start, q.Told[""]) {
		gaps = append(gaps, Gap{From: from, Lost: -1, Reason: ReasonEvicted, Through: ix.lost})
	}
	for _, h := range ix.holes {
		if h.through <= max(start, q.Told[""]) {
			continue
		}
		g := Gap{From: Position{ix.epoch, max(start, h.from)}, Lost: -1, Reason: ReasonBackend, Through: h.through}
		if h.through < ix.head {
			g.To = Position{ix.epoch, h.through + 1}
		}
		gaps = append(gaps, g)
	}
	return gaps
}

// gap returns what is gone of the stream after the position.
func (s *indexed[L]) gap(from uint64) (Gap, bool) {
	g := Gap{Stream: s.name, Reason: ReasonEvicted, Through: s.forgotten}
	n := s.gone.len()
	if n > 0 {
		g.Through = *s.gone.last()
	}
	if g.Through <= from {
		return Gap{}, false
	}
	g.Newest = s.newestGone > from
	g.Lost = int64(n - after(s.gone.all(), from))
	if from < s.forgotten {
		g.Lost = -1
	}
	if i := s.search(g.Through); i < s.len() {
		g.To.Seq = s.at(i).seq
	}
	return g, true
}

// since returns how many of what is kept were appended before the millisecond.
func (s *indexed[L]) since(ms int64) int {
	lo, hi := 0, s.len()
	for lo < hi {
		if mid := (lo + hi) / 2; s.at(mid).appended < ms {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// cursors is a heap of places in streams, the least order first.
type cursors[L any] []cursor[L]

type cursor[L any] struct {
	order uint64
	s     *indexed[L]
	i     int
}

func (h *cursors[L]) push(c cursor[L]) {
	*h = append(*h, c)
	a := *h
	for i := len(a) - 1; i > 0 && a[i].order < a[(i-1)/2].order; i = (i - 1) / 2 {
		a[i], a[(i-1)/2] = a[(i-1)/2], a[i]
	}
}

func (h *cursors[L]) pop() {
	a := *h
	a[0] = a[len(a)-1]
	*h = a[:len(a)-1]
	h.fix()
}

// fix puts the first element where it belongs.
func (h *cursors[L]) fix() {
	a := *h
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(a); child++ {
			if a[child].order < a[least].order {
				least = child
			}
		}
		if least == i {
			return
		}
		a[i], a[least] = a[least], a[i]
		i = least
	}
}
