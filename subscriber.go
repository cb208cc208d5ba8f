package streamgauge

import (
	"context"
	"errors"
	"hash/crc32"
	"io"
	"slices"
	"sync/atomic"
	"time"
)

// Subscription says what a subscriber wants to see.
type Subscription struct {
	// Select says which streams. It may be empty if there are Conditions or
	// Views.
	Select Selection
	// Conditions select further streams of which only some events are wanted:
	// at most 64. An event comes once, with all the conditions that it meets in
	// its envelope's match, as [Condition.String] has them.
	Conditions []Condition
	// Views are views as texts or, where the hub knows them, by name: at most
	// 64. Their rows come as envelopes of the type hub.view in which the stream
	// is the name or the text by which it was asked for. A row replaces the
	// former one of the same stream, time and key; who is slow gets the newest
	// state only. A filter and a delivery do not concern them, Last counts
	// their windows, Since is when their windows end; without any of them they
	// begin with the newest row of each group.
	Views []string
	// Encoding is how events look on the wire.
	Encoding Encoding
	// Cursor is the position after which to go on, in text, as the client sent
	// it. Any text is fine: what is no position of this log is answered with a
	// gap in the stream and then as if there were no cursor. Empty is none.
	Cursor string
	// Last begins with the last so many selected events that pass the filter,
	// Since with the first one appended at or after it. A usable cursor
	// overrides both, Last overrides Since; without any of them there are live
	// events only.
	Last  int
	Since time.Time
	// Delivery overrides the rules of the streams unless it is empty.
	Delivery Delivery
	// Rate is how many times a second there is anything to write, at most. It
	// is rounded down to one of a few steps, so that feeds stay shared. Zero is
	// no limit.
	Rate float64
	// Coding has what there is to write coded, in blocks that are compressed once for all who are
	// sent the same. One that the hub does not have is an error.
	Coding Coding
	// Filter is a condition in the language of [Options.CompileFilter]; empty
	// is none.
	Filter string
	// Access is what may be seen; nil is everything. Whatever else is asked for is as if it did
	// not exist.
	Access *Access

	client client      // whose it is, for limits
	asked  []string    // the selectors and conditions, as they were asked for
	guard  *guard      // of what Access allows of them
	views  []namedView // Views, read
}

// Subscriber is a cursor on a feed. It has no queue, no goroutine and no timer:
// whoever owns the connection calls Next when the connection can take a write,
// until Next has nothing, and again after Wake was called. Next and Close are
// called by one goroutine at a time.
type Subscriber struct {
	hub    *Hub
	feed   *feed         // nil if there are views only
	want   *Subscription // what matters of it once it has begun; the feed's, if there is one
	access *Access
	client client
	epoch  Epoch
	wake   func()
	abort  func()

	// Where it is. Everything selected up to seq has been handed out.
	seq      uint64
	chunk    *chunk // where seq is in the feed's ring, if that is known
	index    int    // of the next frame in the chunk
	parkedAt int    // protected by the feed's mutex: place in its parked list, or -1

	// Its places in the views.
	views        []*viewCursor
	turn         int  // of the view that is asked next
	streamsFirst bool // a block of the views went out: the streams have their turn

	// What it was told of events that are gone, by stream.
	history     uint64 // what it asked for as history ends here
	told        map[string]uint64
	toldThrough uint64
	served      bool // it has been read to: what is gone from now on, it was too slow for

	preface []byte  // what the connection begins with
	scratch *[]byte // gathers what is not in one piece; borrowed
	packs   *packs  // of its coding; nil if it has none
	sum     uint32  // of what was packed, where its coding needs that
	size    uint32  // likewise
	packed  *[]byte // what is too short to be packed; borrowed
	handed  int     // events in the block that is being written
	ended   bool

	timing timing
}

// timing is what the hub's wheel looks at and acts upon, see [wheel].
type timing struct {
	written atomic.Int64 // when the last block was written, on the wheel's clock
	writing atomic.Int64 // when the block under way was handed out; 0 if none is
	beat    atomic.Bool  // a heartbeat is due
	bye     atomic.Pointer[byeReason]
	aborted bool
	expires int64
	end     byeReason // why it expires
	slot    int       // protected by the wheel's mutex, with the next two
	index   int
}

// Next returns the next block to write, and nil if there is nothing now: then
// Wake will be called when there is. Calling Next says that the block before
// was written as a whole; the block is valid until then. It reads the log if
// the subscriber is further behind than the feed's ring. It returns [io.EOF]
// when the connection should be closed, and else the log's error.
func (s *Subscriber) Next(ctx context.Context) ([]byte, error) {
	p, _, err := s.next(ctx, true)
	return p, err
}

// next is Next, which only reads the log if that is allowed; else behind says that it would
// have to.
func (s *Subscriber) next(ctx context.Context, reads bool) (p []byte, behind bool, err error) {
	s.written()
	if s.ended {
		return nil, false, io.EOF
	}
	if p := s.preface; p != nil {
		s.preface = nil
		if s.packs != nil {
			p = append(slices.Clone(s.packs.header), s.pack(p)...)
		}
		return s.mark(p, 0), false, nil
	}
	for {
		if reason := s.timing.bye.Load(); reason != nil {
			s.ended = true
			return s.hand(appendBye(nil, s.want.Encoding, *reason, s.hub.retryAfter(*reason)), 0), false, nil
		}
		p, events, place, err := s.take(ctx, reads)
		if errors.Is(err, ErrEpoch) {
			s.sayBye(byeEpoch)
			continue
		}
		if err != nil {
			return nil, false, err
		}
		if len(p) > 0 {
			return s.hand(p, events), false, nil
		}
		if place == inLog && !reads {
			return nil, true, nil
		}
		if s.timing.beat.Swap(false) {
			return s.hand(s.heartbeat(), 0), false, nil
		}
		if place == atEnd || place == throttled {
			s.release()
			return nil, false, nil
		}
	}
}

// take returns the next block of the streams or the views, which take turns, or
// nothing, and then where the streams' next one is.
func (s *Subscriber) take(ctx context.Context, reads bool) (p []byte, events int, at place, err error) {
	if len(s.views) == 0 {
		return s.fromStreams(ctx, reads)
	}
	streamsFirst := s.streamsFirst
	s.streamsFirst = false
	if streamsFirst {
		p, events, at, err = s.fromStreams(ctx, reads)
		if at == inLog && !reads {
			s.streamsFirst = true
		}
		if len(p) > 0 || err != nil || s.streamsFirst {
			return p, events, at, err
		}
	}
	p, events, begun := s.fromViews()
	switch {
	case s.feed == nil || !begun:
		return p, events, atEnd, nil
	case len(p) > 0:
		s.streamsFirst = true
		return p, events, inRing, nil
	case streamsFirst:
		return nil, 0, at, nil
	}
	return s.fromStreams(ctx, reads)
}

// fromStreams returns the next block of the streams, if there is one, and where
// it is from.
func (s *Subscriber) fromStreams(ctx context.Context, reads bool) (p []byte, events int, at place, err error) {
	p, events, at = s.fromRing()
	switch {
	case at != inLog:
		s.served = true
	case !s.hub.replay.admit(s): // first: else a reader would be called that may not read, over and over
		at = throttled
	case !reads:
	default:
		p, events, err = s.fromLog(ctx)
	}
	return p, events, at, err
}

// hand is the last that is done to a block.
func (s *Subscriber) hand(p []byte, events int) []byte {
	if s.packs != nil {
		p = s.pack(p)
		if s.ended && s.packs.end != nil {
			p = slices.Concat(p, s.packs.end(s.sum, s.size))
		}
	}
	return s.mark(p, events)
}

// pack returns what a block is packed to.
func (s *Subscriber) pack(p []byte) []byte {
	if s.packs.end != nil {
		s.sum, s.size = crc32.Update(s.sum, crc32.IEEETable, p), s.size+uint32(len(p))
	}
	if len(p) >= minPacked {
		return s.packs.of(p)
	}
	if s.packed == nil {
		s.packed = s.hub.scratch.Get().(*[]byte)
	}
	*s.packed = s.packs.store((*s.packed)[:0], p)
	return *s.packed
}

// mark says that a block is being written.
func (s *Subscriber) mark(p []byte, events int) []byte {
	s.handed = events
	s.timing.beat.Store(false)
	s.timing.writing.Store(s.hub.wheel.now())
	return p
}

func (s *Subscriber) written() {
	if s.timing.writing.Swap(0) == 0 {
		return
	}
	s.timing.written.Store(s.hub.wheel.now())
	s.hub.stats.eventsOut.Add(uint64(s.handed))
	s.handed = 0
}

func (s *Subscriber) position() Position {
	if s.seq == 0 && s.feed == nil {
		return Position{}
	}
	return Position{s.epoch, s.seq}
}

func (s *Subscriber) heartbeat() []byte {
	scratch := s.borrow()
	*scratch = appendHeartbeat((*scratch)[:0], s.want.Encoding, s.position(), time.Now(), s.hub.state())
	return *scratch
}

// borrow gets a buffer for what is not in one piece in the ring. A subscriber
// that waits has none.
func (s *Subscriber) borrow() *[]byte {
	if s.scratch == nil {
		s.scratch = s.hub.scratch.Get().(*[]byte)
	}
	return s.scratch
}

func (s *Subscriber) release() {
	for _, p := range []**[]byte{&s.scratch, &s.packed} {
		if *p == nil {
			continue
		}
		if cap(**p) <= maxScratch {
			s.hub.scratch.Put(*p)
		}
		*p = nil
	}
}

const maxScratch = 256 << 10

// place is where what a subscriber needs next is.
type place uint8

const (
	inRing    place = iota
	inLog           // it is behind the ring
	atEnd           // there is nothing; it is parked
	throttled       // the replay budget is spent; it will be woken
)

// fromRing returns what the feed's ring has for the subscriber, and advances
// it.
func (s *Subscriber) fromRing() (p []byte, events int, at place) {
	// Read before the ring is looked at: everything up to here is in it.
	delivered := s.hub.delivered.Load()
	f := s.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		if s.chunk != nil && s.chunk.dropped {
			s.chunk = nil
		}
		if s.chunk == nil {
			if s.seq < max(f.floor, s.toldThrough) {
				return nil, 0, inLog
			}
			s.chunk, s.index = f.locate(s.seq)
		}
		switch c := s.chunk; {
		case c != nil && s.index < c.shown:
			var scratch *[]byte
			if c.stale > 0 && s.seq >= s.history {
				scratch = s.borrow()
			}
			p, events, s.seq = c.take(s.index, scratch)
			s.index = c.shown
			if len(p) > 0 {
				return p, events, inRing
			}
		case c != nil && s.index == len(c.frames) && c.next != nil:
			s.chunk, s.index = c.next, 0
		default:
			if f.shown == nil {
				s.seq = max(s.seq, delivered)
			}
			f.park(s)
			return nil, 0, atEnd
		}
	}
}

// How much one read of the log returns: enough to make a deep replay cheap,
// little enough that many at once need little memory.
const (
	replayEvents = 256
	replayBytes  = 48 << 10
)

// maxBlock bounds a block that is made of what was read from the log, save for a
// single event: a subscriber whose connection is stuck keeps it. frameRoom is
// what a gap needs, or an event besides its data.
const (
	maxBlock  = 56 << 10
	frameRoom = 1 << 10
)

// fromLog returns the next page of the log, or as much of it as makes a block.
// What is left the next read finds again: nothing of it may be kept meanwhile.
func (s *Subscriber) fromLog(ctx context.Context) (p []byte, events int, err error) {
	h := s.hub
	page, err := h.log.Read(ctx, Query{
		Select: s.want.Select, After: s.position(),
		Limit: replayEvents, Bytes: replayBytes, Told: s.told,
	})
	if err != nil {
		return nil, 0, err
	}
	h.replay.spend(s.client, dataSize(page.Events))
	scratch := s.borrow()
	p, all := s.appendGaps((*scratch)[:0], page.Gaps)
	if *scratch = p; !all {
		return p, 0, nil
	}
	s.served = true
	var stale []bool
	if s.seq >= s.history {
		stale = h.superseded(page.Events, s.want.Delivery, s.feed.filter)
	}
	through := page.Next.Seq
	for i := range page.Events {
		e := &page.Events[i]
		if stale != nil && stale[i] || s.feed.filter != nil && !s.feed.filter.Match(e) {
			continue
		}
		if len(p) > 0 && len(p)+len(e.Data)+frameRoom > maxBlock {
			through = e.ID.Seq - 1
			break
		}
		p = s.want.Encoding.appendPassed(p, e, s.feed.filter)
		events++
	}
	*scratch = p
	s.seq, s.chunk = max(s.seq, through), nil
	if s.seq >= s.toldThrough {
		s.told = nil
	}
	return p, events, nil
}

// appendGaps appends what the subscriber must be told of gaps that the log
// reports, as many as fit in a block, and returns whether these were all.
func (s *Subscriber) appendGaps(p []byte, gaps []Gap) (block []byte, all bool) {
	for i := range gaps {
		g := &gaps[i]
		// The log reports again what is beyond that which was told of the stream.
		// Gaps of no stream share that, and not all are in its order.
		if len(p)+frameRoom > maxBlock && g.Through > s.told[g.Stream] {
			return p, false
		}
		p = s.appendGap(p, g)
	}
	return p, true
}

// appendGap appends what the subscriber must be told of a gap that the log
// reports.
func (s *Subscriber) appendGap(p []byte, g *Gap) []byte {
	if s.told == nil {
		s.told = make(map[string]uint64)
	}
	s.told[g.Stream] = max(s.told[g.Stream], g.Through)
	s.toldThrough = max(s.toldThrough, g.Through)
	told, ok := s.hub.gap(*g, s.want)
	if !ok {
		return p
	}
	if told.Reason == ReasonEvicted && s.served {
		told.Reason = ReasonOverflow
	}
	s.hub.stats.gaps.Add(1)
	return appendGap(p, s.want.Encoding, &told, Position{})
}

// gap returns what a subscriber is to be told of a gap that the log reports,
// and whether it is one for this subscriber.
func (h *Hub) gap(g Gap, want *Subscription) (Gap, bool) {
	rule := h.rules.For(g.Stream).Delivery
	if g.Reason == ReasonEvicted && delivery(want.Delivery, rule) == DeliverLatest {
		if rule == DeliverLatest && !g.Newest {
			return g, false // all that is gone was superseded
		}
		g.Lost = -1
	}
	if want.guard.hides(g.Stream) {
		return g, false
	}
	if want.guard.partly(g.Stream) {
		g.To = Position{} // it may be of an event that may not be seen
	}
	if want.Filter != "" || len(want.Conditions) > 0 || want.guard.partly(g.Stream) {
		g.Lost = -1
	}
	return g, true
}

// Position returns the position through which the subscriber has been handed
// everything that it selected. With views only it has none until it has been
// handed what they begin with.
func (s *Subscriber) Position() Position { return s.position() }

// Close ends the subscription. After it returns abort is not called any more;
// a wake that was under way may still come.
func (s *Subscriber) Close() {
	s.written()
	s.release()
	s.hub.leave(s)
}
