package streamgauge

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Hub takes events in, keeps them in a log, and sends them to subscribers. It
// is an [http.Handler] for those. All methods may be called from any number of
// goroutines. A hub delivers while Run runs; it starts nothing by itself. When Run ends,
// so do the connections that loops carry, see [Transport].
type Hub struct {
	opts  Options
	log   Log
	rules Rules
	epoch atomic.Uint64 // the Epoch of the log that is delivered

	names     names
	views     views
	wheel     *wheel
	replay    replayBudget
	answers   answers
	packs     map[Coding]*packs
	loops     loops
	scratch   sync.Pool // *[]byte
	stats     counters
	delivered atomic.Uint64 // everything up to it is in the rings
	degraded  atomic.Bool   // delivery has stopped
	unready   atomic.Bool   // the log is out of reach
	others    atomic.Pointer[others]
	running   atomic.Bool
	ring      atomic.Int64 // bytes that a feed's ring may have

	mu       sync.Mutex // protects following; taken before a feed's mutex
	feeds    map[feedKey]*feed
	gated    map[*feed]struct{}            // those with an interval
	named    map[string]map[*feed]struct{} // those that name a stream
	patterns map[*feed]struct{}            // those with patterns
	waits    bool                          // one with an interval may have something to show
	routes   map[string]*route
	clients  map[client]int // subscribers and pages
	made     map[client]int // feeds of which they are the maker
	total    int            // subscribers
	draining bool
	empty    chan struct{} // closed when the last subscriber has left a draining hub

	// Only Run uses these.
	wakes    []*Subscriber
	touched  []*feed
	encoded  [encodings][]byte
	matched  []byte // an event for a feed with conditions
	conflate []byte
}

// A route is what the hub keeps of a stream: who follows it, and how fast it
// moves.
type route struct {
	feeds    []*feed
	delivery Delivery
	rate     rate
}

// New returns a hub. It asks the log where it stands, so that nothing that is
// appended from now on is missed by those who subscribe before Run runs.
func New(options *Options) (*Hub, error) {
	o := options.orDefaults()
	if o.Log == nil {
		o.Log = NewMemoryLog(o.Rules)
	}
	h := &Hub{
		opts: o, log: o.Log, rules: o.Rules,
		names:    names{limit: o.Limits.Streams, known: make(map[string]Rule)},
		feeds:    make(map[feedKey]*feed),
		gated:    make(map[*feed]struct{}),
		named:    make(map[string]map[*feed]struct{}),
		patterns: make(map[*feed]struct{}),
		routes:   make(map[string]*route),
		clients:  make(map[client]int),
		made:     make(map[client]int),
		scratch:  sync.Pool{New: func() any { return new([]byte) }},
		packs:    newPacks(o.EncodeZstd),
	}
	h.views.init(h)
	h.answers.by = make(map[client]int)
	h.wheel = newWheel(o.Heartbeat, o.WriteTimeout, func() { h.stats.writeTimeouts.Add(1) })
	h.replay.perSecond = o.Limits.ReplayBytesPerSecond
	h.replay.perClient = o.Limits.ReplayBytesPerToken
	h.replay.left.Store(h.replay.perSecond)
	h.ring.Store(maxRingBytes)
	ctx := context.Background()
	head, err := h.log.Head(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask the log for its head: %w", err)
	}
	h.epoch.Store(uint64(head.Epoch))
	h.delivered.Store(head.Seq)
	if err := h.refreshNames(ctx); err != nil {
		return nil, err
	}
	return h, nil
}

// Run delivers what is appended to the log and keeps time, until the context
// ends or the log fails, and returns why. It must run once.
func (h *Hub) Run(ctx context.Context) error {
	if !h.running.CompareAndSwap(false, true) {
		return errors.New("streamgauge: the hub runs already")
	}
	ctx, cancel := context.WithCancel(ctx)
	var clock sync.WaitGroup
	clock.Go(func() { h.keepTime(ctx) })
	clock.Go(func() { h.announce(ctx) })
	stopViews := h.views.run(ctx)
	stopLoops := h.loops.run(ctx, h)
	err := h.tail(ctx)
	h.degraded.Store(true)
	cancel()
	clock.Wait()
	stopViews()
	stopLoops()
	return err
}

func (h *Hub) tail(ctx context.Context) error {
	for {
		err := h.log.Tail(ctx, Position{h.life(), h.delivered.Load()}, h.deliver)
		if errors.Is(err, ErrEpoch) {
			if err := h.renew(ctx); err != nil {
				return err
			}
			continue
		}
		if !errors.Is(err, ErrTrimmed) {
			return err
		}
		// Events were trimmed faster than they could be delivered. Everyone
		// goes on in the log, which knows what each of them has missed.
		head, err := h.log.Head(ctx)
		if err != nil {
			return err
		}
		h.opts.Logger.Warn("delivery was overtaken by retention", "from", h.delivered.Load(), "to", head.Seq)
		h.skipTo(head.Seq)
	}
}

// life is the epoch of the log that is delivered.
func (h *Hub) life() Epoch { return Epoch(h.epoch.Load()) }

// renew begins anew with a log that was replaced. All subscribers are sent away: coming
// back they are told what became of their cursors.
func (h *Hub) renew(ctx context.Context) error {
	head, err := h.log.Head(ctx)
	if err != nil {
		return err
	}
	h.opts.Logger.Error("the log was replaced, all subscribers begin anew", "position", head.String())
	h.mu.Lock()
	h.epoch.Store(uint64(head.Epoch))
	h.delivered.Store(head.Seq)
	clear(h.feeds) // their subscribers hold on to them until they leave
	clear(h.gated)
	clear(h.named)
	clear(h.patterns)
	clear(h.routes)
	h.mu.Unlock()
	h.names.reset()
	h.views.reset()
	h.wheel.each(func(s *Subscriber) {
		if s.epoch != head.Epoch {
			s.sayBye(byeEpoch)
		}
	})
	return nil
}

// skipTo empties every ring and goes on after seq.
func (h *Hub) skipTo(seq uint64) {
	h.mu.Lock()
	for _, f := range h.feeds {
		f.mu.Lock()
		f.clear(seq)
		h.wakes = f.show(h.wakes)
		f.mu.Unlock()
	}
	h.delivered.Store(seq)
	h.mu.Unlock()
	h.wakeAll()
	h.views.moved()
}

func (h *Hub) keepTime(ctx context.Context) {
	ticker := time.NewTicker(h.wheel.tick)
	defer ticker.Stop()
	var flushes <-chan time.Time // where the wheel's tick is too coarse for them
	if quarter := h.opts.FlushInterval / 4; quarter > 0 && quarter < h.wheel.tick {
		flush := time.NewTicker(max(quarter, time.Millisecond))
		defer flush.Stop()
		flushes = flush.C
	}
	last, asked := time.Now(), time.Time{}
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			h.wheel.turnTo(now)
			h.replay.refill(now.Sub(last))
			if flushes == nil {
				h.flushGated(now)
			}
			last = now
			if now.Sub(asked) >= time.Second {
				h.unready.Store(h.logReady() != nil)
				asked = now
			}
		case now := <-flushes:
			h.flushGated(now)
		}
	}
}

// state is what heartbeats say.
func (h *Hub) state() string {
	if h.degraded.Load() || h.unready.Load() {
		return "degraded"
	}
	return "ok"
}

// deliverBatch bounds how many events are encoded before the first of them is
// shown.
const deliverBatch = 256

func (h *Hub) deliver(events []Event) error {
	for len(events) > 0 {
		n := min(len(events), deliverBatch)
		h.deliverBatch(events[:n])
		events = events[n:]
	}
	return nil
}

func (h *Hub) deliverBatch(events []Event) {
	h.mu.Lock()
	now := time.Now()
	for i := range events {
		h.dispatch(&events[i], now)
	}
	for _, f := range h.touched {
		if f.key.interval == 0 || !now.Before(f.due) {
			h.wakes = f.show(h.wakes)
			f.due = now.Add(f.key.interval)
		} else {
			h.waits = true
		}
		f.touched = false
		f.mu.Unlock()
	}
	clear(h.touched)
	h.touched = h.touched[:0]
	h.delivered.Store(events[len(events)-1].ID.Seq)
	h.mu.Unlock()
	h.stats.eventsIn.Add(uint64(len(events)))
	h.wakeAll()
	h.views.moved()
}

// wakeAll wakes outside of all locks: those who wake up want them.
func (h *Hub) wakeAll() {
	for i, s := range h.wakes {
		s.wake()
		h.wakes[i] = nil
	}
	h.wakes = h.wakes[:0]
}

// dispatch puts one event into every feed that wants it. It is encoded at most
// once for each encoding, however many feeds there are.
func (h *Hub) dispatch(e *Event, now time.Time) {
	r := h.route(e.Stream)
	r.rate.observe(now)
	for i := range h.encoded {
		h.encoded[i] = h.encoded[i][:0]
	}
	for _, f := range r.feeds {
		if f.filter != nil && !f.filter.Match(e) {
			continue
		}
		encoded := h.encode(e, f)
		var conflate []byte
		if delivery(f.key.delivery, r.delivery) == DeliverLatest {
			h.conflate = append(append(append(h.conflate[:0], e.Stream...), 0), e.Key...)
			if p, ok := f.filter.(*passing); ok {
				h.conflate = p.appendMet(append(h.conflate, 0), e)
			}
			conflate = h.conflate
		}
		if !f.touched {
			f.touched = true
			f.mu.Lock()
			h.touched = append(h.touched, f)
		}
		f.push(e.ID.Seq, conflate, encoded)
	}
}

// encode returns the event as the feed has it, encoded once for all feeds of an
// encoding. Those with conditions say which ones the event meets.
func (h *Hub) encode(e *Event, f *feed) []byte {
	enc := f.key.encoding
	if _, ok := f.filter.(*passing); ok {
		h.matched = enc.appendPassed(h.matched[:0], e, f.filter)
		return h.matched
	}
	if len(h.encoded[enc]) == 0 {
		h.encoded[enc] = enc.appendEvent(h.encoded[enc], e)
	}
	return h.encoded[enc]
}

// flushGated shows what waits in feeds that flush at intervals.
func (h *Hub) flushGated(now time.Time) {
	var wakes []*Subscriber
	h.mu.Lock()
	waiting := h.waits
	h.waits = false
	if waiting {
		for f := range h.gated {
			f.mu.Lock()
			switch {
			case f.shown == nil:
			case now.Before(f.due):
				h.waits = true
			default:
				wakes = f.show(wakes)
				f.due = now.Add(f.key.interval)
			}
			f.mu.Unlock()
		}
	}
	h.mu.Unlock()
	for _, s := range wakes {
		s.wake()
	}
}

// route returns a stream's route. The hub's mutex is held.
func (h *Hub) route(stream string) *route {
	if r := h.routes[stream]; r != nil {
		return r
	}
	r := &route{delivery: h.rules.For(stream).Delivery}
	for f := range h.named[stream] {
		r.feeds = append(r.feeds, f)
	}
	for f := range h.patterns {
		if _, named := h.named[stream][f]; !named && f.patterns.Matches(stream) {
			r.feeds = append(r.feeds, f)
		}
	}
	// A route is made from the event's own string, which is part of a larger
	// buffer of the log's.
	h.routes[strings.Clone(stream)] = r
	return r
}

// superseded says which events of a page are not the newest of their key in it
// that passes the filter, where only the newest counts. Nil is none of them.
func (h *Hub) superseded(events []Event, override Delivery, filter Filter) []bool {
	type key struct{ stream, key, met string }
	var (
		newest map[key]struct{}
		stale  []bool
		stream string
		latest bool
	)
	for i := len(events) - 1; i >= 0; i-- {
		e := &events[i]
		if e.Stream != stream {
			stream = e.Stream
			latest = delivery(override, h.rules.For(stream).Delivery) == DeliverLatest
		}
		if !latest || filter != nil && !filter.Match(e) {
			continue
		}
		if newest == nil {
			newest = make(map[key]struct{})
		}
		k := key{stream: e.Stream, key: e.Key}
		if p, ok := filter.(*passing); ok {
			k.met = string(p.appendMet(nil, e))
		}
		if _, ok := newest[k]; !ok {
			newest[k] = struct{}{}
			continue
		}
		if stale == nil {
			stale = make([]bool, len(events))
		}
		stale[i] = true
	}
	return stale
}

func jitter(from, to time.Duration) time.Duration {
	return from + rand.N(to-from+1)
}

// retryAfter is how long a client should wait before it comes back. It differs
// from client to client, so that they don't all come at once.
func (h *Hub) retryAfter(reason byeReason) time.Duration {
	switch reason {
	case byeOverload:
		return jitter(10*time.Second, 30*time.Second)
	case byeAge, byeEpoch, byeExpired, byeRevoked:
		return jitter(100*time.Millisecond, time.Second)
	default:
		return jitter(time.Second, 5*time.Second)
	}
}
