package streamgauge

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Errors that Subscribe returns beside those of the log, possibly wrapped.
var (
	// ErrOverload says that there are as many subscribers or feeds as the
	// limits allow, or that the hub is being drained. Those who are there keep
	// what they have; come back later.
	ErrOverload = errors.New("streamgauge: no room for another subscriber")
	// ErrSubscription says that what was asked for makes no sense.
	ErrSubscription = errors.New("streamgauge: invalid subscription")
)

// rateSteps are the flushes per second that feeds have.
var rateSteps = []float64{20, 10, 5, 2, 1, 0.5, 0.2, 0.1}

// interval returns the time between flushes for a rate, rounded to a step.
func interval(rate float64) (time.Duration, error) {
	if rate == 0 {
		return 0, nil
	}
	for _, step := range rateSteps {
		if rate >= step {
			return time.Duration(float64(time.Second) / step), nil
		}
	}
	return 0, fmt.Errorf("%w: rate must be %g flushes per second or more", ErrSubscription, rateSteps[len(rateSteps)-1])
}

// Subscribe begins a subscription. The hub calls wake, from any goroutine and
// without waiting for it, when Next has something after it had nothing, and
// abort when a write takes longer than the write timeout. Neither may block or
// call the hub. Close must be called in the end. To find the last events that
// pass a filter it reads the log, and waits while the replay budget is spent.
//
// Errors: [ErrSubscription], [ErrOverload], [ErrForbidden], and those of [Log.Head] and
// [Log.Read].
func (h *Hub) Subscribe(ctx context.Context, want Subscription, wake, abort func()) (*Subscriber, error) {
	if want.viewsOnly() && len(want.Views) == 0 {
		return nil, fmt.Errorf("%w: no stream or view is selected", ErrSubscription)
	}
	if want.Encoding == EncodeBare && (len(want.Select) != 1 || want.Select[0].IsPattern() || len(want.Conditions)+len(want.Views) > 0) {
		return nil, fmt.Errorf("%w: the bare encoding is for one stream", ErrSubscription)
	}
	if want.Encoding >= encodings {
		return nil, fmt.Errorf("%w: there is no encoding %d", ErrSubscription, want.Encoding)
	}
	if d := want.Delivery; d != "" && d != DeliverAll && d != DeliverLatest {
		return nil, fmt.Errorf("%w: there is no delivery %q", ErrSubscription, d)
	}
	if want.client == (client{}) && want.Access != nil {
		want.client.id = want.Access.ID
	}
	pause, err := interval(want.Rate)
	if err != nil {
		return nil, err
	}
	if want.Coding != CodingIdentity && h.packs[want.Coding] == nil {
		return nil, fmt.Errorf("%w: there is no coding %q", ErrSubscription, want.Coding)
	}
	filter, err := h.compile(&want)
	if err != nil {
		return nil, err
	}
	if err := h.resolveViews(&want); err != nil {
		return nil, err
	}
	s := &Subscriber{hub: h, want: &want, access: want.Access, client: want.client, packs: h.packs[want.Coding], wake: wake, abort: abort, parkedAt: -1}
	start, err := s.begin(ctx, filter)
	if err != nil {
		return nil, err
	}
	// On the wheel first: whoever joins before Drain is among those it visits.
	age, reason := h.age(want.Access)
	h.wheel.add(s, age, reason)
	if err := h.join(s, want.feedKey(max(pause, h.opts.FlushInterval)), filter); err != nil {
		h.wheel.remove(s)
		return nil, err
	}
	// Who was expelled before being on the wheel was not found there.
	if !want.Access.stands() {
		h.leave(s)
		return nil, fmt.Errorf("%w any more: your access was taken back", ErrForbidden)
	}
	if s.views, err = h.watch(&want, start, start.position.Seq, wake); err != nil {
		h.leave(s)
		return nil, err
	}
	return s, nil
}

// age returns how long a subscription may last, and why it ends then. Zero is for as long as
// it likes.
func (h *Hub) age(a *Access) (time.Duration, byeReason) {
	age := jitter(h.opts.MaxAge*9/10, h.opts.MaxAge*11/10)
	if a == nil || a.Expires.IsZero() {
		return age, byeAge
	}
	left := max(time.Until(a.Expires), 1)
	if age > 0 && age < left {
		return age, byeAge
	}
	return left, byeExpired
}

// begin finds the position after which the subscriber goes on, and writes down
// what its connection begins with.
func (s *Subscriber) begin(ctx context.Context, filter Filter) (start, error) {
	start, gap, err := s.hub.start(ctx, s.want, filter)
	if err != nil {
		return start, err
	}
	id := start.position
	s.epoch = start.position.Epoch
	if s.want.viewsOnly() && !start.resumes {
		id = Position{} // who is cut before the views have begun, begins again
	}
	s.seq = id.Seq
	s.told = start.told
	s.history = start.history
	for _, through := range start.told {
		s.toldThrough = max(s.toldThrough, through)
	}
	o := &s.hub.opts
	s.preface = appendHello(nil, s.want.Encoding, id, start.position, o, s.want, jitter(time.Second, 5*time.Second))
	if gap != nil {
		s.hub.stats.gaps.Add(1)
		s.preface = appendGap(s.preface, s.want.Encoding, gap, id)
	}
	return start, nil
}

// A start is where a subscriber begins.
type start struct {
	position Position
	resumes  bool              // at a cursor
	history  uint64            // what was asked for as history ends here
	told     map[string]uint64 // what was gone already when it came
}

// start finds out where a subscription begins. The gap is what is to be said of
// a cursor that can't be used.
func (h *Hub) start(ctx context.Context, want *Subscription, filter Filter) (start, *Gap, error) {
	head, err := h.log.Head(ctx)
	if err != nil {
		return start{}, nil, err
	}
	var gap *Gap
	if want.Cursor != "" {
		cursor, err := ParsePosition(want.Cursor)
		if err != nil {
			err = ErrAhead
		} else if cursor.Epoch != head.Epoch || cursor.Seq > head.Seq {
			// A log that others share may have been a little behind.
			_, err = h.log.Read(ctx, Query{After: cursor, Limit: 1})
		}
		switch {
		case err == nil:
			return start{position: cursor, resumes: true}, nil, nil
		case errors.Is(err, ErrAhead):
			gap = &Gap{Lost: -1, Reason: ReasonUnknown}
		case errors.Is(err, ErrEpoch):
			gap = &Gap{Lost: -1, Reason: ReasonEpoch}
		default:
			return start{}, nil, err
		}
	}
	if want.Last <= 0 && want.Since.IsZero() || want.viewsOnly() {
		return start{position: head}, gap, nil
	}
	s, err := h.startInPast(ctx, want, filter)
	if want.Delivery != DeliverLatest {
		s.history = head.Seq
	}
	return s, gap, err
}

// startInPast resolves Last and Since. Who asks for those is entitled to what
// is kept now, not to what was trimmed before.
func (h *Hub) startInPast(ctx context.Context, want *Subscription, filter Filter) (start, error) {
	q := Query{Select: want.Select, Last: want.Last, Since: want.Since, Limit: 1}
	if want.Last <= 0 {
		q.Select = want.reach()
	}
	if want.Last > 0 && filter != nil {
		after, err := h.beforeLastMatching(ctx, want, filter)
		if err != nil {
			return start{}, err
		}
		q = Query{Select: want.Select, After: after, Limit: 1}
	}
	page, err := h.log.Read(ctx, q)
	if err != nil {
		return start{}, err
	}
	if want.Last <= 0 && want.guarded() {
		after, err := h.beforeFirstVisible(ctx, want, page.Start)
		if err != nil {
			return start{}, err
		}
		if page, err = h.log.Read(ctx, Query{Select: q.Select, After: after, Limit: 1}); err != nil {
			return start{}, err
		}
	}
	s := start{position: page.Start}
	for _, gap := range page.Gaps {
		if s.told == nil {
			s.told = make(map[string]uint64, len(page.Gaps))
		}
		s.told[gap.Stream] = max(s.told[gap.Stream], gap.Through)
	}
	return s, nil
}

// guarded reports whether there are events in what was asked for that may not be seen.
func (want *Subscription) guarded() bool {
	return want.guard != nil || slices.ContainsFunc(want.views, func(v namedView) bool { return v.guarded })
}

// beforeFirstVisible returns the position before the first event after the position that may
// be seen, or the head if there is none: where others' events are is nobody's business.
func (h *Hub) beforeFirstVisible(ctx context.Context, want *Subscription, after Position) (Position, error) {
	visible := func(e *Event) bool {
		if want.Select.Matches(e.Stream) && (want.guard == nil || want.guard.Match(e)) {
			return true
		}
		return slices.ContainsFunc(want.views, func(v namedView) bool {
			return v.reads.Matches(e.Stream) && (v.filter == nil || v.filter.Match(e))
		})
	}
	for {
		page, err := h.read(ctx, want.client, Query{Select: want.reach(), After: after, Limit: scanEvents})
		if err != nil {
			return Position{}, err
		}
		for i := range page.Events {
			if visible(&page.Events[i]) {
				return page.Events[i].ID.before(), nil
			}
		}
		if after = page.Next; page.Next == page.Head {
			return page.Head, nil
		}
	}
}

// maxFilterScan bounds how many events are looked at to find the last ones that
// pass a filter.
const maxFilterScan = 100_000

// beforeLastMatching returns the position after which want.Last selected events
// pass the filter, or as many as there are among the last maxFilterScan.
func (h *Hub) beforeLastMatching(ctx context.Context, want *Subscription, filter Filter) (Position, error) {
	for back := min(want.Last, maxFilterScan); ; back = min(back*4, maxFilterScan) {
		var matching []Position // the position before each match, which tells of nothing else
		var head Position
		seen := 0
		q := Query{Select: want.Select, Last: back, Limit: scanEvents}
		for {
			page, err := h.read(ctx, want.client, q)
			if err != nil {
				return Position{}, err
			}
			for i := range page.Events {
				if filter.Match(&page.Events[i]) {
					matching = append(matching, page.Events[i].ID.before())
				}
			}
			seen += len(page.Events)
			head = page.Head
			if page.Next == page.Head {
				break
			}
			q = Query{Select: want.Select, After: page.Next, Limit: scanEvents}
		}
		switch n := len(matching); {
		case n >= want.Last:
			return matching[n-want.Last], nil
		case seen < back || back >= maxFilterScan:
			if n == 0 {
				return head, nil
			}
			return matching[0], nil
		}
	}
}

// join gives the subscriber its feed, which is made if nobody has it yet.
func (h *Hub) join(s *Subscriber, key feedKey, filter Filter) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	limits := &h.opts.Limits
	f := h.feeds[key]
	streams := !s.want.viewsOnly()
	switch {
	case h.draining:
		return fmt.Errorf("%w: the hub is being drained", ErrOverload)
	case s.epoch != h.life():
		return fmt.Errorf("%w: the log is being replaced", ErrOverload)
	case h.total >= limits.Subscribers:
		return fmt.Errorf("%w: there are %d (limits.subscribers)", ErrOverload, h.total)
	case streams && f == nil && len(h.feeds) >= limits.Feeds:
		return fmt.Errorf("%w: %d different selections are followed already (limits.feeds)", ErrOverload, len(h.feeds))
	case streams && f == nil && h.made[s.client] >= half(limits.Feeds):
		return fmt.Errorf("%w: you alone follow half of the different selections that all may (limits.feeds)", ErrOverload)
	}
	h.total++
	if !streams {
		s.want = s.want.begun()
		return nil
	}
	if f == nil {
		f = newFeed(key, s.want.begun(), filter, h.delivered.Load(), &h.ring)
		if f.maker = s.client; f.maker != (client{}) {
			h.made[f.maker]++
		}
		h.addFeed(f)
	}
	f.subscribers++
	h.countMakers(f, s.client, 1)
	s.want = f.want
	s.feed = f
	return nil
}

// begun is what matters of a subscription once it has begun, and is the same for all of a feed.
func (want *Subscription) begun() *Subscription {
	return &Subscription{
		Select: want.Select, Conditions: want.Conditions, Encoding: want.Encoding,
		Delivery: want.Delivery, Filter: want.Filter, guard: want.guard,
	}
}

// leave takes the subscriber out of everything that knows it.
func (h *Hub) leave(s *Subscriber) {
	h.wheel.remove(s)
	h.replay.leave(s)
	leaveViews(s.views)
	f := s.feed
	if f != nil {
		f.mu.Lock()
		f.unpark(s)
		f.mu.Unlock()
	}

	h.mu.Lock()
	defer h.mu.Unlock()
	if f != nil {
		h.countMakers(f, s.client, -1)
		if f.subscribers--; f.subscribers == 0 {
			h.removeFeed(f)
		}
	}
	if h.total--; h.total == 0 && h.draining {
		close(h.empty)
	}
}

func (h *Hub) addFeed(f *feed) {
	h.feeds[f.key] = f
	if f.key.interval > 0 {
		h.gated[f] = struct{}{}
	}
	for _, name := range f.names {
		if h.named[name] == nil {
			h.named[name] = make(map[*feed]struct{})
		}
		h.named[name][f] = struct{}{}
	}
	if len(f.patterns) > 0 {
		h.patterns[f] = struct{}{}
	}
	h.eachRoute(f, func(r *route) { r.feeds = append(r.feeds, f) })
	h.shareRings()
}

func (h *Hub) removeFeed(f *feed) {
	if h.feeds[f.key] == f {
		delete(h.feeds, f.key)
	}
	delete(h.gated, f)
	for _, name := range f.names {
		if delete(h.named[name], f); len(h.named[name]) == 0 {
			delete(h.named, name)
		}
	}
	delete(h.patterns, f)
	h.eachRoute(f, func(r *route) {
		if i := slices.Index(r.feeds, f); i >= 0 {
			r.feeds = slices.Delete(r.feeds, i, i+1)
		}
	})
	h.shareRings()
}

// eachRoute calls visit for the routes of the streams that the feed selects.
func (h *Hub) eachRoute(f *feed, visit func(*route)) {
	for _, name := range f.names {
		if r := h.routes[string(name)]; r != nil && !f.patterns.Matches(name) {
			visit(r)
		}
	}
	if len(f.patterns) == 0 {
		return
	}
	for stream, r := range h.routes {
		if f.patterns.Matches(stream) {
			visit(r)
		}
	}
}

// ringBytes is what the rings of all feeds may measure together, and what one
// may at the least and at the most.
const (
	ringBytes    = 256 << 20
	minRingBytes = 64 << 10
	maxRingBytes = 1 << 20
)

func (h *Hub) shareRings() {
	share := ringBytes / max(len(h.feeds), 1)
	h.ring.Store(int64(min(max(share, minRingBytes), maxRingBytes)))
}

// Drain says goodbye to every subscriber, refuses new ones, and returns when
// all have left or the context has ended, with its cause. Publishing goes on.
// Many are sent away one after the other, a thousand a second or faster, so that
// whoever they turn to is not overrun: at least half of the context's time is left
// for them to go.
func (h *Hub) Drain(ctx context.Context) error {
	h.mu.Lock()
	if !h.draining {
		h.draining = true
		h.empty = make(chan struct{})
		if h.total == 0 {
			close(h.empty)
		}
	}
	spread := time.Duration(h.total) * time.Second / drainRate
	h.mu.Unlock()
	if deadline, ok := ctx.Deadline(); ok {
		spread = min(spread, time.Until(deadline)/2)
	}
	h.sendAway(ctx, int(spread/drainStep)+1)
	select {
	case <-h.empty:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

const (
	drainRate = 1000 // subscribers a second
	drainStep = 50 * time.Millisecond
)

// sendAway says goodbye to all subscribers, in so many steps.
func (h *Hub) sendAway(ctx context.Context, steps int) {
	tick := time.NewTicker(drainStep)
	defer tick.Stop()
	for left := steps; left > 0; left-- {
		// Each has the same chance in every step, and nobody has to be remembered.
		h.wheel.each(func(s *Subscriber) {
			if rand.IntN(left) == 0 {
				s.sayBye(byeDrain)
			}
		})
		if left == 1 {
			return
		}
		select {
		case <-tick.C:
		case <-h.empty:
			return
		case <-ctx.Done():
			left = 2 // all who are left, now
		}
	}
}
