package streamgauge

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxViews bounds how many views one subscription may have.
const maxViews = 64

// A namedView is a view as it was asked for.
type namedView struct {
	label string // the name or the text by which it was asked for
	View
	filter Filter    // its condition's, and what may be seen
	reads  Selection // what may be read of Select
	text   string    // the View's, and what may be seen: it names the fold
	// guarded says that there are events of reads that may not be seen.
	guarded bool
}

// resolveViews reads the views that a subscription asks for.
func (h *Hub) resolveViews(want *Subscription) error {
	if len(want.Views) > maxViews {
		return fmt.Errorf("%w: %d views are asked for, at most %d are allowed", ErrSubscription, len(want.Views), maxViews)
	}
	want.views = make([]namedView, 0, len(want.Views))
	for _, text := range want.Views {
		v, err := h.resolveView(text, want.Access)
		if err != nil {
			return fmt.Errorf("%w: view %q: %w", ErrSubscription, text, err)
		}
		if !slices.ContainsFunc(want.views, func(other namedView) bool { return other.label == v.label }) {
			want.views = append(want.views, v)
		}
	}
	return nil
}

// resolveView reads a text, or looks up a name, which has no parentheses.
func (h *Hub) resolveView(label string, access *Access) (v namedView, err error) {
	v.label = label
	text := label
	if !strings.Contains(label, "(") && h.opts.NamedView != nil {
		named, ok := h.opts.NamedView(label)
		if !ok || !access.Overlaps(named.Select) {
			return v, fmt.Errorf("there is no view of this name, and its text would be as in count(%s)", label)
		}
		text = named.String() // a View that was put together may be none
	}
	if v.View, err = ParseView(text); err != nil {
		return v, err
	}
	if v.Where != "" {
		if v.filter, err = h.opts.CompileFilter(v.Where); err != nil {
			return v, fmt.Errorf("where: %w", err)
		}
	}
	allowed, err := h.scope(access, Selection{v.Select})
	v.guarded = allowed.guard != nil
	v.reads, v.filter, v.text = allowed.streams, allowed.guard.and(v.filter), v.String()
	if len(v.reads) != 1 || v.reads[0] != v.Select || allowed.guard != nil {
		v.text += "\nof " + strings.Join(v.reads.Strings(), " ") + "\n" + allowed.guard.key()
	}
	return v, err
}

// reach is what a subscription with a time to begin at begins with: the streams,
// and what its views are computed from.
func (want *Subscription) reach() Selection {
	all := slices.Clone(want.Select)
	for _, v := range want.views {
		all = append(all, v.reads...)
	}
	return all
}

// viewsOnly reports whether there are no streams.
func (want *Subscription) viewsOnly() bool { return len(want.Select)+len(want.Conditions) == 0 }

// watch returns a cursor for each view of a subscription, which begins when the
// log has been read up to need. After an error there is none.
func (h *Hub) watch(want *Subscription, start start, need uint64, wake func()) ([]*viewCursor, error) {
	pause, err := interval(want.Rate)
	if err != nil {
		return nil, err
	}
	cursors := make([]*viewCursor, 0, len(want.views))
	for _, v := range want.views {
		c := &viewCursor{
			wake: wake, need: need, last: want.Last, since: want.Since,
			resumes: start.resumes, after: start.position.Seq,
		}
		if err := h.views.watch(c, v, viewFeedKey{v.label, want.Encoding, pause}, want.client); err != nil {
			leaveViews(cursors)
			return nil, err
		}
		cursors = append(cursors, c)
	}
	return cursors, nil
}

func leaveViews(cursors []*viewCursor) {
	for _, c := range cursors {
		c.leave()
	}
}

// fromViews returns the next block of the views, which take turns, and whether
// all have what they begin with. Until then streams have to wait: their events
// would move the client's position past what it was not told of the views.
func (s *Subscriber) fromViews() (p []byte, rows int, begun bool) {
	var b viewBlock
	var c *viewCursor
	shared := false
	for range s.views {
		c = s.views[s.turn]
		s.turn = (s.turn + 1) % len(s.views)
		if b, shared = c.next(s.borrow); b.rows > 0 {
			break
		}
	}
	seq, begun := viewsThrough(s.views)
	if !begun || !s.want.viewsOnly() || seq <= s.seq {
		return b.bytes, b.rows, begun
	}
	s.seq = seq
	if b.rows == 0 {
		return nil, 0, true
	}
	scratch := s.borrow()
	if shared {
		*scratch = append((*scratch)[:0], b.bytes...)
	}
	*scratch = c.feed.form.appendID(*scratch, s.position())
	return *scratch, b.rows, true
}

// viewsThrough returns up to where the log is in what all of the views have
// said, and whether all have said what they begin with.
func viewsThrough(cursors []*viewCursor) (seq uint64, begun bool) {
	for i, c := range cursors {
		if !c.begun {
			return 0, false
		}
		if i == 0 || c.seq < seq {
			seq = c.seq
		}
	}
	return seq, true
}

// viewPage is a page of JSON with the rows of the views that were asked for.
func (h *Hub) viewPage(ctx context.Context, req *request, a *answer) error {
	want := req.want
	want.Encoding = EncodeNDJSON
	if err := h.resolveViews(&want); err != nil {
		return err
	}
	begin, bad, err := h.start(ctx, &want, nil)
	if err != nil {
		return err
	}
	head, err := h.log.Head(ctx)
	if err != nil {
		return err
	}
	more := make(chan struct{}, 1)
	cursors, err := h.watch(&want, begin, head.Seq, func() {
		select {
		case more <- struct{}{}:
		default:
		}
	})
	if err != nil {
		return err
	}
	defer leaveViews(cursors)
	a.body = []byte(`{"events":[`)
	left := false
	for _, c := range cursors {
		lines, cut, err := c.newestLines(ctx, req.limit, a, more)
		if err != nil {
			return err
		}
		left = left || cut
		for line := range bytes.Lines(lines) {
			if a.body[len(a.body)-1] == '}' {
				a.body = append(a.body, ',')
			}
			a.body = append(append(a.body, '\n'), line[:len(line)-1]...)
		}
	}
	seq, _ := viewsThrough(cursors)
	body := append(a.body, "\n],\"cursor\":\""...)
	body = Position{h.life(), seq}.append(body)
	body = append(body, "\",\"more\":"...)
	body = append(strconv.AppendBool(body, left), ",\"gaps\":["...)
	if bad != nil {
		body = append(append(append(body, '{'), gapMembers(bad)...), '}')
	}
	a.body = append(body, "]}\n"...)
	return nil
}

// newestLines returns the newest of the rows that the cursor begins with, one a
// line, and whether there are older ones. It keeps no more than it may return.
func (c *viewCursor) newestLines(ctx context.Context, most int, a *answer, more <-chan struct{}) (lines []byte, cut bool, err error) {
	var scratch []byte
	room := maxAnswerBytes - len(a.body)
	kept, all := 0, 0 // rows
	for !c.begun {
		b, _ := c.next(func() *[]byte { return &scratch })
		if err := a.hold(len(a.body) + len(lines) + len(b.bytes)); err != nil {
			return nil, false, err
		}
		lines, kept, all = append(lines, b.bytes...), kept+b.rows, all+b.rows
		for kept > 0 && (kept > most || len(lines) > room) {
			lines = lines[bytes.IndexByte(lines, '\n')+1:]
			kept--
		}
		if b.rows > 0 || c.begun {
			continue
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil, false, context.Cause(ctx)
		}
	}
	if kept < min(all, most) {
		return nil, false, fmt.Errorf("%w: the answer would be longer than %d MiB; ask for less with last, since, limit or fewer views", ErrSubscription, maxAnswerBytes>>20)
	}
	return lines, kept < all, nil
}
