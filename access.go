package streamgauge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ErrForbidden says that an [Access] does not allow it.
var ErrForbidden = errors.New("streamgauge: not allowed")

// Access is what somebody may see and say. It is put into the context of a request with
// [WithAccess]; where there is none, everything is allowed. It must not be changed after that.
//
// Whoever may not read a stream can't tell it from one that does not exist.
type Access struct {
	// ID says whose it is: what one client may have is counted by it. Empty is nobody in
	// particular.
	ID string
	// Read are the streams that may be read. What any of the grants allows is allowed.
	Read []Grant
	// Write selects the streams that may be published to.
	Write Selection
	// Except selects streams that neither Read nor Write means.
	Except Selection
	// Valid reports whether the access still stands. It is asked when a subscription begins and
	// by [Hub.Expel]; nil is always.
	Valid func() bool
	// Expires is when subscriptions end with hub.bye, reason expired. Zero is never.
	Expires time.Time
}

// Grant allows reading.
type Grant struct {
	Select Selection
	// Filter is a condition in the language of [Options.CompileFilter]: only events that meet
	// it can be seen. Empty is all of them.
	Filter string
}

type accessKey struct{}

// WithAccess returns a context in which the hub does no more than the access allows.
func WithAccess(ctx context.Context, a *Access) context.Context {
	return context.WithValue(ctx, accessKey{}, a)
}

// AccessOf returns the context's access; nil allows everything.
func AccessOf(ctx context.Context) *Access {
	a, _ := ctx.Value(accessKey{}).(*Access)
	return a
}

// Writes reports whether the stream may be published to.
func (a *Access) Writes(stream string) bool {
	return a == nil || a.Write.Matches(stream) && !a.Except.Matches(stream)
}

// Reads reports whether the stream may be read, and whether all of its events may.
func (a *Access) Reads(stream string) (some, all bool) {
	if a == nil {
		return true, true
	}
	if a.Except.Matches(stream) {
		return false, false
	}
	for _, g := range a.Read {
		if g.Select.Matches(stream) {
			some = true
			all = all || g.Filter == ""
		}
	}
	return some, all
}

// Overlaps reports whether there can be streams that the selector selects and that may be
// read.
func (a *Access) Overlaps(s Selector) bool {
	return a == nil || slices.ContainsFunc(a.Read, func(g Grant) bool {
		return len(Selection{s}.Within(g.Select).without(a.Except)) > 0
	})
}

// nowhere selects no stream. It stands where nothing of a selection may be read.
const nowhere = Selector("")

// A scope is the part of a selection that an access allows.
type scope struct {
	streams Selection // never empty
	guard   *guard    // nil if all events of the streams may be seen
}

// guard lets the events pass that may be seen.
type guard struct {
	text   string // equal guards have equal texts
	except Selection
	open   Selection // all events of these
	parts  []guarded
}

// guarded is streams of which some events may be seen.
type guarded struct {
	streams Selection
	source  string
	filter  Filter
}

// Match implements [Filter].
func (g *guard) Match(e *Event) bool {
	switch {
	case g.except.Matches(e.Stream):
		return false
	case len(g.parts) == 0 || g.open.Matches(e.Stream):
		return true
	}
	return slices.ContainsFunc(g.parts, func(p guarded) bool {
		return p.streams.Matches(e.Stream) && p.filter.Match(e)
	})
}

// hides reports whether nothing may be known of the stream.
func (g *guard) hides(stream string) bool { return g != nil && g.except.Matches(stream) }

// partly reports whether only some events of the stream may be seen.
func (g *guard) partly(stream string) bool {
	return g != nil && len(g.parts) > 0 && !g.open.Matches(stream)
}

// key is what tells scopes of the same streams apart.
func (g *guard) key() string {
	if g == nil {
		return ""
	}
	return g.text
}

// and returns what passes both the guard and the filter, which may be nil.
func (g *guard) and(filter Filter) Filter {
	switch {
	case g == nil:
		return filter
	case filter == nil:
		return g
	}
	return both{g, filter}
}

type both struct{ first, second Filter }

// Match implements [Filter].
func (b both) Match(e *Event) bool { return b.first.Match(e) && b.second.Match(e) }

// scope returns the part of the selection that the access allows. Those who may see the same
// of it get the same, whatever else they may see.
func (h *Hub) scope(a *Access, selection Selection) (scope, error) {
	private := h.opts.Private
	switch {
	case a != nil:
		private = append(slices.Clip(private), a.Except...)
	case len(selection.Within(private)) == 0:
		return scope{streams: selection}, nil
	default:
		a = &Access{Read: []Grant{{Select: Selection{">"}}}}
	}
	var open Selection
	var parts []guarded
	for _, grant := range a.Read {
		if grant.Filter == "" {
			open = append(open, selection.Within(grant.Select)...)
		}
	}
	open = open.without(private).minimal()
	streams := open
	for _, grant := range a.Read {
		if grant.Filter == "" {
			continue
		}
		some := selection.Within(grant.Select).without(private)
		some = slices.DeleteFunc(some, open.covers).minimal()
		if len(some) == 0 {
			continue
		}
		streams = append(slices.Clip(streams), some...)
		i := slices.IndexFunc(parts, func(p guarded) bool { return p.source == grant.Filter })
		if i < 0 {
			filter, err := h.opts.CompileFilter(grant.Filter)
			if err != nil {
				return scope{}, fmt.Errorf("the filter of a grant is wrong: %w", err)
			}
			parts = append(parts, guarded{source: grant.Filter, filter: filter})
			i = len(parts) - 1
		}
		parts[i].streams = append(parts[i].streams, some...).minimal()
	}
	if streams = streams.minimal(); len(streams) == 0 {
		return scope{streams: Selection{nowhere}}, nil
	}
	except := slices.DeleteFunc(slices.Clone(private), func(s Selector) bool { return len(streams.Within(Selection{s})) == 0 })
	if len(parts)+len(except) == 0 {
		return scope{streams: streams}, nil
	}
	slices.SortFunc(parts, func(a, b guarded) int { return strings.Compare(a.source, b.source) })
	text := "except " + strings.Join(except.Strings(), " ") + "\nall of " + strings.Join(open.Strings(), " ")
	for _, p := range parts {
		text += "\n" + strings.Join(p.streams.Strings(), " ") + " where " + p.source
	}
	return scope{streams, &guard{text, except, open, parts}}, nil
}

// stands reports whether the access has not been taken back.
func (a *Access) stands() bool { return a == nil || a.Valid == nil || a.Valid() }

// Expel ends the subscriptions whose access is not valid any more, with hub.bye, reason
// revoked. It is called after an access was taken back.
func (h *Hub) Expel() {
	h.wheel.each(func(s *Subscriber) {
		if !s.access.stands() {
			s.sayBye(byeRevoked)
		}
	})
}

// Within returns what both selections select.
func (s Selection) Within(others Selection) Selection {
	var out Selection
	for _, one := range s {
		for _, other := range others {
			if s, ok := one.intersect(other); ok {
				out = append(out, s)
			}
		}
	}
	return out
}

// without returns the selectors that are not covered by others.
func (s Selection) without(others Selection) Selection {
	return slices.DeleteFunc(s, others.covers)
}

// covers reports whether one of the selectors selects all that the other one does.
func (s Selection) covers(other Selector) bool {
	return slices.ContainsFunc(s, func(one Selector) bool {
		both, ok := one.intersect(other)
		return ok && both == other
	})
}

// minimal returns the selection sorted, and without selectors that others cover.
func (s Selection) minimal() Selection {
	slices.Sort(s)
	s = slices.Compact(s)
	var patterns Selection
	for _, one := range s {
		if one.IsPattern() {
			patterns = append(patterns, one)
		}
	}
	if len(patterns) == 0 {
		return s
	}
	return slices.DeleteFunc(s, func(one Selector) bool {
		return slices.ContainsFunc(patterns, func(p Selector) bool { return p != one && Selection{p}.covers(one) })
	})
}

// intersect returns the selector of what both select, if that can be anything.
func (s Selector) intersect(other Selector) (Selector, bool) {
	a, b := string(s), string(other)
	var out strings.Builder
	for first := true; ; first = false {
		if !first {
			out.WriteByte('.')
		}
		one, restA, moreA := strings.Cut(a, ".")
		two, restB, moreB := strings.Cut(b, ".")
		switch {
		case one == ">":
			out.WriteString(b)
			return Selector(out.String()), b != ""
		case two == ">":
			out.WriteString(a)
			return Selector(out.String()), a != ""
		case one == "*":
			out.WriteString(two)
		case two == "*" || one == two:
			out.WriteString(one)
		default:
			return "", false
		}
		if moreA != moreB {
			return "", false
		}
		if !moreA {
			return Selector(out.String()), out.Len() > 0
		}
		a, b = restA, restB
	}
}
