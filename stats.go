package streamgauge

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// counters only rise.
type counters struct {
	eventsIn, eventsOut, gaps, writeTimeouts atomic.Uint64
}

// Stats is what a hub has done since it was made, and has now.
type Stats struct {
	EventsIn      uint64 // delivered to the feeds, once each
	EventsOut     uint64 // written, once for each subscriber
	Gaps          uint64 // said to subscribers
	WriteTimeouts uint64 // subscribers let go because a write took too long
	Subscribers   int    // connected
	Feeds         int    // different selections being followed
	Streams       int    // that exist
	Views         int    // computed
	ViewRows      int    // kept of all views together
	// Head and Delivered are sequence numbers; their difference, the lag, is
	// what is acknowledged but not yet in the feeds.
	Head, Delivered uint64
	// Folded is the sequence number up to which all views have been computed,
	// Delivered if there are none.
	Folded   uint64
	Degraded bool // delivery does not work, or the log is out of reach
}

// Stats returns the hub's figures.
func (h *Hub) Stats() Stats {
	s := Stats{
		EventsIn: h.stats.eventsIn.Load(), EventsOut: h.stats.eventsOut.Load(),
		Gaps: h.stats.gaps.Load(), WriteTimeouts: h.stats.writeTimeouts.Load(),
		Delivered: h.delivered.Load(), Degraded: h.degraded.Load() || h.unready.Load(),
	}
	s.Head = s.Delivered
	if head, err := h.log.Head(context.Background()); err == nil {
		s.Head = max(s.Head, head.Seq)
	}
	h.names.mu.RLock()
	s.Streams = len(h.names.known)
	h.names.mu.RUnlock()
	s.Views, s.ViewRows, s.Folded = h.views.stats(s.Delivered)
	h.mu.Lock()
	defer h.mu.Unlock()
	s.Subscribers, s.Feeds = h.total, len(h.feeds)
	return s
}

// Head returns the newest position of the log.
func (h *Hub) Head(ctx context.Context) (Position, error) { return h.log.Head(ctx) }

// Rule returns the rule of a stream, whether it exists or not.
func (h *Hub) Rule(stream string) Rule {
	if rule, ok := h.names.rule(stream); ok {
		return rule
	}
	return h.rules.For(stream)
}

// Knows reports whether the stream exists, as far as publishing knows.
func (h *Hub) Knows(stream string) bool {
	_, ok := h.names.rule(stream)
	return ok
}

// StreamStatus is what is known of a stream.
type StreamStatus struct {
	StreamInfo
	Rule        Rule
	Rate        float64 // events per second of late, a moving average
	Subscribers int     // whose selection has it, whatever their filters, of all instances
}

// Streams returns the streams that exist and that the context's [Access] may read, sorted by
// name. Of those of which only some events may be read it says no more than the names.
func (h *Hub) Streams(ctx context.Context) ([]StreamStatus, error) {
	all, err := h.log.Streams(ctx)
	if err != nil {
		return nil, err
	}
	access := AccessOf(ctx)
	infos := make([]StreamInfo, 0, len(all))
	for _, info := range all {
		switch some, whole := access.Reads(info.Name); {
		case !some || h.opts.Private.Matches(info.Name):
		case whole:
			infos = append(infos, info)
		default:
			infos = append(infos, StreamInfo{Name: info.Name})
		}
	}
	out := make([]StreamStatus, len(infos))
	now := time.Now()
	feeds, rates := h.followed(infos)
	followed := newFollowing(append(feeds, h.otherHubs().following...))
	for i, info := range infos {
		out[i] = StreamStatus{StreamInfo: info, Rule: h.rules.For(info.Name)}
		if info.Events > 0 {
			out[i].Rate, out[i].Subscribers = rates[i].at(now), followed.count(info.Name)
		}
	}
	return out, nil
}

// followed returns the feeds and the streams' rates as they are now. Delivery
// waits for the hub's mutex, so what matches them is done without it.
func (h *Hub) followed(infos []StreamInfo) ([]audience, []rate) {
	rates := make([]rate, len(infos))
	h.mu.Lock()
	defer h.mu.Unlock()
	feeds := make([]audience, 0, len(h.feeds))
	for _, f := range h.feeds {
		feeds = append(feeds, audience{f, f.subscribers})
	}
	for i := range infos {
		if r := h.routes[infos[i].Name]; r != nil {
			rates[i] = r.rate
		}
	}
	return feeds, rates
}

// audience is how many subscribers a feed has. What a feed selects never
// changes.
type audience struct {
	feed        *feed
	subscribers int
}

// following counts the subscribers of all feeds by what they select.
type following struct {
	named    map[string]int       // by a stream's name
	patterns map[string]*audience // by selection, of those that have patterns
}

func newFollowing(feeds []audience) *following {
	w := &following{named: make(map[string]int), patterns: make(map[string]*audience)}
	for _, a := range feeds {
		f := a.feed
		switch same := w.patterns[f.key.selection]; {
		case same != nil:
			same.subscribers += a.subscribers
		case len(f.patterns) > 0:
			w.patterns[f.key.selection] = &a
		default:
			for i, name := range f.names {
				if i == 0 || name != f.names[i-1] {
					w.named[name] += a.subscribers
				}
			}
		}
	}
	return w
}

// count returns how many subscribers have the stream in their selection.
func (w *following) count(stream string) int {
	n := w.named[stream]
	for _, a := range w.patterns {
		if a.feed.selects(stream) {
			n += a.subscribers
		}
	}
	return n
}

// Forget removes a stream's events from the log and from the feeds' rings.
// Those who have not seen them are told so, as of events that retention
// trimmed. It reports whether there was such a stream.
func (h *Hub) Forget(ctx context.Context, stream string) (bool, error) {
	if err := CheckStream(stream); err != nil {
		return false, err
	}
	infos, err := h.log.Streams(ctx)
	if err != nil {
		return false, err
	}
	_, found := slices.BinarySearchFunc(infos, stream, func(info StreamInfo, name string) int {
		return strings.Compare(info.Name, name)
	})
	if !found {
		return false, nil
	}
	if err := h.log.Forget(ctx, stream); err != nil {
		return false, err
	}
	h.names.remove([]string{stream})
	var wakes []*Subscriber
	h.mu.Lock()
	if r := h.routes[stream]; r != nil {
		for _, f := range r.feeds {
			f.mu.Lock()
			f.clear(0)
			wakes = f.show(wakes) // other streams' events waited there for a flush
			f.mu.Unlock()
		}
	}
	delete(h.routes, stream)
	h.mu.Unlock()
	for _, s := range wakes {
		s.wake()
	}
	return true, nil
}

// Ready returns nil when what is appended to the log is being delivered: it
// waits, as long as the context allows, until everything that the log has now
// has reached the feeds. A log that is out of reach is an error at once.
func (h *Hub) Ready(ctx context.Context) error {
	if err := h.logReady(); err != nil {
		return err
	}
	head, err := h.log.Head(ctx)
	if err != nil {
		return fmt.Errorf("ask the log for its head: %w", err)
	}
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for {
		switch {
		case h.degraded.Load():
			return fmt.Errorf("delivery has stopped")
		case h.running.Load() && (h.delivered.Load() >= head.Seq || h.life() != head.Epoch):
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the log is at %d and delivery at %d: %w", head.Seq, h.delivered.Load(), context.Cause(ctx))
		case <-ticker.C:
		}
	}
}

// logReady returns why the log is out of reach, if it can be and is.
func (h *Hub) logReady() error {
	if l, ok := h.log.(interface{ Ready() error }); ok {
		return l.Ready()
	}
	return nil
}

// rate is an exponentially decaying count of events per second.
type rate struct {
	value       float64
	first, last time.Time
}

// rateMemory is how far back a rate remembers.
const rateMemory = 10 * time.Second

func (r *rate) observe(now time.Time) {
	if r.first.IsZero() {
		r.first, r.last = now, now
		return // one event is no rate yet
	}
	r.value = r.value*r.decay(now.Sub(r.last)) + 1/rateMemory.Seconds()
	r.last = now
}

// at returns the rate. While there is less to remember than could be, what
// there is counts for all.
func (r *rate) at(now time.Time) float64 {
	if r.value == 0 {
		return 0
	}
	return r.value * r.decay(now.Sub(r.last)) / (1 - r.decay(max(now.Sub(r.first), time.Second/10)))
}

func (r *rate) decay(elapsed time.Duration) float64 {
	return math.Exp(-float64(max(elapsed, 0)) / float64(rateMemory))
}
